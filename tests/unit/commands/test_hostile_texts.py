"""Texts that a target, a file or a name has filled, through every task that shows them: whatever they hold, nobody's
terminal, CI log, table or page is steered by them, and the structured records keep them as they are."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from blackstart.base import writer
from blackstart.base.errors import BadTarget, Refused, StepFailed
from blackstart.base.secrets.redact import Redactor
from blackstart.commands import proxy_server, report, suite_summary
from blackstart.commands.answer import answering
from blackstart.commands.plan_text import show
from blackstart.engine import recording
from blackstart.engine.planning import make
from blackstart.evidence.folder import Folder
from blackstart.model.step import Command
from blackstart.model.target import Service, Target
from blackstart.proxy.client import ProxyInfo, ToxicInfo
from blackstart.reports import csv_log, documents, github
from blackstart.reports.story import RunView
from tests.unit.builders import AFTER, BEFORE, DURING, Cut, change, experiment
from tests.unit.commands.test_strange_records import answers, chained, events
from tests.unit.reports.drills import Drill, judged, told

HOSTILE = (
    "=x\x1b[2J\x07\x9b\r\nFORGED\n::error::forged\n\xa0\u1680\u2003\u202f\u205f\u3000::error::forged"
    "\n##[error]forged\x85\u2028FORGED\u202e\u2066\u200b\U000e0041😀|`*<b>"
)
RUN = "leader_lock_2026-11-20T14-30-00"
# What a reader of the journal goes by; all other texts are somebody's own.
STRUCTURE = {"event", "kind", "phase", "is", "when", "prev", "began", "utc", "verdict", "status", "at", "op", "word",
             "run", "sha256", "version", "state", "module", "digest"}  # fmt: skip


def steers(text: str) -> list[str]:
    """What in the text steers a terminal or a CI server, or is a line that a value has made."""
    found = [
        repr(sign) for sign in text if sign != "\n" and unicodedata.category(sign) in ("Cc", "Cf", "Co", "Zl", "Zp")
    ]
    for line in text.split("\n"):
        if re.match(r"\s*::.*::|FORGED", line) or re.search(r"##(vso|teamcity)?\[", line):
            found.append(line)
    return found


def filled(data: Any, key: str = "") -> Any:
    """The same with every text of somebody's own hostile, and alike wherever it was alike."""
    if isinstance(data, dict):
        return {name: filled(value, name) for name, value in data.items()}
    if isinstance(data, list):
        return [filled(value, key) for value in data]
    return data + HOSTILE if isinstance(data, str) and key not in STRUCTURE else data


@pytest.fixture(params=["held", "broke"])
def hostile(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A run all of whose texts are hostile, sealed."""
    world = Drill(run=RUN, load=True) if request.param == "held" else Drill(run=RUN, leads_again=False, end_s=9.5)
    path = told(world, tmp_path / "reports")
    chained(path / "journal.jsonl", [filled(event) for event in events(path / "journal.jsonl")])
    said: list[str] = []
    documents.write(path, judged(path)[1], {}, said.append)
    assert said == []
    return path


def test_every_report_task_shows_them_without_being_steered(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = ""
    for name, code, out, err in answers(hostile, capsys):
        assert code in (0, 20, 30) and steers(out + err) == [], (name, code, err)
        shown += out
    assert "\\x1b[2J" in shown and "😀" in shown
    assert HOSTILE in json.loads((hostile / "journal.jsonl").read_text().splitlines()[0])["target"]["name"]


def test_no_document_of_a_run_is_steered(hostile: Path) -> None:
    for name in ("junit.xml", *(("summary.md",) if (hostile / "history.csv").exists() else ())):
        assert steers((hostile / name).read_text()) == [], name
    page = (hostile / "report.html").read_text()
    assert "😀" in page and all(sign.isprintable() or sign == "\n" for sign in page)
    ElementTree.parse(hostile / "junit.xml")
    record = (hostile / "results" / "chaos.json").read_text()
    assert json.dumps(HOSTILE, ensure_ascii=False)[1:-1] in record  # a structured record keeps what was said


def test_the_log_in_csv_has_neither_formulas_nor_second_lines(hostile: Path, tmp_path: Path) -> None:
    record, judgement = judged(hostile)
    csv_log.write(tmp_path / "x.log", record, judgement)
    text = (tmp_path / "x.log").read_text()
    assert not [sign for sign in text if sign != "\n" and not sign.isprintable()] and steers(text) == []
    assert all(len(row) == 2 and cell[:1] not in tuple("=@+") for row in csv.reader(text.splitlines()) for cell in row)


def test_no_table_for_spreadsheets_is_a_command_to_a_ci_server(hostile: Path) -> None:
    recording._samples(Folder(RUN, hostile, datetime.now(UTC)), judged(hostile)[0])
    with (hostile / "samples.csv").open(newline="") as file:
        samples = list(csv.reader(file))
    assert steers((hostile / "samples.csv").read_text()) == [] and {len(row) for row in samples} == {6}
    assert any("\\x1b[2J" in row[2] for row in samples)
    assert csv_log.line(("::error title=x", "y::forged", 1.5)) == "\\x3a:error title=x,y::forged,1.5"
    assert next(csv.reader([csv_log.line(("##[x", 'a,"b"', "##vso[y"))])) == ["\\x23#[x", 'a,"b"', "\\x23#vso[y"]


@pytest.mark.parametrize(("text", "shown"), [
    ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("@x", "'@x"), ("+1+1", "'+1+1"), ("-x", "'-x"), ("-1.5", "-1.5"), (-1, -1),
    ("-0.5..1.25", "-0.5..1.25"), ("\t=x", "\\t=x"), ("a\nb", "a\\nb"), ("", ""), ("not_observed", "not_observed"),
])  # fmt: skip
def test_a_cell_is_text_or_a_number_and_no_formula(text: object, shown: object) -> None:
    assert csv_log.cell(text) == shown


def test_annotations_are_one_command_each_and_the_summary_has_no_cell_more(hostile: Path) -> None:
    record, judgement = judged(hostile)
    view = RunView(record, judgement, hostile)
    for line in github.log_lines(view):
        assert line.startswith("::") and "\n" not in line and line.isprintable()
        assert line.count("::error") + line.count("::warning") >= 1
    summary = github.summary(view)
    assert steers(summary) == [] and "<b>" not in summary


def commands() -> Iterator[BaseException]:
    for kind in (Refused, BadTarget, StepFailed, OSError, ValueError):
        yield kind(HOSTILE)
    try:
        raise ValueError(HOSTILE) from RuntimeError(HOSTILE)
    except ValueError as error:
        yield error


@pytest.mark.parametrize("error", list(commands()), ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("how", [{}, {"starts": False}, {"of_record": True}])
def test_refusals_and_mistakes_are_told_without_being_steered(
    error: Exception, how: dict[str, bool], capsys: pytest.CaptureFixture[str]
) -> None:
    @answering(**how)
    def act(_: Redactor) -> int:
        raise error

    assert act() in (30, 40)
    out, err = capsys.readouterr()
    assert "\\x1b[2J" in err and steers(out + err) == []


def test_a_plan_shows_names_and_commands_without_being_steered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    step = Command(("docker", HOSTILE))
    cut = replace(change(), what=HOSTILE, do=(step,), undo=(step,))
    service = Service("redis", f"{HOSTILE}:6379", control={})
    target = Target(HOSTILE, api=HOSTILE, why=HOSTILE, services={"redis": service, HOSTILE: Service(HOSTILE, "x:1")})
    named = experiment(
        faults=(Cut((cut,)),), baseline=(BEFORE,), during=(replace(DURING, name=HOSTILE),), recovery=(AFTER,)
    )
    writer.page(*show(make(named, target), full=True))
    out = capsys.readouterr().out
    assert "\\x1b[2J" in out and steers(out) == []


def test_suites_proxies_and_notes_are_listed_without_being_steered(capsys: pytest.CaptureFixture[str]) -> None:
    for line in suite_summary.lines(HOSTILE, [(HOSTILE, "broke", HOSTILE)], 20, HOSTILE):
        writer.line(line)
    toxic = ToxicInfo(HOSTILE, HOSTILE, HOSTILE, 1.0, {HOSTILE: HOSTILE}, {HOSTILE: HOSTILE})
    proxy_server._show(ProxyInfo(HOSTILE, HOSTILE, HOSTILE, True, (toxic,)))
    writer.error(HOSTILE)
    out, err = capsys.readouterr()
    assert steers(out + err) == [] and len(out.split("\n")) == 8 and err.count("\n") == 1


def test_a_note_of_hostile_words_is_kept_and_shown_in_one_line(
    hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.add_note(str(hostile), HOSTILE, HOSTILE, str(hostile.parent)) == 0
    assert report.show(str(hostile), str(hostile.parent)) == 0
    assert steers(capsys.readouterr().out) == []

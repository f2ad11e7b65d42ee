"""The report tasks: the right run is found, the exit codes tell, and nothing sealed is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from blackstart.base.errors import Refused
from blackstart.commands import attesting, report
from blackstart.evidence import manifest, runs
from blackstart.evidence.journal import Journal
from blackstart.reports import documents
from blackstart.reports.words import MENDED
from tests.unit.reports.drills import Drill, judged, told

ROOT = Path(__file__).parents[3]


def done(reports: Path, number: int = 0, **more: object) -> Path:
    """A finished and sealed run."""
    path = told(Drill(run=f"leader_lock_2026-11-20T14-{number:02d}-00", **more), reports)  # type: ignore[arg-type]
    documents.write(path, judged(path)[1], {}, print)
    return path


def test_the_newest_run_is_the_one_that_began_last_whatever_its_name_sorts_as(tmp_path: Path) -> None:
    told(Drill(run="zebra_2026-11-20T14-30-00"), tmp_path)
    newest = told(Drill(run="apple_2026-11-21T09-00-00_2"), tmp_path)
    told(Drill(run="apple_2026-11-21T09-00-00"), tmp_path)
    assert runs.find("", tmp_path) in (newest, newest.with_name("apple_2026-11-21T09-00-00"))
    assert runs.every(tmp_path)[0].name.startswith("zebra")


def test_a_run_is_found_by_name_path_log_and_page(tmp_path: Path) -> None:
    path = done(tmp_path)
    for name in (path.name, str(path), f"{path}/", f"{path}.log", f"{path.name}.log", str(path / "report.html")):
        assert runs.find(name, tmp_path).resolve() == path


def test_an_unknown_run_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    path = told(Drill(), tmp_path)
    with pytest.raises(Refused, match=f'Did you mean "{path.name}"'):
        runs.find(path.name.replace("leader", "laeder"), tmp_path)
    with pytest.raises(Refused, match="there are no runs in"):
        runs.find("", tmp_path / "empty")


@pytest.mark.parametrize(
    ("more", "code"),
    [({}, 0), ({"leads_again": False, "end_s": 9.5}, 20), ({"bites": False}, 30), ({"gone_ok": False}, 50)],
)
def test_judging_again_gives_the_verdict_and_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: dict[str, object], code: int
) -> None:
    path = done(tmp_path, **more)
    assert report.judge("", str(tmp_path)) == code
    assert "the same as recorded" in capsys.readouterr().out
    assert json.loads((path / "manifest.json").read_bytes())["verdict"] == judged(path)[1].verdict


def test_a_record_that_says_otherwise_than_its_verdict_is_never_green(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = told(Drill(), tmp_path)
    data = (path / "journal.jsonl").read_bytes()
    (path / "journal.jsonl").write_bytes(data.replace(b'"verdict":"held"', b'"verdict":"broke"'))
    assert report.judge("", str(tmp_path)) == 30
    assert "NOT the same as recorded: broke" in capsys.readouterr().out


def test_a_killed_run_has_no_recorded_verdict_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(Drill(stop_at="recovery"), tmp_path)
    assert report.judge("", str(tmp_path)) == 50
    assert "no verdict was recorded" in capsys.readouterr().out


def test_what_the_guardian_mended_after_a_kill_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = told(Drill(stop_at="recovery"), tmp_path)
    guardian = Journal(path / "guardian.jsonl")
    guardian.write("gone", change=f"{path.name}#0", what="stop redis", ok=True)
    guardian.close()
    assert report.judge("", str(tmp_path)) == 30
    assert MENDED in capsys.readouterr().out
    assert report.write_html("", str(tmp_path), "") == 0
    page = (tmp_path / f"{path.name}.html").read_text(encoding="utf-8")
    assert MENDED in page and "Mend it with one of these" not in page


def test_verify_says_zero_twenty_or_thirty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = done(tmp_path)
    assert attesting.check("", str(tmp_path)) == 0
    assert "every file is as it was sealed" in capsys.readouterr().out
    (path / "junit.xml").write_text("<testsuites/>", encoding="utf-8")
    assert attesting.check("", str(tmp_path)) == 20
    assert ["wrong", "junit.xml"] in [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    told(Drill(run="killed_2026-11-20T15-00-00", stop_at="recovery"), tmp_path / "other")
    assert attesting.check("", str(tmp_path / "other")) == 30


def test_showing_a_run_tells_transitions_expectations_load_and_the_verdict_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = done(tmp_path, load=True)
    assert report.show("", str(tmp_path)) == 0
    out = capsys.readouterr().out
    places = [out.index(part) for part in ("hypothesis", "ready is 503", "health_healthy", "POST /orders", "✔ held")]
    assert places == sorted(places)
    assert f"evidence: {path}/" in out


def test_a_new_page_is_written_beside_the_sealed_run_with_the_notes_added_since(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = done(tmp_path)
    assert report.add_note(path.name, "ticket <12>", "ann", str(tmp_path)) == 0
    assert report.write_html("", str(tmp_path), "") == 0
    page = tmp_path / f"{path.name}.html"
    assert capsys.readouterr().out.splitlines()[-1] == str(page)
    assert "ann: ticket &lt;12&gt;" in page.read_text(encoding="utf-8")
    assert attesting.check("", str(tmp_path)) == 0


def test_a_page_is_never_written_into_a_sealed_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = done(tmp_path)
    before = manifest.sha256(path / "report.html")
    assert report.write_html("", str(tmp_path), str(path / "report.html")) == 40
    assert "inside of a sealed run" in capsys.readouterr().err
    assert manifest.sha256(path / "report.html") == before


def test_a_secret_in_a_note_does_not_reach_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPS_KEY", "hunter2-hunter2")
    path = done(tmp_path)
    report.add_note("", "the key was hunter2-hunter2, url redis://u:pa55word@h", "", str(tmp_path))
    text = (path / "notes.jsonl").read_text(encoding="utf-8")
    assert "hunter2" not in text and "pa55word" not in text and "[redacted]" in text


def test_an_empty_note_is_refused(tmp_path: Path) -> None:
    path = done(tmp_path)
    assert report.add_note("", "  ", "", str(tmp_path)) == 40
    assert not (path / "notes.jsonl").exists()


def test_a_trend_is_saved_as_a_baseline_and_gates_what_comes_after(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports, file = str(tmp_path), str(tmp_path / "baseline.json")
    for number in range(6):
        done(tmp_path, number, returns_after_s=1.0)
    assert report.show_trend("", reports, "20", file, True) == 0
    assert report.show_trend("", reports, "20", file, False) == 30
    for number in range(10, 16):
        done(tmp_path, number, returns_after_s=1.4, end_s=7.5)
    assert report.show_trend("", reports, "20", file, False) == 20
    out = capsys.readouterr().out
    assert "recovery/ready_200_again: median" in out and "95 % interval of the median" in out
    assert "verdicts: 12 held" in out


def test_a_trend_counts_runs_of_other_experiments_apart_and_refuses_a_foreign_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(6):
        done(tmp_path, number)
    file = str(tmp_path / "baseline.json")
    assert report.show_trend("", str(tmp_path), "20", file, True) == 0
    done(tmp_path, 30, target={"mutant": "never-resumes"})
    assert report.show_trend("", str(tmp_path), "20", "", False) == 0
    assert "6 runs of something else in this folder" in capsys.readouterr().out
    assert report.show_trend("", str(tmp_path), "20", file, False) == 40
    assert "is the baseline of" in capsys.readouterr().err


@pytest.mark.parametrize(("last", "baseline", "save"), [("0", "", False), ("x", "", False), ("5", "", True)])
def test_bad_options_of_a_trend_are_refused(tmp_path: Path, last: str, baseline: str, save: bool) -> None:
    done(tmp_path)
    assert report.show_trend("", str(tmp_path), last, baseline, save) == 40


def test_the_tasks_give_these_exit_codes_to_the_shell(tmp_path: Path) -> None:
    done(tmp_path, leads_again=False, end_s=9.5)

    def invoke(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "invoke", *words], cwd=ROOT, capture_output=True, text=True, timeout=60,
            env={**os.environ, "REPORTS": str(tmp_path)}, check=False,
        )  # fmt: skip

    assert invoke("report.judge").returncode == 20
    assert invoke("report.verify").returncode == 0
    assert invoke("report.note", "leader_lock_2026-11-20T14-00-00", "seen by ann").returncode == 0
    shown = invoke("report.show", "--run", "leader_lock_2026-11-20T14-00-00")
    assert shown.returncode == 0 and "seen by ann" in shown.stdout
    missing = invoke("report.show", "--run=nothing")
    assert (missing.returncode, missing.stderr.startswith('Not started: no run "nothing"')) == (40, True)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.2, 0.4, 0.55, 0.7, 0.9, 0.999])
def test_a_journal_cut_anywhere_is_still_told_judged_and_never_green(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], share: float
) -> None:
    path = told(Drill(), tmp_path)
    data = (path / "journal.jsonl").read_bytes()
    (path / "journal.jsonl").write_bytes(data[: int(len(data) * share)])
    assert report.judge("", str(tmp_path)) in (30, 50)
    assert report.show("", str(tmp_path)) == 0
    assert report.write_html("", str(tmp_path), "") == 0
    assert attesting.check("", str(tmp_path)) == 30
    assert report.show_trend("", str(tmp_path), "5", "", False) == 0


def test_a_run_is_found_by_its_id(tmp_path: Path) -> None:
    path = done(tmp_path)
    lines = (path / "journal.jsonl").read_text().splitlines(keepends=True)
    first = json.loads(lines[0]) | {"id": "CHAOS-20261120-007"}
    (path / "journal.jsonl").write_text("".join([json.dumps(first) + "\n", *lines[1:]]))
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "journal.jsonl").write_bytes(b"\xff\n")
    assert runs.find("CHAOS-20261120-007", tmp_path) == path
    with pytest.raises(Refused, match='no run "CHAOS-20261120-008"'):
        runs.find("CHAOS-20261120-008", tmp_path)


def test_a_page_that_can_not_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done(tmp_path)
    assert report.write_html("", str(tmp_path), str(tmp_path / "no" / "x.html")) == 40
    assert capsys.readouterr().err.startswith("Not started: the page can't be written to")


def test_requests_are_shown_in_one_table_with_a_title(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done(tmp_path, load=True)
    assert report.show("", str(tmp_path)) == 0
    told = capsys.readouterr().out
    assert told.count("p95 ms") + told.count("P95 ms") == 1
    assert "requests, phase by phase (per s: while they flowed)" in told


def test_a_trend_begins_with_what_and_how_many_and_ends_with_what_they_have_in_common(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done(tmp_path, target={"facts": {f"fact_number_{number}": number for number in range(20)}})
    assert report.show_trend("", str(tmp_path), "20", "", False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("leader-lock on trader: 1 run, ") and len(lines[0]) < 100
    assert any(line.startswith("compared are runs with the same: ") for line in lines)
    assert all(len(line) <= 100 for line in lines)


def test_a_record_that_was_altered_is_told_to_be_damaged_and_never_said_to_be_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = done(tmp_path)
    lines = (path / "journal.jsonl").read_bytes().split(b"\n")
    done_at = next(at for at, line in enumerate(lines) if b'"event":"do"' in line)
    number = max(at for at, line in enumerate(lines[:done_at]) if b'"tick":0.05' in line)
    lines[number] = lines[number].replace(b'"tick":0.05', b'"tick":0.06')
    (path / "journal.jsonl").write_bytes(b"\n".join(lines))
    damage = f"the journal is damaged: line {number + 2} does not follow from the line before it"
    assert report.judge("", str(tmp_path)) == 30
    out = capsys.readouterr().out
    assert f"  {damage}; what comes after was not read; `report.verify` tells more" in out.splitlines()
    assert "can't be read" in out and "killed" not in out and "never injected" not in out
    assert report.show("", str(tmp_path)) == 0
    shown = capsys.readouterr().out
    assert damage in shown and "`report.verify` tells more" in shown and "never injected" not in shown
    assert "No fault was injected" not in shown


def test_a_torn_line_is_told_with_the_rest_that_was_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = told(Drill(), tmp_path)
    lines = (path / "journal.jsonl").read_bytes().split(b"\n")
    (path / "journal.jsonl").write_bytes(b"\n".join([*lines[:30], b'{"n":30,"at', *lines[30:]]))
    report.judge("", str(tmp_path))
    out = capsys.readouterr().out
    assert "line 31 is torn or not JSON; the rest was read; `report.verify` tells more" in out
    assert "the same as recorded" in out or "NOT the same as recorded" in out


@pytest.mark.parametrize("run", ["", "leader_lock_2026-11-20T14-01-00"])
def test_a_run_whose_journal_is_gone_is_told_to_be_that_and_no_older_one_is_taken_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], run: str
) -> None:
    done(tmp_path)
    path = done(tmp_path, 1)
    (path / "journal.jsonl").unlink()
    for read in (report.judge, report.show):
        assert read(run, str(tmp_path)) == 40
        assert f"{path}: its journal is missing" in capsys.readouterr().err
    assert attesting.check(run, str(tmp_path)) == 20
    assert "journal.jsonl" in capsys.readouterr().out

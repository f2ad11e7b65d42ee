"""What is due: the calendar held against the runs that there are."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from blackstart.base import clock
from blackstart.commands import due, suite
from blackstart.commands.schedule_file import BadSchedule, Drill, load
from tests.docs.pages import blocks
from tests.environment import ROOT

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)  # a Sunday of the calendar's week 48


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "schedule.toml"
    file.write_text(text)
    return file


def ran(
    reports: Path,
    began: str,
    task: str = "chaos.leader-lock",
    verdict: str = "held",
    name: str = "",
    target: dict[str, Any] | None = None,
    flags: dict[str, Any] | None = None,
    **more: Any,
) -> None:
    """A sealed run, as far as this looks at one."""
    folder = reports / (name or f"run_{began.replace(':', '-')}_{verdict}")
    folder.mkdir(parents=True)
    head = {
        "event": "run", "began": began, "again": f"invoke {task} --noninteractive", "flags": flags or {},
        "target": {"name": "trader", **(target or {})}, **more,
    }  # fmt: skip
    (folder / "journal.jsonl").write_text(json.dumps(head) + "\n")
    (folder / "manifest.json").write_text(json.dumps({"verdict": verdict}))


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "utc_now", lambda: NOW)


LEADER_LOCK = """
begins = 2026-11-02
[[drill]]
experiment = "leader-lock"
week = [3, 10]
target = "trader"
"""


def listed(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str = LEADER_LOCK) -> list[str]:
    options = {"reports": str(tmp_path / "reports")}
    assert due.due(options, str(written(tmp_path, text)), False) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()[2:]]


@pytest.mark.parametrize(
    ("drill", "last", "following"),
    [
        (Drill("x", cron="0 9 * * MON"), "2026-11-23 09:00", "2026-11-30 09:00"),
        (Drill("x", cron="0 12 * * *"), "2026-11-29 12:00", "2026-11-30 12:00"),
        (Drill("x", weeks=(48,)), "2026-11-23 00:00", "2027-11-29 00:00"),
        (Drill("x", weeks=(53,)), "None", "2026-12-28 00:00"),  # not every year has one
        (Drill("x", weeks=(1, 4, 5), begins=datetime(2026, 11, 2).date()), "2026-11-23 00:00", "2026-11-30 00:00"),
        (Drill("x", weeks=(9,), begins=datetime(2026, 11, 2).date()), "None", "2026-12-28 00:00"),
        (Drill("x", weeks=(1,), begins=datetime(2026, 11, 2).date()), "2026-11-02 00:00", "None"),
    ],
)
def test_a_drill_became_due_at_the_last_instant_of_its_calendar(drill: Drill, last: str, following: str) -> None:
    told = [str(one)[:16] for one in (drill.last_due(NOW), drill.next_due(NOW))]
    assert told == [last, following]


def test_what_never_ran_is_due_and_what_ran_since_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], today: None
) -> None:
    assert listed(tmp_path, capsys) == ["leader-lock trader due since 2026-11-16 00:00 none"]
    ran(tmp_path / "reports", "2026-11-15T23:59:59.000Z")
    assert listed(tmp_path, capsys) == ["leader-lock trader due since 2026-11-16 00:00 2026-11-15 23:59, held"]
    ran(tmp_path / "reports" / "job-7", "2026-11-16T08:00:00.000Z", verdict="broke")
    assert listed(tmp_path, capsys) == ["leader-lock trader next 2027-01-04 00:00 2026-11-16 08:00, broke"]


@pytest.mark.parametrize(
    "other",
    [
        {"verdict": "inconclusive"},
        {"verdict": "refused"},
        {"task": "chaos.leader-lock --bounce"},
        {"task": "chaos.postgres-blip"},
        {"target": {"name": "staging"}},
        {"target": {"mutant": "never-resumes"}},
    ],
)
def test_a_run_that_tells_nothing_of_the_drill_leaves_it_due(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], today: None, other: dict[str, Any]
) -> None:
    ran(tmp_path / "reports", "2026-11-20T08:00:00.000Z", **other)
    assert listed(tmp_path, capsys) == ["leader-lock trader due since 2026-11-16 00:00 none"]


LEFT_OUT = {"experiment": {"left_out": {"orders": ["orders_affected"]}}}


def test_a_run_that_held_without_a_part_is_another_drill_unless_the_calendar_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], today: None
) -> None:
    ran(tmp_path / "reports", "2026-11-20T08:00:00.000Z", **LEFT_OUT)
    assert listed(tmp_path, capsys) == ["leader-lock trader due since 2026-11-16 00:00 none"]
    text = LEADER_LOCK + 'without = "plans,orders"\n'
    assert listed(tmp_path, capsys, text) == ["leader-lock trader next 2027-01-04 00:00 2026-11-20 08:00, held"]
    ran(tmp_path / "reports", "2026-11-21T08:00:00.000Z", verdict="broke", **LEFT_OUT)
    assert listed(tmp_path, capsys) == ["leader-lock trader next 2027-01-04 00:00 2026-11-21 08:00, broke"]


def test_a_target_is_known_by_what_the_run_was_told_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], today: None
) -> None:
    ran(tmp_path / "reports", "2026-11-20T08:00:00.000Z", flags={"target": "lab"})
    assert "next" in listed(tmp_path, capsys, LEADER_LOCK.replace('"trader"', '"lab"'))[0]


def test_an_experiment_of_ones_own_is_known_by_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], today: None
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text('"""Mine."""\nexperiment = None\n')
    text = LEADER_LOCK.replace("leader-lock", str(mine))
    assert "due since" in listed(tmp_path, capsys, text)[0]
    ran(tmp_path / "reports", "2026-11-20T08:00:00.000Z", "chaos.run mine.py", experiment_file={"path": str(mine)})
    assert "next" in listed(tmp_path, capsys, text)[0]


def test_a_run_that_was_killed_or_is_none_of_this_folder_is_to_be_done_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], today: None
) -> None:
    ran(tmp_path / "reports", "2026-11-20T08:00:00.000Z", name="killed")
    (tmp_path / "reports" / "killed" / "manifest.json").unlink()
    (tmp_path / "reports" / "torn").mkdir()
    (tmp_path / "reports" / "torn" / "journal.jsonl").write_text('{"event": "ru')
    ran(tmp_path / "reports", "2026-11-20T08:00:00.000Z", name="pipe")
    (tmp_path / "reports" / "pipe" / "manifest.json").unlink()
    os.mkfifo(tmp_path / "reports" / "pipe" / "manifest.json")
    ran(tmp_path / "elsewhere", "2026-11-20T08:00:00.000Z", name="linked")
    (tmp_path / "reports" / "linked").mkdir()
    for file in ("journal.jsonl", "manifest.json"):
        (tmp_path / "reports" / "linked" / file).symlink_to(tmp_path / "elsewhere" / "linked" / file)
    assert listed(tmp_path, capsys) == ["leader-lock trader due since 2026-11-16 00:00 none"]


def test_what_is_due_is_run_longest_due_first_on_its_own_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, today: None
) -> None:
    text = LEADER_LOCK + 'without = "orders"\n[[drill]]\nexperiment = "leader-lock"\nvariant = "bounce"\nweek = 1\n'
    asked: list[Any] = []
    monkeypatch.setattr(suite, "run_all", lambda redactor, jobs, *more, **words: asked.append((jobs, words)) or 20)
    file = written(tmp_path, text)
    assert due.due({"reports": str(tmp_path / "reports")}, str(file), True) == 20
    ((jobs, words),) = asked
    told = [(job.found.name, job.variant, job.given.target) for job in jobs]
    assert told == [("leader-lock", "bounce", ""), ("leader-lock", "", "trader")] and words == {"keep_going": True}
    assert [job.given.without for job in jobs] == ["", "orders"]
    assert due.due({"reports": str(tmp_path / "reports"), "target": "blue"}, str(file), True) == 20
    assert [job.given.target for job in asked[-1][0]] == ["blue", "blue"]


def test_where_nothing_is_due_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, today: None, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(suite, "run_all", lambda *_, **__: pytest.fail("nothing was due"))
    ran(tmp_path / "reports", "2026-11-20T08:00:00.000Z")
    assert due.due({"reports": str(tmp_path / "reports")}, str(written(tmp_path, LEADER_LOCK)), True) == 0
    assert capsys.readouterr().out == "nothing is due\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("begins = 2026-11-03\n[[drill]]\nexperiment = 'x'\nweek = 1", "begins must be a Monday"),
        ("", "has no drills"),
        ("drill = 1", "has no drills"),
        ("drills = []", 'unknown key "drills". Did you mean "drill"'),
        ("[[drill]]\nweek = 1", "drill 1: which experiment"),
        ("[[drill]]\nexperiment = 'x'", "needs either week"),
        ("[[drill]]\nexperiment = 'x'\nweek = 1\ncron = '0 9 * * *'", "needs either week"),
        ("[[drill]]\nexperiment = 'x'\nweek = 54", "from 1 to 53"),
        ("[[drill]]\nexperiment = 'x'\nweek = []", "from 1 to 53"),
        ("[[drill]]\nexperiment = 'x'\nweek = [true]", "from 1 to 53"),
        ("[[drill]]\nexperiment = 'x'\ncron = '99 9 * * *'", 'cron = "99 9 * * *" is not valid'),
        ("[[drill]]\nexperiment = 'x'\nweeks = 1", 'unknown key "weeks". Did you mean "week"'),
        ("[[drill]]\nexperiment = 7\nweek = 1", '"experiment" is not valid: a number'),
        ("[[", "is not TOML"),
    ],
)
def test_a_mistake_in_a_calendar_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BadSchedule, match="schedule.toml") as bad:
        load(written(tmp_path, text))
    assert told in str(bad.value)


def test_a_calendar_that_is_not_there_and_a_drill_that_is_not_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert due.due({}, str(tmp_path / "none.toml"), False) == 40
    assert "Write a calendar there" in capsys.readouterr().err
    assert due.due({}, str(written(tmp_path, "[[drill]]\nexperiment = 'leader-lok'\nweek = 1")), True) == 40
    assert 'Did you mean "leader-lock"' in capsys.readouterr().err
    wrong = "[[drill]]\nexperiment = 'leader-lock'\nvariant = 'bounded'\nweek = 1"
    assert due.due({}, str(written(tmp_path, wrong)), False) == 40
    assert 'has no variant "bounded"' in capsys.readouterr().err


def test_the_calendar_of_the_page_is_one(tmp_path: Path) -> None:
    (text,) = blocks(ROOT / "docs" / "ci.md", "toml")
    assert [drill.title for drill in load(written(tmp_path, text))]

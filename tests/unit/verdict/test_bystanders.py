"""What became of the services that a run did not touch: only one that ran and does not any more is broken."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.evidence.journal import Record
from blackstart.reports.words import result
from blackstart.verdict.bystanders import findings

RUNS = {"status": "running", "instance": "7:100", "detail": ""}


def record(before: dict[str, Any], after: dict[str, Any] | None) -> Record:
    looks = [("before", before), *([("after", after)] if after is not None else [])]
    return Record(tuple({"event": "services", "when": when, "services": seen} for when, seen in looks))


@pytest.mark.parametrize(
    ("before", "after", "status", "told"),
    [
        (RUNS, RUNS, "held", "db: as before"),
        (RUNS, RUNS | {"status": "starting"}, "held", "db: as before"),
        (
            RUNS,
            {"status": "stopped", "instance": "", "detail": "exit code 137"},
            "broke",
            "db was running before, and is stopped afterwards (exit code 137)",
        ),
        (
            RUNS,
            {"status": "stopped", "instance": "", "detail": "exit code 0", "revives": False},
            "changed",
            "db was running before, and is stopped afterwards (exit code 0)",
        ),
        (
            RUNS,
            {"status": "stopped", "instance": "", "detail": "exit code 0", "revives": True},
            "broke",
            "db was running before, and is stopped afterwards (exit code 0)",
        ),
        (
            RUNS,
            {"status": "stopped", "instance": "", "detail": "exit code 0"},  # a record of before that was told
            "broke",
            "db was running before, and is stopped afterwards (exit code 0)",
        ),
        (RUNS, RUNS | {"status": "paused"}, "broke", "db was running before, and is paused afterwards"),
        (RUNS, RUNS | {"status": "absent"}, "broke", "db was running before, and is absent afterwards"),
        (
            RUNS,
            RUNS | {"instance": "9:200"},
            "changed",
            "db was restarted meanwhile (7:100 before, 9:200 afterwards)",
        ),
        (
            RUNS | {"status": "stopped"}, RUNS, "changed", "db was stopped before, and is running afterwards"
        ),
        (RUNS, {"unseen": "no engine"}, "not observed", "db could not be looked at afterwards (no engine)"),
        ({"unseen": "no engine"}, RUNS, "not observed", "db could not be looked at before (no engine)"),
        (RUNS, None, "not observed", "db was not looked at afterwards"),
        (RUNS | {"instance": ""}, RUNS, "held", "db: as before"),
    ],
)  # fmt: skip
def test_what_one_was_and_what_it_is(before: Any, after: Any, status: str, told: str) -> None:
    (finding,) = findings(record({"db": before}, None if after is None else {"db": after}))
    assert (result(finding), finding.message) == (status, told)
    # Alone it holds no run, and what could not be seen, or need not be as before, makes none inconclusive.
    assert not finding.criterion


def test_one_finding_tells_of_all_and_the_dead_come_first() -> None:
    dead = RUNS | {"status": "failed"}
    before = {"api": RUNS, "db": RUNS, "web": RUNS}
    (finding,) = findings(record(before, {"api": RUNS | {"instance": "1:1"}, "db": dead, "web": RUNS}))
    assert finding.status == "broke"
    assert finding.message.startswith("db was running before, and is failed afterwards; api was restarted")
    assert 'allow = ["db"]' in finding.hint


def test_what_was_seen_to_change_is_changed_beside_what_nobody_saw() -> None:
    before, after = {"db": RUNS | {"status": "stopped"}, "web": RUNS}, {"db": RUNS, "web": {"unseen": "no engine"}}
    (finding,) = findings(record(before, after))
    assert result(finding) == "changed" and "web could not be looked at afterwards" in finding.message


def test_what_an_interrupted_run_did_not_look_at_is_told_with_that_reason() -> None:
    interrupted = {"event": "interrupted", "message": "interrupted by Ctrl-C, SIGINT"}
    (finding,) = findings(Record((*record({"db": RUNS}, None).events, interrupted)))
    assert (result(finding), finding.message) == (
        "not observed", "db was not looked at afterwards: the run was interrupted"
    )  # fmt: skip


def test_where_nobody_has_looked_before_there_is_nothing_to_say() -> None:
    assert findings(Record(())) == [] == findings(record({}, {}))

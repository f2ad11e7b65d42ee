"""What is told while one waits: what is awaited and what comes next, and a violation at the moment it is seen."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base import clock
from blackstart.base.console import Console
from blackstart.base.secrets.redact import Redactor
from blackstart.engine.narrator import Narrator
from blackstart.engine.observer import Observer
from blackstart.evidence.journal import Journal
from blackstart.model.expect import always, eventually
from blackstart.model.plan import Plan
from blackstart.safety.heal.repeats import Repeats
from blackstart.verdict.monitors import Monitors
from tests.unit.builders import change, experiment, health, leader, reading, ready, redis
from tests.unit.stage import TARGET, raising


class Waiting:
    """A narrator in the middle of a run, with a clock that a test moves."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        monkeypatch.setattr(clock, "now_s", lambda: self.now_s)
        made = experiment(
            during=(eventually(ready.is_(503), within_s=10, name="ready_503"),),
            recovery=(eventually(ready.is_(200), within_s=90, name="ready_again"),
                      eventually(leader.is_(1), within_s=60, name="leads_again")),
            always=(always(health.is_("healthy"), name="health_healthy"),),
        )  # fmt: skip
        changes = (change(),)
        self.monitors = Monitors(made, changes)
        self.out = io.StringIO()
        observer = Observer(self.monitors, Journal(tmp_path / "journal.jsonl", Redactor().scrub), 5.0, 1.0)
        plan = Plan(replace(made, settle_s=7.0), TARGET, changes, (), None)
        self.narrator = Narrator(Console(True, out=self.out), observer, plan)
        self.monitors.open(self.now_s)
        self.monitors.fault(self.now_s)
        self.see(redis, "unreachable")
        self.see(redis, "unreachable")
        self.monitors.prove("bites")

    def see(self, probe: object, what: object) -> None:
        self.now_s += 0.1
        self.monitors.feed([reading(probe, what, self.now_s)], 0.1)  # type: ignore[arg-type]

    def after(self, seconds: float) -> str:
        """What is printed by a look that much later."""
        self.now_s += seconds
        before = len(self.out.getvalue())
        self.narrator.tick()
        return self.out.getvalue()[before:]


@pytest.fixture
def wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    return Waiting(tmp_path, monkeypatch)


def test_a_violation_is_told_when_it_is_seen_and_once(wait: Waiting) -> None:
    wait.see(health, "healthy")
    assert "VIOLATED" not in wait.after(0)
    wait.see(health, "ill")
    assert "VIOLATED" not in wait.after(0)  # one reading decides nothing
    wait.see(health, "ill")
    assert "VIOLATED: health_healthy, always health is healthy: health was ill" in wait.after(0)
    wait.see(health, "ill")
    assert "VIOLATED" not in wait.after(0)


def test_what_does_not_come_in_its_time_is_told_when_its_time_is_over_and_once(wait: Waiting) -> None:
    wait.narrator.waiting("during the fault", "fault", 2.0)
    wait.see(ready, 200)
    assert "NOT SEEN" not in wait.after(9)
    told = "NOT SEEN: ready_503, ready is 503 within 10 s of the fault: ready was 200"
    assert told in wait.after(30)
    assert "NOT SEEN" not in wait.after(1)


def test_what_could_not_be_read_for_one_reason_is_told_in_one_line(wait: Waiting) -> None:
    wait.monitors.recovery(wait.now_s)
    wait.see(redis, "up")
    wait.see(redis, "up")
    wait.monitors.prove("gone")
    wait.narrator.waiting("recovery", "recovery")
    wait.see(ready, "unreachable")
    wait.see(leader, "unreachable")
    assert "; awaiting ready_again, leads_again (all unreachable)" in wait.after(11)
    assert "NOT SEEN: leads_again, leader is 1 within 60 s of the undo: leader was unreachable" in wait.after(65)
    assert "NOT SEEN: ready_again, ready is 200 within 90 s of the undo: ready was unreachable" in wait.after(65)


def test_what_did_not_come_in_one_time_for_one_reason_is_told_in_one_line(wait: Waiting) -> None:
    wait.monitors.recovery(wait.now_s)
    wait.see(redis, "up")
    wait.see(redis, "up")
    wait.monitors.prove("gone")
    wait.narrator.waiting("recovery", "recovery")
    missed = [monitor for monitor in wait.monitors.expected if monitor.phase == "recovery"]
    for monitor in missed:
        monitor.expectation = replace(monitor.expectation, within_s=30.0)
    wait.see(ready, "unreachable")
    wait.see(leader, "unreachable")
    wait.now_s += 31
    wait.see(ready, "unreachable")
    assert "NOT SEEN" not in wait.after(0)  # the other is read a moment later
    wait.see(leader, "unreachable")
    assert "NOT SEEN: ready_again, leads_again, within 30 s of the undo: all unreachable" in wait.after(0)


def test_what_ended_a_wait_is_told_before_the_next_begins(wait: Waiting) -> None:
    wait.narrator.waiting("during the fault", "fault", 2.0)
    wait.now_s += 40
    wait.narrator.waiting("undoing: stop redis", "undo")
    assert "NOT SEEN: ready_503" in wait.out.getvalue()


def test_of_a_fault_that_ended_early_nothing_is_due(wait: Waiting) -> None:
    wait.narrator.waiting("during the fault", "fault", 2.0)
    wait.narrator.waiting("undoing: stop redis", "undo")
    wait.after(40)
    assert "NOT SEEN" not in wait.out.getvalue()


def test_a_wait_tells_for_how_long_what_for_and_what_comes_next(wait: Waiting) -> None:
    wait.narrator.waiting("during the fault", "fault", 2.0)
    told = wait.after(10.5)
    assert "during the fault" in told and "then undo of stop redis; awaiting ready_503 (nothing was read)" in told
    wait.monitors.recovery(wait.now_s)
    wait.see(redis, "up")
    wait.see(redis, "up")
    wait.monitors.prove("gone")
    wait.narrator.waiting("recovery", "recovery")
    told = wait.after(11)
    assert "recovery 11 s of at most 90 s, then 7 s to see that it lasts; awaiting ready_again (" in told
    wait.see(leader, 1)
    wait.see(leader, 1)
    assert "recovery: leader is 1" in wait.after(0)
    assert "; awaiting ready_again (nothing was read)\n" in wait.after(11)


def shown(wait: Waiting) -> list[str]:
    return [f"{row.label}: {row.text}" if row.text else row.label for row in wait.narrator.rows()]


def test_a_terminal_shows_what_is_awaited_and_as_what_it_was_read_last(wait: Waiting) -> None:
    wait.narrator.waiting("doing: stop redis", "bite")
    wait.now_s += 3
    assert shown(wait)[0] == "doing: stop redis 3 s" and "then what was done is undone" in shown(wait)[-2]
    wait.monitors.recovery(wait.now_s)
    wait.see(redis, "up")
    wait.see(redis, "up")
    wait.monitors.prove("gone")
    wait.see(leader, 0)
    wait.narrator.waiting("recovery", "recovery")
    wait.now_s += 12
    assert shown(wait) == [
        "recovery 12 s of at most 90 s",
        "awaiting: ready is 200 within 90 s  nothing was read",
        ": leader is 1 within 60 s   leader was 0",
        "next: 7 s to see that it lasts",
        "keys: Ctrl-C ends it: whether the system recovers is not seen then; a typed line is a note",
    ]


def test_a_terminal_shows_how_often_an_undo_failed_and_why_last_until_the_next_wait(wait: Waiting) -> None:
    wait.narrator.waiting("undoing: stop redis", "undo", most_s=60.0)
    missing = [row for row in shown(wait) if row.startswith("awaiting: ")]
    assert missing == [f"awaiting: {change().gone[0]}  nothing was read"]
    repeats = Repeats(lambda text: None, wait.narrator.undo_failed)
    for _ in range(3):
        repeats("undo failed: docker start redis ended with 1: no such container")
    assert shown(wait)[:2] == [
        "undoing: stop redis 0 s of at most 60 s",
        "undo: failed 3 times: docker start redis ended with 1: no such container",
    ]
    wait.narrator.undo_failed(f"undo failed: {'x' * 200} the end", 4)
    told = shown(wait)[1].removeprefix("undo: ")
    assert len(told) <= 80 - 12 and told.startswith("failed 4 times: x") and told.endswith("the end")
    wait.narrator.waiting("recovery", "recovery")
    assert not any("failed" in row for row in shown(wait))


def test_an_undo_that_goes_on_is_told_in_a_log_with_its_tries_what_is_missing_and_why_it_failed_last(
    wait: Waiting,
) -> None:
    wait.narrator.waiting("undoing: stop redis", "undo", most_s=60.0)
    wait.narrator.trying(1)
    wait.narrator.trying(3)
    wait.narrator.undo_failed("undo failed: docker start redis ended with 1: no such container", 2)
    before = len(wait.out.getvalue())
    wait.now_s += 12
    wait.narrator.trying(3)
    (told,) = wait.out.getvalue()[before:].splitlines()
    assert (
        "undoing: stop redis 12 s of at most 60 s, try 3, then recovery; "
        f"awaiting {change().gone[0]} (nothing was read); the undo failed 2 times in 3 tries: docker start"
    ) in told
    assert told.endswith("no such container")


def test_an_always_that_is_violated_while_an_undo_goes_on_is_told_then(wait: Waiting) -> None:
    wait.narrator.waiting("undoing: stop redis", "undo", most_s=60.0)
    wait.see(health, "ill")
    wait.see(health, "ill")
    wait.narrator.trying(1)
    assert "VIOLATED: health_healthy" in wait.out.getvalue()


def test_a_narrator_that_fails_does_not_keep_the_undo(wait: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait.narrator.console, "poll_line", raising(ValueError("I/O operation on closed file")))
    wait.now_s += 12
    wait.narrator.trying(2)  # raises nothing


def test_a_time_that_is_known_beforehand_is_told_as_about(wait: Waiting) -> None:
    wait.narrator.waiting("it has recovered; does it last", "settle", 30.0)
    assert "it has recovered; does it last 12 s of about 30 s, then the verdict" in wait.after(12)


def test_in_a_log_there_is_a_line_every_ten_seconds_at_most(wait: Waiting) -> None:
    wait.narrator.waiting("recovery", "recovery", 90.0)
    wait.after(0)
    lines = "".join(wait.after(1) for _ in range(60)).splitlines()
    assert 5 <= len(lines) <= 6


def test_what_is_read_is_told_where_that_is_asked_for(wait: Waiting) -> None:
    wait.narrator.waiting("recovery", "recovery", 90.0)
    wait.narrator.observer.latest["ready"] = reading(ready, 503, wait.now_s)
    assert "ready 503" not in wait.after(11)
    wait.narrator.verbose = True
    assert wait.after(11).endswith(". ready 503\n")


def test_who_wants_it_quiet_is_told_nothing_while_it_goes_on(wait: Waiting) -> None:
    wait.narrator.console.quiet = True
    wait.narrator.waiting("recovery", "recovery", 90.0)
    assert wait.after(11) == ""

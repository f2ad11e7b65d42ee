"""Who had the lock, by the lock itself and by what instances report, is one order; who keeps to it is never accused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from blackstart.verdict.checks.leadership_disjoint import leadership_disjoint
from blackstart.verdict.checks.lock_held_by_one import lock_held_by_one
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from blackstart_lab.trader import mutants
from blackstart_lab.trader.lock import LeaderLock
from tests.unit.blackstart_lab.trader.fakes import PROFILE, Bench
from tests.unit.builders import Story, experiment
from tests.unit.histories import history_of

FREE, NOTICE_S = "(nobody)", 1.5
Span = tuple[float, float]
"""When it acquired the lock, and when it last acted."""


def evidence(lock: Iterable[tuple[float, float, str | None]], **led: tuple[Span, ...]) -> Recorded:
    """A run from 100 to 130: from when to when the lock named whom, and what each instance reports."""
    told = Story(experiment()).phase(100, "baseline")
    for from_s, to_s, holder in lock:
        told.reads(from_s, to_s, lock_key=holder)
    for name, spans in led.items():
        intervals = [
            {"token": at, "acquired": begin, "acted": acted, "until": None, "lost": None}
            for at, (begin, acted) in enumerate(spans)
        ]
        report(told, name, {"instance_id": name, "now": 130.0, "intervals": intervals})
    return Recorded(history_of(), told.record())


def report(told: Story, name: str, answer: object) -> None:
    at_s = 130.1
    told.note(at_s, "final", probe=f"leadership {name}", kind="value", value=json.dumps(answer), note="",
              sent=at_s - 0.2, answered=at_s)  # fmt: skip


def judged(seen: Recorded, *names: str, assumed: str = "") -> CheckResult:
    reports = tuple(f"leadership {name}" for name in names)
    return lock_held_by_one(seen, reports, "lock_key", FREE, NOTICE_S, assumed)


def test_a_lock_that_goes_from_one_to_the_other_and_back_holds() -> None:
    lock = [(100, 104, "a"), (104, 106, FREE), (106, 115, "b"), (115, 116, "unreachable"), (117, 130, "a")]
    seen = evidence(lock, a=((90, 104), (117, 130)), b=((106, 114.9),))
    result = judged(seen, "a", "b")
    assert (result.verdict, result.actual) == ("held", "3 leaderships, 260 readings of who has the lock")


def test_who_acts_longer_than_it_must_have_noticed_that_the_lock_is_anothers_broke() -> None:
    for acted_s, verdict in ((106 + NOTICE_S - 0.1, "held"), (106 + NOTICE_S + 0.1, "broke")):
        seen = evidence([(100, 104, "a"), (106, 129, "b")], a=((90, acted_s),), b=((112, 129),))
        assert judged(seen, "a", "b").verdict == verdict
    told = judged(seen, "a", "b").message
    assert "a (token 0), leader since -10.000 s, acted at 7.600 s" in told and "b had it by the lock itself" in told
    assert judged(seen, "a", "b", assumed="declare lock_refresh_s").verdict == "inconclusive"


@pytest.mark.parametrize("blank", ["", " ", None])
def test_a_lock_that_names_nobody_for_a_moment_has_no_other_holder(blank: str | None) -> None:
    lock = [(100, 102, "a"), (102, 102.2, blank), (102.2, 104, "a"), (106, 130, "b")]
    result = judged(evidence(lock, a=((90, 104),), b=((106, 129),)), "a", "b")
    assert (result.verdict, result.actual) == ("held", "2 leaderships, 278 readings of who has the lock")


def test_two_that_report_to_have_led_at_once_broke() -> None:
    seen = evidence([(100, 103, "a")], a=((90, 110),), b=((105, 115),))
    assert judged(seen, "a", "b").verdict == "broke"


def test_one_that_reports_nothing_any_more_is_seen_by_the_lock_alone() -> None:
    """It was restarted: what it led before is told by nobody but the lock."""
    lock = [(100, 104, "a"), (106, 115, "gone"), (120, 130, "a")]
    for spans, verdict in ((((90, 104), (119, 130)), "held"), (((90, 112), (119, 130)), "broke")):
        seen = evidence(lock, a=spans, b=())
        assert judged(seen, "a", "b").verdict == verdict
        assert leadership_disjoint(seen, ("leadership a", "leadership b")).verdict == "held"


def test_what_was_acquired_and_never_led_may_have_been_at_any_time() -> None:
    """An attempt that took so long that its lease was over is no leadership, and leaves its name in the lock."""
    lock = [(100, 103, "a"), (105, 108, "b"), (110, 113, "a"), (114, 116, "b"), (118, 130, "b")]
    assert judged(evidence(lock, a=((90, 103), (109, 113)), b=((117, 130),)), "a", "b").verdict == "held"


@pytest.mark.parametrize(
    ("lock", "why"),
    [
        ([], "not observed: of the readings of who has the lock (lock_key), none"),
        ([(100, 130, FREE)], "none"),
        ([(100, 130, "timed_out")], "none"),
        # It writes other names into its lock than it reports.
        ([(100, 105, "host:17"), (105, 130, "host:18")], "300 of none of the instances that report"),
    ],
)
def test_a_lock_that_was_not_read_or_names_others_is_not_observed(
    lock: list[tuple[float, float, str]], why: str
) -> None:
    result = judged(evidence(lock, a=((90, 129),), b=((106, 128),)), "a", "b")
    assert (result.verdict, result.message.endswith(why)) == ("inconclusive", True)


def test_one_leadership_alone_and_a_report_that_is_missing_tell_nothing() -> None:
    seen = evidence([(100, 130, "a")], a=((90, 130),))
    assert "only one leadership" in judged(seen, "a").message
    assert judged(seen, "a", "b").message == "not observable: leadership b was never collected"


def frozen(folder: Path, kind: type[LeaderLock]) -> Recorded:
    """The trader's own lock leads, sleeps for 9 s, in which another takes the key, and wakes; no other reports."""
    assert PROFILE.lock_ttl_s < 5
    bench, told = Bench(folder, lock=kind), Story(experiment()).phase(1000, "baseline")
    assert asyncio.run(bench.lock.attempt())
    for step in range(200):
        bench.clock.now_s += 0.1
        asleep = 30 <= step < 120
        if step == 80:
            bench.store.owner = "another"
        if step == 150:
            bench.store.owner = None
        told.read(bench.clock.now_s, lock_key=bench.store.owner or FREE)
        if asleep:
            continue
        if not bench.lock.certain():
            asyncio.run(bench.lock.attempt())
        bench.lock.acted()
        if step % 10 == 0:
            asyncio.run(bench.lock.refresh())
    report(told, "me", bench.lock.report() | {"now": 130.0})
    return Recorded(history_of(), told.record())


@pytest.mark.parametrize(("name", "verdict"), [("", "held"), ("two-leaders", "broke")])
def test_a_leader_that_goes_on_after_its_lock_was_taken_is_found_by_the_lock_alone(
    name: str, verdict: str, tmp_path: Path
) -> None:
    kind = mutants.load(name).parts["lock"] if name else LeaderLock
    seen = frozen(tmp_path, kind)
    assert judged(seen, "me").verdict == verdict
    assert leadership_disjoint(seen, ("leadership me",)).verdict == "held"

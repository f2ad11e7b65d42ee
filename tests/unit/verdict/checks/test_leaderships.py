"""Two leaders at once: proved, disproved, or never possible, which is no proof of anything."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from blackstart.model.change import Change
from blackstart.verdict.checks.leadership_disjoint import leadership_disjoint
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.checks.taken_over import taken_over
from tests.unit.builders import NOTHING, Story, experiment, redis
from tests.unit.histories import history_of

SERVICES = ("api", "api-2")
REPORTS = tuple(f"leadership {name}" for name in SERVICES)
FROZEN = Change("pause api", "api", (NOTHING,), (NOTHING,), (redis.silent(),), (redis.is_("up"),))
Span = tuple[float, float | None, float, float | None]
"""acquired, acted, until, lost."""


def evidence(
    first: tuple[Span, ...],
    second: tuple[Span, ...] = (),
    standby: object = "healthy",
    now_s: float = 130.0,
    looked: tuple[tuple[float, float], ...] = ((103.1, 110),),
    instances: tuple[str, ...] = ("api-id", "api-2-id"),
    silent_of: str = "",
) -> Recorded:
    """A run from 100 to 130, with its fault from 103 to 110; the standby's health was looked at from then to then."""
    told = Story(experiment(), FROZEN).phase(100, "baseline").phase(103, "fault").did(103)
    for from_s, to_s in looked:
        told.reads(from_s, to_s, api_2_health=standby)
    told.phase(110, "recovery").phase(120, "settle")
    for name, instance, spans in zip(SERVICES, instances, (first, second), strict=True):
        intervals: list[dict[str, Any]] = [
            {"token": spans.index(span), **dict(zip(("acquired", "acted", "until", "lost"), span, strict=True))}
            for span in spans
        ]
        for one in intervals:
            one.pop(silent_of, None)
        value = json.dumps({"instance_id": instance, "now": now_s, "intervals": intervals})
        told.note(
            130.1, "final", probe=f"leadership {name}", kind="value", value=value, note="", sent=129.9, answered=130.1
        )
    return Recorded(history_of(), told.record())


def disjoint(seen: Recorded, proof: Any = "") -> CheckResult:
    return leadership_disjoint(seen, REPORTS, 2, proof, SERVICES)


def followed(seen: Recorded, within_s: float = 6.5) -> CheckResult:
    health = {"api": "api_health", "api-2": "api_2_health"}
    return taken_over(seen, dict(zip(SERVICES, REPORTS, strict=True)), health, "healthy", within_s)


LED: Span = (90, 103, 105.5, 110.1)
OLD: Span = (50, 60, 63, 62)
BACK: Span = (110.5, 111, 133, None)
TOOK: Span = (106, 129, 132, None)


@pytest.mark.parametrize(
    ("note", "why"), [("status 404", "is not shown (status 404)"), ("status 500", "was malformed: status 500")]
)
def test_a_report_that_can_not_be_had_is_not_observable_and_says_why(note: str, why: str) -> None:
    told = Story(experiment(), FROZEN).phase(100, "baseline").phase(103, "fault").did(103).phase(120, "settle")
    told.note(130.1, "final", probe="leadership", kind="malformed", value=None, note=note, sent=129.9, answered=130.1)
    seen = leadership_disjoint(Recorded(history_of(), told.record()), ("leadership",), 2, "", ("",))
    assert (seen.verdict, seen.message) == ("inconclusive", f"not observable: leadership {why}")


def test_a_standby_that_led_during_the_freeze_holds() -> None:
    seen = evidence((LED,), (TOOK,))
    assert disjoint(seen, "successor").verdict == followed(seen).verdict == "held"


@pytest.mark.parametrize("older", [(), (OLD,)])
def test_a_frozen_leader_that_took_its_own_lock_back_is_inconclusive(older: tuple[Span, ...]) -> None:
    result = disjoint(evidence((*older, LED, BACK)), "successor")
    assert (result.verdict, "no other instance took over" in result.message) == ("inconclusive", True)


def test_a_standby_that_led_only_after_the_freeze_is_inconclusive() -> None:
    assert disjoint(evidence((LED,), (BACK,)), "successor").verdict == "inconclusive"


def test_a_freeze_of_one_that_did_not_lead_is_inconclusive() -> None:
    result = disjoint(evidence(((90, 95, 98, 101.0),), (TOOK,)), "successor")
    assert (result.verdict, "did not lead" in result.message) == ("inconclusive", True)


def test_a_standby_that_was_well_and_did_not_take_over_broke() -> None:
    result = followed(evidence((LED, BACK)))
    assert (result.verdict, "api-2 was well" in result.message) == ("broke", True)


@pytest.mark.parametrize("standby", ["timed_out", "unreachable", "absent", "ill"])
def test_a_standby_that_was_not_well_and_did_not_take_over_is_inconclusive(standby: str) -> None:
    assert followed(evidence((LED, BACK), standby=standby)).verdict == "inconclusive"


@pytest.mark.parametrize("looked", [((103.1, 103.3),), ((103.1, 104), (109, 110)), ((108, 110),)])
def test_a_standby_that_was_not_looked_at_for_a_while_may_not_have_been_well(looked: Any) -> None:
    result = followed(evidence((LED, BACK), looked=looked))
    assert (result.verdict, "api_2_health was not read for " in result.message) == ("inconclusive", True)
    assert followed(evidence((LED, BACK), looked=((103.1, 106), (106.3, 109.8)))).verdict == "broke"


def test_a_standby_that_had_too_little_time_is_inconclusive() -> None:
    assert followed(evidence((LED, BACK)), within_s=20).verdict == "inconclusive"


@pytest.mark.parametrize("who", [0, 1])
def test_a_lock_taken_within_the_lease_that_the_fault_found_was_lost_and_holds(who: int) -> None:
    led, back = (90, 109, 112, 110.2), (110.5, 111, 133, None)
    seen = evidence((led, back)) if who == 0 else evidence((led,), (back,))
    assert disjoint(seen, "forgotten").verdict == "held"


def test_a_lock_taken_only_after_the_lease_was_over_is_inconclusive() -> None:
    result = disjoint(evidence((OLD, (90, 109, 112, 110.2), (112.1, 113, 133, None))), "forgotten")
    assert (result.verdict, "no proof that the lock was lost" in result.message) == ("inconclusive", True)


def test_leaderships_that_were_over_before_the_run_do_not_count() -> None:
    result = disjoint(evidence((OLD, (64, 70, 73, 72.0), LED)))
    assert (result.verdict, result.message.startswith("only 1 leaderships of this run")) == ("inconclusive", True)


@pytest.mark.parametrize("proof", ["", "successor", "forgotten"])
def test_two_leaders_at_once_broke_whatever_else_is_proved(proof: str) -> None:
    assert disjoint(evidence(((90, 115, 133, None),), (TOOK,)), proof).verdict == "broke"


def test_times_of_another_clock_are_brought_to_the_runs_and_close_calls_are_inconclusive() -> None:
    shifted = tuple(tuple(at if at is None else at + 5000 for at in span) for span in (LED, TOOK))
    seen = evidence((shifted[0],), (shifted[1],), now_s=5130.0)  # type: ignore[arg-type]
    assert disjoint(seen, "successor").verdict == "held"
    close = evidence(((5090, 5106.05, 5107, 5110),), ((5106, 5129, 5132, None),), now_s=5130.0)
    assert disjoint(close, "successor").verdict == "inconclusive"


def test_a_report_that_can_not_be_read_is_inconclusive() -> None:
    assert leadership_disjoint(evidence((LED,)), ("leadership api-3",), 1).verdict == "inconclusive"


@pytest.mark.parametrize("now_s", [130.0, 5130.0])
def test_two_reports_of_one_instance_are_no_two_leaders(now_s: float) -> None:
    """Both are read at one address, as of a service with two replicas."""
    led = (now_s - 40, now_s - 1, now_s + 3, None)
    seen = evidence((led,), (led,), now_s=now_s, instances=("api-id", "api-id"))
    for result in (disjoint(seen), followed(seen)):
        assert (result.verdict, "are both of instance api-id" in result.message) == ("inconclusive", True)
    assert disjoint(evidence((led,), (led,), now_s=now_s)).verdict == "broke"


def test_instances_that_go_by_one_name_and_led_from_different_times_on_are_two() -> None:
    assert disjoint(evidence((LED,), (TOOK,), instances=("trader", "trader"))).verdict == "held"
    assert disjoint(evidence(((90, 115, 133, None),), (TOOK,), instances=("trader", "trader"))).verdict == "broke"


def test_a_leadership_that_is_listed_twice_is_one() -> None:
    assert disjoint(evidence((LED, LED), (TOOK,))).actual.startswith("2 leaderships")


def test_reports_that_do_not_say_when_their_instance_acted_can_not_contradict_each_other() -> None:
    """They would hold of two that have both led all along. That one never acted is told, too, where it is null."""
    led = (100.0, None, 133.0, None)
    told = disjoint(evidence((led,), (TOOK,), silent_of="acted"))
    assert (told.verdict, told.message) == ("inconclusive", "not observable: leadership api says nothing of 'acted'")
    assert disjoint(evidence((led,), (TOOK,))).verdict == "held"


@pytest.mark.parametrize("none", [math.nan, math.inf, -math.inf, pytest.param(10**400, id="too large")])
def test_a_report_with_a_time_that_is_none_is_not_observable(none: float) -> None:
    for first, now_s in ((LED, none), ((none, 103, 105.5, 110.1), 130.0), ((90, none, 105.5, 110.1), 130.0)):
        told = disjoint(evidence((first,), (TOOK,), now_s=now_s))
        assert (told.verdict, told.message.startswith("not observable: ")) == ("inconclusive", True)

"""Which readings belong to which expectation, and from when limits count."""

import pytest

from blackstart.model.expect import always, eventually, never
from blackstart.verdict.expectation_monitor import Monitor
from blackstart.verdict.monitors import Monitors, effect_s
from tests.unit.builders import TICK_S, change, experiment, health, leader, reading, ready, redis


def monitors(*changes, **parts) -> Monitors:
    return Monitors(experiment(**parts), changes)


def feed(told: Monitors, at_s: float, **seen: object) -> None:
    told.feed([reading(name, what, at_s) for name, what in seen.items()], TICK_S)


def test_each_phase_has_its_own_watches() -> None:
    told = monitors(
        change(),
        baseline=(eventually(ready.is_(200), name="before"),),
        during=(eventually(ready.is_(503), name="during"),),
        recovery=(eventually(ready.is_(200), name="after"),),
        always=(always(health.is_("ok"), name="health"),),
    )
    told.open(0.0)
    assert [w.phase for w in told.baseline] == ["baseline"]
    told.fault(1.0)
    assert [w.phase for w in told.expected] == ["fault", "always"]
    told.recovery(2.0)
    assert [w.phase for w in told.expected] == ["fault", "always", "recovery"]


def test_readings_of_the_fault_are_not_told_to_the_baseline_nor_to_the_recovery() -> None:
    told = monitors(
        change(),
        baseline=(eventually(ready.is_(200), name="before"),),
        during=(eventually(ready.is_(503), name="during"),),
        recovery=(eventually(ready.is_(200), name="after"),),
    )
    told.open(0.0)
    feed(told, 0.5, ready=200)
    told.fault(1.0)
    feed(told, 1.5, ready=503)
    told.recovery(2.0)
    feed(told, 2.5, ready=200)
    counts = {w.expectation.name: w.count for w in (*told.baseline, *told.expected)}
    assert counts == {"before": 1, "during": 1, "after": 1}


def test_always_goes_on_through_fault_and_recovery() -> None:
    told = monitors(change(), always=(always(health.is_("ok"), name="health"),))
    told.open(0.0)
    feed(told, 0.5, health="ok")
    told.fault(1.0)
    feed(told, 1.5, health="ok")
    told.recovery(2.0)
    feed(told, 2.5, health="ok")
    assert told.expected[0].count == 2


def test_a_reading_answered_before_a_phase_began_does_not_count_for_it() -> None:
    # It was under way, or waited its turn, while the phase began.
    told = monitors(change(), recovery=(eventually(ready.is_(200), name="after"),))
    told.open(0.0)
    told.fault(1.0)
    told.recovery(2.0)
    feed(told, 1.999, ready=503)
    assert told.expected[0].count == 0


def test_two_watches_on_one_probe_both_see_it() -> None:
    told = monitors(change(), always=(always(leader.at_least(0), name="a"), never(leader.above(1), name="b")))
    told.fault(0.0)
    feed(told, 1.0, leader=1)
    assert [w.count for w in told.expected] == [1, 1]


def test_the_reference_is_the_last_value_of_the_baseline() -> None:
    told = monitors(change(), always=(always(leader.not_fallen(), name="counter"),))
    told.open(0.0)
    feed(told, 0.1, leader=7)
    feed(told, 0.2, leader=8)
    feed(told, 0.3, leader="unreachable")
    told.fault(1.0)
    feed(told, 1.1, leader=100)
    told.recovery(2.0)
    assert told.expected[0].reference == 8


def test_a_reference_of_the_recovery_is_the_baselines_too() -> None:
    told = monitors(change(), recovery=(eventually(leader.risen(), name="more"),))
    told.open(0.0)
    feed(told, 0.1, leader=8)
    told.fault(1.0)
    feed(told, 1.1, leader=100)
    told.recovery(2.0)
    assert told.expected[0].reference == 8


def test_limits_are_anchored_once() -> None:
    told = monitors(change(), during=(eventually(ready.is_(503), name="during"),))
    told.fault(1.0)
    told.anchor("fault", 1.5)
    told.anchor("fault", 9.0)
    assert told.expected[0].anchor_s == 1.5


def test_with_changes_no_limit_counts_before_the_effect_is_proved() -> None:
    told = monitors(change(), during=(eventually(ready.is_(503), name="during"),))
    told.fault(1.0)
    assert told.expected[0].anchor_s is None


def test_without_changes_limits_count_from_the_phases_themselves() -> None:
    told = monitors(
        faults=(),
        during=(eventually(ready.is_(503), name="during"),),
        recovery=(eventually(ready.is_(200), name="after"),),
    )
    told.fault(1.0)
    told.recovery(2.0)
    assert [w.anchor_s for w in told.expected] == [1.0, 2.0]


# ---------------------------------------------------------------- when an effect is proved


def bites(told: Monitors) -> float | None:
    return effect_s(told.changes, told.bites, "bites")


def test_an_effect_is_when_its_first_condition_came_true() -> None:
    told = monitors(change(bites=(redis.silent(), leader.is_(0))))
    told.fault(0.0)
    for at_s in (1.0, 1.1):
        feed(told, at_s, redis="unreachable")
    assert bites(told) is None
    for at_s in (3.0, 3.1):
        feed(told, at_s, leader=0)
    assert bites(told) == 1.0


def test_one_reading_proves_no_effect() -> None:
    told = monitors(change())
    told.fault(0.0)
    feed(told, 1.0, redis="unreachable")
    assert bites(told) is None


def test_the_effect_of_several_changes_is_that_of_the_last() -> None:
    told = monitors(change("a", bites=(redis.silent(),)), change("b", bites=(leader.is_(0),)))
    told.fault(0.0)
    for at_s in (1.0, 1.1):
        feed(told, at_s, redis="unreachable")
    assert bites(told) is None
    for at_s in (2.0, 2.1):
        feed(told, at_s, leader=0)
    assert bites(told) == 2.0


def test_a_change_without_proof_never_has_an_effect() -> None:
    bare = change()
    object.__setattr__(bare, "bites", ())
    told = monitors(change("a"), bare)
    told.fault(0.0)
    for at_s in (1.0, 1.1):
        feed(told, at_s, redis="unreachable")
    assert bites(told) is None


def test_nothing_changed_has_no_effect() -> None:
    assert effect_s((), (), "bites") is None


def test_watches_that_look_alike_are_each_let_go() -> None:
    # Two changes with the same proof: dropping one of the monitors must not leave the other listening.
    told = monitors(change("a"), change("b"))
    told.fault(0.0)
    told.recovery(1.0)
    feed(told, 2.0, redis="up")
    assert [w.count for w in told.bites] == [0, 0]
    assert [w.count for w in told.gones] == [1, 1]


@pytest.mark.parametrize("phase", ["fault", "recovery"])
def test_an_anchor_is_for_the_watches_of_its_phase_only(phase: str) -> None:
    told = monitors(
        change(),
        during=(eventually(ready.is_(503), name="during"),),
        recovery=(eventually(ready.is_(200), name="after"),),
    )
    told.fault(1.0)
    told.recovery(2.0)
    told.anchor(phase, 5.0)
    anchored: list[Monitor] = [w for w in told.expected if w.anchor_s is not None]
    assert [w.phase for w in anchored] == [phase]

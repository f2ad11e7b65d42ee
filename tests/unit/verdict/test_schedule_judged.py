"""From hand-written journals of schedules: each proof counts in its own stretch, and checks look at one of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blackstart.model.change import Change
from blackstart.model.schedule import At
from blackstart.verdict.checks.latency_within import latency_within
from blackstart.verdict.checks.outcomes import outcomes
from blackstart.verdict.checks.recorded import Recorded
from tests.unit.builders import AFTER, BEFORE, DOWN, UP, Cut, Seen, Story, change, experiment
from tests.unit.histories import history_of
from tests.unit.verdict.checks.rows import row

other = Seen("other")
FIRST = change()
SECOND: Change = replace(change("stop it"), service="it", bites=(other.is_(1),), gone=(other.is_(0),))
DRILL = experiment(
    faults=(At(Cut((FIRST,)), 0, 2, "first"), At(Cut((SECOND,)), 3, 2, "second")), baseline=(BEFORE,), recovery=(AFTER,)
)
QUIET, HIT = UP | {"other": 0}, UP | {"other": 1}


def instant(told: Story, side: str, name: str, at_s: float, *changes: int, late_s: float = 0.0) -> Story:
    return told.note(at_s, "instant", stretch=name, side=side, changes=list(changes), planned=at_s - late_s, began=at_s)


def told(second: dict[str, object] = HIT, late_s: float = 0.0, earlier: dict[str, object] = QUIET) -> Story:
    """The first from 2 to 4, the second from 5 to 7, which is undone with the recovery."""
    story = Story(DRILL, FIRST, SECOND).phase(0, "baseline").reads(0.1, 2, **earlier).phase(2, "fault")
    instant(story, "begin", "first", 2.0, 0).did(2.0).reads(2.1, 4, **(DOWN | {"other": earlier["other"]}))
    instant(story, "end", "first", 4.0, 0).note(4.0, "undo", change="drill_1#0").reads(4.1, 5, **QUIET).gone(5.0)
    instant(story, "begin", "second", 5.0, 1, late_s=late_s).did(5.0, 1).reads(5.1, 7, **second)
    instant(story, "end", "second", 7.0).phase(7, "recovery").note(7.0, "undo", change="drill_1#1")
    story.reads(7.1, 9, **QUIET).phase(9, "settle").reads(9, 9.5, **QUIET).gone(9.5, 1)
    return story.phase(9.6, "end")


def test_what_was_seen_in_each_stretch_held() -> None:
    monitors, times = told().replayed()
    assert told().judged().verdict == "held"
    assert (monitors.effect_s("bites", 0), monitors.effect_s("bites", 1)) == (2.1, 5.1)
    assert (monitors.effect_s("gone", 0), times.undid_s, times.bit_s) == (4.1, 7.0, 5.1)


def test_what_a_stretch_does_not_show_is_not_proved_by_what_was_there_before_it() -> None:
    judged = told(second=QUIET, earlier=HIT).judged()
    assert judged.verdict == "inconclusive" and "never seen that other is 1" in judged.reasons[0]


def test_a_fault_that_was_over_before_its_own_undo_says_by_how_much() -> None:
    story = Story(DRILL, FIRST, SECOND).phase(0, "baseline").reads(0.1, 2, **QUIET).phase(2, "fault")
    instant(story, "begin", "first", 2.0, 0).did(2.0).reads(2.1, 3, **(DOWN | {"other": 0})).reads(3, 4, **QUIET)
    instant(story, "end", "first", 4.0, 0).note(4.0, "undo", change="drill_1#0").reads(4.1, 5, **QUIET).gone(5.0)
    instant(story, "begin", "second", 5.0, 1).did(5.0, 1).reads(5.1, 7, **HIT)
    instant(story, "end", "second", 7.0).phase(7, "recovery").note(7.0, "undo", change="drill_1#1")
    story.reads(7.1, 9.5, **QUIET).gone(9.5, 1).phase(9.6, "end")
    judged = story.judged()
    assert judged.verdict == "inconclusive"
    assert "the fault was over 1.0 s before its undo" in judged.reasons[0]


@pytest.mark.parametrize(("late_s", "verdict"), [(0.9, "held"), (1.4, "inconclusive")])
def test_an_instant_that_came_late_says_by_how_much(late_s: float, verdict: str) -> None:
    judged = told(late_s=late_s).judged()
    assert judged.verdict == verdict
    assert verdict == "held" or judged.reasons == ("second began 1.40 s later than planned",)


def test_a_check_takes_a_stretch_as_its_phase() -> None:
    rows = [row("a", at_s=2.5, status=200), row("b", "info", at_s=5.5, status=500), row("c", at_s=8.0, status=200)]
    evidence = Recorded(history_of(rows), told().record())
    assert evidence.stretches == {"first": (2.0, 4.0), "second": (5.0, 7.0)}
    assert outcomes(evidence, phase="first").verdict == "held"
    assert outcomes(evidence, phase="second").verdict == "broke"
    beyond = latency_within(evidence, limits_ms={"max": 9000}, phase="first")
    assert beyond.verdict == "inconclusive" and "hold the fault for longer" in beyond.message

"""What the load in place of a fault did not bring about is inconclusive; what it did, and was not seen, broke."""

from __future__ import annotations

import pytest

from blackstart.evidence.history import History, Row
from blackstart.model.expect import eventually
from blackstart.model.experiment import Traffic
from blackstart.model.finding import Finding
from blackstart.verdict.judge import judge
from tests.unit.builders import Seen, Story, experiment, finding
from tests.unit.histories import history_of
from tests.unit.verdict.checks.rows import unsent

depth = Seen("depth")
RISES = eventually(depth.above(0), within_s=2, name="rises", momentary=True, drains_per_s=50.0)


def flat(first_s: float = 2.01, **parts: object) -> Story:
    """A run whose queue was read as empty throughout; its load began at 2."""
    drill = experiment(faults=(), **({"during": (RISES,), "traffic": Traffic("burst", "fault")} | parts))
    told = Story(drill).phase(0, "baseline").reads(0.1, 2, depth=0).phase(2, "fault")
    return told.reads(first_s, 5, 0.02, depth=0).phase(5, "recovery").phase(5.1, "end")


def plans(count: int, apart_s: float = 0.0, outcome: str = "ok") -> History:
    sent = [2.0 + number * apart_s for number in range(count)]
    return history_of(Row("plan", f"p{s}", 1, s, s, s + 0.005, outcome, 202) for s in sent)  # type: ignore[arg-type]


def told(story: Story, history: History) -> Finding:
    return finding(judge(story.record(), history=history), "rises")


@pytest.mark.parametrize("load", [history_of(), history_of((unsent("p1"),))])
def test_a_load_that_sent_nothing_makes_what_it_should_bring_about_inconclusive(load: History) -> None:
    found = told(flat(), load)
    assert (found.status, found.hint) == ("inconclusive", "")
    assert "no request of the load was sent" in found.message


def test_a_state_that_lasts_without_a_load_that_sent_anything_is_inconclusive_too() -> None:
    assert told(flat(during=(eventually(depth.above(0), within_s=2, name="rises"),)), history_of()).status == (
        "inconclusive"
    )


def test_a_queue_that_stays_empty_under_a_burst_broke() -> None:
    assert told(flat(), plans(15)).status == "broke"


def test_so_few_that_none_had_to_wait_at_a_reading_are_inconclusive() -> None:
    assert told(flat(first_s=2.021), plans(2)).status == "inconclusive"


def test_a_burst_slower_than_the_queue_is_emptied_is_inconclusive() -> None:
    found = told(flat(), plans(15, apart_s=0.03))
    assert found.status == "inconclusive"
    assert "accepted in 0.42 s" in found.message or "accepted in 0.43 s" in found.message


def test_no_reading_while_plans_had_to_wait_is_inconclusive() -> None:
    assert told(flat(first_s=2.3), plans(15)).status == "inconclusive"


def test_plans_of_which_none_was_accepted_are_inconclusive() -> None:
    assert told(flat(), plans(15, outcome="fail")).status == "inconclusive"


def test_without_a_rate_any_request_that_was_sent_is_enough_and_it_broke() -> None:
    rises = eventually(depth.above(0), within_s=2, name="rises", momentary=True)
    assert told(flat(during=(rises,)), plans(1)).status == "broke"


def test_what_waits_for_something_else_than_a_load_broke_as_ever() -> None:
    assert told(flat(traffic=Traffic("burst")), history_of()).status == "broke"

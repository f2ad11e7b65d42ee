"""Two leaders at once are found exactly where a lock that only one can hold could not have given these leaderships: its
acquisitions are writes of who holds it, certain once the instance leads, and each act as leader reads its own."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blackstart.evidence.journal import Record
from blackstart.verdict.checks.leadership_disjoint import leadership_disjoint
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.linearizability import Operation, Search
from blackstart.verdict.sequential_models import Register
from tests.unit.histories import history_of

READ_S = 130.0


@dataclass(frozen=True)
class Instance:
    """What one instance led, each from when it acquired the lock to when it last acted; how far its clock is from the
    run's, and how closely that is known, where it is far."""

    spans: tuple[tuple[int, int], ...]
    ahead_s: float = 0.0
    slack_s: float = 0.0

    def event(self, number: int) -> dict[str, object]:
        now_s = READ_S + self.ahead_s
        intervals = [
            {"token": f"{number}-{at}", "acquired": begin + self.ahead_s, "acted": end + self.ahead_s}
            for at, (begin, end) in enumerate(self.spans)
        ]
        value = json.dumps({"instance_id": f"instance-{number}", "now": now_s, "intervals": intervals})
        times = {"at": READ_S, "sent": READ_S - self.slack_s, "answered": READ_S + self.slack_s}
        return {"event": "final", "probe": f"leadership {number}", "kind": "value", "value": value, "note": "", **times}

    def operations(self, number: int) -> list[Operation]:
        """On the lock, in the run's time: when it was asked for is not told."""
        slack_s = self.slack_s if abs(self.ahead_s) > self.slack_s else 0.0
        return [
            operation
            for at, (begin, end) in enumerate(self.spans)
            for operation in (
                Operation("write", f"{number}-{at}", None, 0.0, begin + slack_s),
                Operation("read", None, f"{number}-{at}", end - slack_s, end + slack_s),
            )
        ]


# An instance leads once at a time: after a while, for a while, and perhaps once more.
SPANS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), max_size=2).map(
    lambda stretches: tuple(
        (100 + begin + sum(map(sum, stretches[:at])), 100 + begin + sum(map(sum, stretches[:at])) + lasted)
        for at, (begin, lasted) in enumerate(stretches)
    )
)
INSTANCES = st.builds(Instance, SPANS, st.sampled_from([0.0, 50.0]), st.sampled_from([0.0, 1.0, 4.0]))


@example([Instance(((100, 110),)), Instance(((105, 105),), 50.0, 40.0), Instance(((106, 106),))])
@given(st.lists(INSTANCES, min_size=2, max_size=4))
def test_two_leaders_are_found_exactly_where_the_lock_had_two_holders(instances: list[Instance]) -> None:
    events = [{"event": "phase", "phase": "baseline", "began": 99.0}]
    events += [one.event(number) for number, one in enumerate(instances)]
    seen = Recorded(history_of(), Record(tuple(events)))
    result = leadership_disjoint(seen, tuple(f"leadership {number}" for number in range(len(instances))))
    operations = [operation for number, one in enumerate(instances) for operation in one.operations(number)]
    assert (result.verdict == "broke") is (Search(Register, operations, 10**6).run() is False)


@pytest.mark.parametrize(("second", "verdict"), [((103, 108), "held"), ((102, 108), "broke")])
def test_a_holder_that_acts_after_another_one_led_is_one_too_many(second: tuple[int, int], verdict: str) -> None:
    instances = [Instance(((100, 103),)), Instance((second,))]
    events = [{"event": "phase", "phase": "baseline", "began": 99.0}]
    events += [one.event(number) for number, one in enumerate(instances)]
    seen = Recorded(history_of(), Record(tuple(events)))
    assert leadership_disjoint(seen, ("leadership 0", "leadership 1")).verdict == verdict


def test_an_instance_of_a_far_clock_that_led_twice_is_compared_with_itself_by_its_own() -> None:
    seen = Instance(((100, 103), (105, 108)), ahead_s=50.0, slack_s=4.0).event(0)
    events = ({"event": "phase", "phase": "baseline", "began": 99.0}, seen)
    assert leadership_disjoint(Recorded(history_of(), Record(events)), ("leadership 0",), 2).verdict == "held"

"""The breaker counts, opens, tries and closes as Resilience4j does."""

from dataclasses import replace

import pytest

from blackstart_lab.gateway.breaker import CLOSED, HALF_OPEN, OPEN, Breaker, Permit
from blackstart_lab.gateway.config import QUICK, BreakerNumbers
from tests.unit.blackstart_lab.gateway.fakes import Clock

NUMBERS = BreakerNumbers(
    window_calls=10, min_calls=4, failure_percent=50.0, slow_ms=100.0, slow_percent=100.0, open_s=2.0, half_open_calls=3
)


class Rig:
    def __init__(self, numbers: BreakerNumbers = NUMBERS) -> None:
        self.clock = Clock()
        self.changes: list[tuple[str, str]] = []
        self.breaker = Breaker("redis", numbers, lambda before, to, _: self.changes.append((before, to)), self.clock)

    def permit(self) -> Permit:
        permit = self.breaker.acquire()
        assert permit is not None
        return permit

    def call(self, *failed: bool, took_ms: float = 1.0) -> None:
        for each in failed:
            permit = self.permit()
            self.clock.now_s += took_ms / 1000
            self.breaker.record(permit, each)

    def opened(self) -> "Rig":
        self.call(True, True, True, True)
        assert self.breaker.state == OPEN
        return self

    def half_open(self) -> "Rig":
        self.opened().clock.now_s += NUMBERS.open_s
        assert self.breaker.state == HALF_OPEN
        return self


def test_below_the_least_number_of_calls_it_stays_closed() -> None:
    rig = Rig()
    rig.call(True, True, True)
    assert rig.breaker.state == CLOSED


def test_half_of_the_calls_failed_opens_it() -> None:
    rig = Rig()
    rig.call(False, False, True, True)
    assert rig.changes == [(CLOSED, OPEN)]


def test_less_than_half_failed_leaves_it_closed() -> None:
    rig = Rig()
    rig.call(False, False, False, True, True)
    assert rig.breaker.state == CLOSED


def test_calls_that_left_the_window_no_longer_count() -> None:
    rig = Rig()
    rig.call(False, False, True, False, False, *[False] * 10)
    assert (rig.breaker.window.failed, len(rig.breaker.window)) == (0, 10)


def test_a_window_in_seconds_forgets_what_is_older_whatever_was_asked_since() -> None:
    rig = Rig(replace(NUMBERS, window_s=1.0))
    rig.call(True, True, True)
    rig.clock.now_s += 1.0
    rig.call(True, False, False)
    assert (rig.breaker.state, rig.breaker.window.failed, len(rig.breaker.window)) == (CLOSED, 1, 3)
    rig.call(True)
    assert rig.breaker.state == OPEN


def test_a_hiccup_of_a_fifth_of_a_second_opens_a_window_of_calls_and_not_one_of_a_second() -> None:
    """Five hundred a second, of which those of one hiccup fail together."""
    for numbers, state in ((replace(QUICK.breaker, window_calls=100, window_s=0.0), OPEN), (QUICK.breaker, CLOSED)):
        rig = Rig(numbers)
        rig.call(*[False] * 500, took_ms=2)
        rig.call(*[True] * 100, took_ms=2) if state == CLOSED else rig.call(*[True] * 50, took_ms=2)
        assert rig.breaker.state == state


def test_calls_that_are_all_slow_open_it_although_none_failed() -> None:
    rig = Rig()
    rig.call(False, False, False, took_ms=101)
    rig.call(False, took_ms=99)
    assert rig.breaker.state == CLOSED
    rig = Rig()
    rig.call(False, False, False, False, took_ms=101)
    assert rig.breaker.state == OPEN


def test_open_permits_nothing_until_its_time_is_over() -> None:
    rig = Rig().opened()
    rig.clock.now_s += NUMBERS.open_s - 0.01
    assert rig.breaker.acquire() is None
    assert rig.breaker.refused == 1
    rig.clock.now_s += 0.01
    assert rig.breaker.acquire() is not None
    assert rig.breaker.state == HALF_OPEN


def test_half_open_permits_its_trials_and_no_more() -> None:
    rig = Rig().half_open()
    permits = [rig.breaker.acquire() for _ in range(5)]
    assert [permit is not None for permit in permits] == [True, True, True, False, False]


def test_good_trials_close_it_with_an_empty_window() -> None:
    rig = Rig().half_open()
    rig.call(False, False, True)
    assert rig.breaker.state == CLOSED
    assert len(rig.breaker.window) == 0


def test_bad_trials_open_it_for_the_whole_time_again() -> None:
    rig = Rig().half_open()
    rig.call(True, True, False)
    rig.clock.now_s += NUMBERS.open_s - 0.01
    assert rig.breaker.state == OPEN
    assert rig.changes == [(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, OPEN)]


def test_result_of_a_call_from_before_says_nothing_of_the_trials() -> None:
    rig = Rig()
    late = rig.permit()
    rig.half_open()
    rig.breaker.record(late, failed=True)
    assert len(rig.breaker.window) == 0
    rig.call(False, False, False)
    assert rig.breaker.state == CLOSED


def test_trial_that_was_given_back_is_free_again() -> None:
    rig = Rig().half_open()
    permits = [rig.permit() for _ in range(3)]
    assert rig.breaker.acquire() is None
    rig.breaker.give_back(permits[0])
    assert rig.breaker.acquire() is not None


@pytest.mark.parametrize("failed", [True, False])
def test_totals_count_every_call(failed: bool) -> None:
    rig = Rig()
    rig.call(failed, failed)
    assert rig.breaker.totals == {"successful": 0 if failed else 2, "failed": 2 if failed else 0, "slow": 0}

"""No window has more than the limit, and nobody is refused for whom there is room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart_lab.checkout.failures import RateLimited
from blackstart_lab.checkout.request_limit import SlidingLog

LIMIT, WINDOW_S = 3, 1.0


class Clock:
    """Stands until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def let_through(log: SlidingLog, client: str, key: str) -> bool:
    try:
        log.admit(client, key)
    except RateLimited:
        return False
    return True


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 60)), max_size=60))
def test_each_is_let_through_exactly_where_the_window_before_it_has_room(steps: list[tuple[str, int]]) -> None:
    clock = Clock()
    log = SlidingLog(LIMIT, WINDOW_S, clock)
    admitted: dict[str, list[float]] = {"a": [], "b": []}
    for number, (client, pause) in enumerate(steps):
        clock.now += pause / 50  # in fiftieths, so that the window's end is met exactly, too
        room = sum(at >= clock.now - WINDOW_S for at in admitted[client]) < LIMIT
        assert let_through(log, client, str(number)) == room
        if room:
            admitted[client].append(clock.now)
    assert set(log.admitted) <= {"a", "b"}


def test_a_key_in_the_window_is_let_through_again_uncounted_and_who_is_refused_is_forgotten() -> None:
    clock = Clock()
    log = SlidingLog(LIMIT, WINDOW_S, clock)
    assert [let_through(log, "a", key) for key in "123"] == [True] * 3
    assert [let_through(log, "a", key) for key in "4114"] == [False, True, True, False]
    clock.now += 0.4
    with pytest.raises(RateLimited) as refused:
        log.admit("a", "5")
    assert refused.value.retry_after_s == pytest.approx(0.6)
    clock.now += 0.7
    assert [let_through(log, "a", key) for key in "4567"] == [True, True, True, False]


def test_what_is_over_takes_no_memory() -> None:
    clock = Clock()
    log = SlidingLog(LIMIT, WINDOW_S, clock)
    for number in range(100):
        log.admit(f"client-{number}", "key")
    clock.now += 2.0
    log.admit("last", "key")
    assert set(log.admitted) == {"last"}

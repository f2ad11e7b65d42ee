"""The time limit around libraries that have none."""

import threading
import time

import pytest

from blackstart.base.sockets import Deadline, NoAnswer
from blackstart.probes.hard_cap import MOST_HANGING, HardCap
from tests.services import eventually


def test_result_and_error_come_back() -> None:
    cap = HardCap("x")
    assert cap.run(lambda: 5, Deadline(5)) == 5
    with pytest.raises(KeyError):
        cap.run(lambda: {}["a"], Deadline(5))


def test_calls_whose_time_is_over_before_they_are_waited_for_count_too() -> None:
    """As on a machine that is too busy to begin a thread in time."""
    cap, release, begun = HardCap("x"), threading.Event(), []

    def hang() -> None:
        begun.append(1)
        release.wait(20)

    for _ in range(MOST_HANGING + 2):
        with pytest.raises(NoAnswer):
            cap.run(hang, Deadline(0))
    assert eventually(lambda: len(begun) == MOST_HANGING)
    release.set()


def test_call_that_hangs_is_left_at_the_deadline_and_no_more_than_a_few_are_begun() -> None:
    cap, release, begun = HardCap("x"), threading.Event(), []

    def hang() -> None:
        begun.append(1)
        release.wait(20)

    start = time.monotonic()
    for _ in range(MOST_HANGING + 2):
        with pytest.raises(NoAnswer) as caught:
            cap.run(hang, Deadline(0.05))
        assert caught.value.kind == "timed_out"
    assert time.monotonic() - start < 15
    assert eventually(lambda: len(begun) == MOST_HANGING)
    release.set()
    limit = time.monotonic() + 5
    while True:
        try:
            assert cap.run(lambda: "again", Deadline(1)) == "again"
            return
        except NoAnswer:
            assert time.monotonic() < limit

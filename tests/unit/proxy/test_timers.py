"""Timers on a real event loop, by the kernel's timer and by the loop's own."""

import asyncio
import gc
import sys
import weakref
from collections.abc import Callable
from time import monotonic

import pytest

from blackstart.proxy import timers
from blackstart.proxy.stage import NEVER

TIMERS = [
    timers.LoopWakeup,
    pytest.param(timers.KernelWakeup, marks=pytest.mark.skipif(sys.platform != "linux", reason="timerfd is Linux's")),
]
Story = Callable[[timers.TimerQueue, list[tuple[str, float]]], None]


@pytest.fixture(params=TIMERS)
def ring(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Story, float], list[str]]:
    """Tells a story to a queue, waits, and gives the names of what rang; each ring is checked against its time."""
    monkeypatch.setattr(timers, "KernelWakeup", request.param)

    def run(story: Story, wait_s: float) -> list[str]:
        async def wait() -> list[tuple[str, float]]:
            queue, rang = timers.TimerQueue(asyncio.get_running_loop()), list[tuple[str, float]]()
            story(queue, rang)
            await asyncio.sleep(wait_s)
            queue.close()
            return rang

        rang = asyncio.run(wait())
        assert all(late_s >= 0 for _, late_s in rang)
        return [name for name, _ in rang]

    return run


def make(queue: timers.TimerQueue, rang: list[tuple[str, float]], name: str, at: float) -> timers.Timer:
    made = timers.Timer(queue, lambda: rang.append((name, monotonic() - at)))
    made.set(at)
    return made


def test_timers_ring_in_their_order_and_never_early(ring: Callable[[Story, float], list[str]]) -> None:
    def story(queue: timers.TimerQueue, rang: list[tuple[str, float]]) -> None:
        now = monotonic()
        for number in (3, 1, 2, 0):
            make(queue, rang, str(number), now + number * 0.0037)

    assert ring(story, 0.2) == ["0", "1", "2", "3"]


def test_a_time_in_the_past_rings_at_once(ring: Callable[[Story, float], list[str]]) -> None:
    assert ring(lambda queue, rang: make(queue, rang, "past", monotonic() - 5) and None, 0.05) == ["past"]


def test_the_last_time_that_was_set_counts(ring: Callable[[Story, float], list[str]]) -> None:
    def story(queue: timers.TimerQueue, rang: list[tuple[str, float]]) -> None:
        now = monotonic()
        sooner = make(queue, rang, "sooner", now)
        sooner.set(now + 60)
        sooner.set(now)
        never = make(queue, rang, "never", now)
        never.set(NEVER)
        later = timers.Timer(queue, lambda: rang.append(("later", monotonic() - now - 0.08)))
        later.set(now)
        later.set(now + 0.08)

    assert ring(story, 0.3) == ["sooner", "later"]


def test_a_timer_that_sets_itself_rings_once_per_turn(ring: Callable[[Story, float], list[str]]) -> None:
    def story(queue: timers.TimerQueue, rang: list[tuple[str, float]]) -> None:
        def again() -> None:
            rang.append(("again", 0))
            if len(rang) < 5:
                mine.set(monotonic())

        mine = timers.Timer(queue, again)
        mine.set(monotonic())

    assert ring(story, 0.2) == ["again"] * 5


def test_a_closed_timer_never_rings(ring: Callable[[Story, float], list[str]]) -> None:
    def story(queue: timers.TimerQueue, rang: list[tuple[str, float]]) -> None:
        make(queue, rang, "closed", monotonic() + 0.01).close()

    assert ring(story, 0.1) == []


def test_a_closed_timer_holds_nothing_until_its_time(ring: Callable[[Story, float], list[str]]) -> None:
    class Connection:
        def late(self) -> None: ...

    left: list[int] = []

    def story(queue: timers.TimerQueue, rang: list[tuple[str, float]]) -> None:
        kept, made = Connection(), []
        for connection in [Connection() for _ in range(5000)] + [kept]:
            made.append((timers.Timer(queue, connection.late), weakref.ref(connection)))
            made[-1][0].set(monotonic() + 3600)
        del connection
        for each, _ in made[:-1]:
            each.close()
        gc.collect()
        left.extend([sum(there() is not None for _, there in made), len(queue._heap)])

    ring(story, 0)
    assert left[0] == 1
    assert left[1] <= 2000

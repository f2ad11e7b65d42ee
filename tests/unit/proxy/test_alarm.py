"""Alarms on a real event loop, by the kernel's timer and by the loop's own."""

import asyncio
import gc
import sys
import weakref
from collections.abc import Callable
from time import monotonic

import pytest

from blackstart.proxy import alarm
from blackstart.proxy.stage import NEVER

TIMERS = [
    alarm.LoopTimer,
    pytest.param(alarm.KernelTimer, marks=pytest.mark.skipif(sys.platform != "linux", reason="timerfd is Linux's")),
]
Story = Callable[[alarm.Clockwork, list[tuple[str, float]]], None]


@pytest.fixture(params=TIMERS)
def ring(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Story, float], list[str]]:
    """Tells a story to a clockwork, waits, and gives the names of what rang; each ring is checked against its time."""
    monkeypatch.setattr(alarm, "KernelTimer", request.param)

    def run(story: Story, wait_s: float) -> list[str]:
        async def wait() -> list[tuple[str, float]]:
            clockwork, rang = alarm.Clockwork(asyncio.get_running_loop()), list[tuple[str, float]]()
            story(clockwork, rang)
            await asyncio.sleep(wait_s)
            clockwork.close()
            return rang

        rang = asyncio.run(wait())
        assert all(late_s >= 0 for _, late_s in rang)
        return [name for name, _ in rang]

    return run


def make(clockwork: alarm.Clockwork, rang: list[tuple[str, float]], name: str, at: float) -> alarm.Alarm:
    made = alarm.Alarm(clockwork, lambda: rang.append((name, monotonic() - at)))
    made.set(at)
    return made


def test_alarms_ring_in_their_order_and_never_early(ring: Callable[[Story, float], list[str]]) -> None:
    def story(clockwork: alarm.Clockwork, rang: list[tuple[str, float]]) -> None:
        now = monotonic()
        for number in (3, 1, 2, 0):
            make(clockwork, rang, str(number), now + number * 0.0037)

    assert ring(story, 0.2) == ["0", "1", "2", "3"]


def test_a_time_in_the_past_rings_at_once(ring: Callable[[Story, float], list[str]]) -> None:
    assert ring(lambda clockwork, rang: make(clockwork, rang, "past", monotonic() - 5) and None, 0.05) == ["past"]


def test_the_last_time_that_was_set_counts(ring: Callable[[Story, float], list[str]]) -> None:
    def story(clockwork: alarm.Clockwork, rang: list[tuple[str, float]]) -> None:
        now = monotonic()
        sooner = make(clockwork, rang, "sooner", now)
        sooner.set(now + 60)
        sooner.set(now)
        never = make(clockwork, rang, "never", now)
        never.set(NEVER)
        later = alarm.Alarm(clockwork, lambda: rang.append(("later", monotonic() - now - 0.08)))
        later.set(now)
        later.set(now + 0.08)

    assert ring(story, 0.3) == ["sooner", "later"]


def test_an_alarm_that_sets_itself_rings_once_per_turn(ring: Callable[[Story, float], list[str]]) -> None:
    def story(clockwork: alarm.Clockwork, rang: list[tuple[str, float]]) -> None:
        def again() -> None:
            rang.append(("again", 0))
            if len(rang) < 5:
                mine.set(monotonic())

        mine = alarm.Alarm(clockwork, again)
        mine.set(monotonic())

    assert ring(story, 0.2) == ["again"] * 5


def test_a_closed_alarm_never_rings(ring: Callable[[Story, float], list[str]]) -> None:
    def story(clockwork: alarm.Clockwork, rang: list[tuple[str, float]]) -> None:
        make(clockwork, rang, "closed", monotonic() + 0.01).close()

    assert ring(story, 0.1) == []


def test_a_closed_alarm_holds_nothing_until_its_time(ring: Callable[[Story, float], list[str]]) -> None:
    class Connection:
        def late(self) -> None: ...

    left: list[int] = []

    def story(clockwork: alarm.Clockwork, rang: list[tuple[str, float]]) -> None:
        kept, alarms = Connection(), []
        for connection in [Connection() for _ in range(5000)] + [kept]:
            alarms.append((alarm.Alarm(clockwork, connection.late), weakref.ref(connection)))
            alarms[-1][0].set(monotonic() + 3600)
        del connection
        for each, _ in alarms[:-1]:
            each.close()
        gc.collect()
        left.extend([sum(there() is not None for _, there in alarms), len(clockwork._heap)])

    ring(story, 0)
    assert left[0] == 1
    assert left[1] <= 2000

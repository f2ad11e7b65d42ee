"""The run's eyes: what monitors and journal saw is the same, whatever the threads did."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from blackstart.base import clock
from blackstart.engine import observer as observing
from blackstart.model.expect import always, eventually, never
from blackstart.model.reading import Reading
from blackstart.verdict.judge import replay
from blackstart.verdict.monitors import Monitors
from tests.unit.builders import BEFORE, TICK_S, Seen, change, drill, experiment, health, leader, ready
from tests.unit.watched_drill import Scene

# ---------------------------------------------------------------- abort conditions


def at(moment_s: float, value: object) -> Reading:
    return Reading("ready", "value", moment_s - 0.001, moment_s, value)  # type: ignore[arg-type]


def test_one_reading_of_an_abort_condition_decides_and_wakes_whoever_waits(
    scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "_LOOK_EVERY_S", 1000.0)
    made = scene(experiment())
    made.observer._stop_if = {"ready": [(ready.is_(503), [])]}
    waits = threading.Event()
    ended: list[bool] = []

    def wait() -> None:
        stop = made.observer.wait(lambda: bool(made.observer.stop_because), clock.now_s() + 1000.0, waits.set)
        ended.append(stop)

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    assert waits.wait(10)
    made.observer._take("x", [at(1.0, 200), at(1.02, 503), at(1.04, 200)], TICK_S)
    waiter.join(10)
    assert ended == [True] and made.observer.stop_because == "ready is 503 (abort condition)"


@pytest.mark.parametrize(
    ("readings", "stops"),
    [
        ([(1.0, 503)], False),
        ([(1.0, 503), (1.25, 503), (1.5, 503)], True),
        ([(1.0, 503), (1.25, 200), (1.5, 503)], False),
        ([(1.0, 503), (1.25, 503), (1.49, 503)], False),
    ],
)
def test_an_abort_condition_that_is_to_last_ends_the_run_only_when_it_did(
    scene: Callable[..., Scene], readings: list[tuple[float, int]], stops: bool
) -> None:
    made = scene(experiment())
    made.observer._stop_if = {"ready": [(ready.is_(503).lasting(0.5), [])]}
    for moment_s, value in readings:
        made.observer._take("x", [at(moment_s, value)], TICK_S)
    assert bool(made.observer.stop_because) is stops


# ---------------------------------------------------------------- threads and phases


def seen(monitors: Monitors) -> list[tuple[Any, ...]]:
    every = (*monitors.baseline, *monitors.expected, *monitors.bites, *monitors.gones)
    return [
        (w.phase, w.expectation.name, w.count, w.interval and round(w.interval.to_s, 6), w.lost_again, len(w._bad))
        for w in every
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_journal_told_again_gives_the_monitors_of_the_run(scene: Callable[..., Scene], seed: int) -> None:
    made = experiment(
        baseline=(BEFORE,),
        during=(eventually(ready.is_(503), name="during"),),
        recovery=(eventually(ready.is_(200), name="after"), eventually(leader.risen(), name="risen")),
        always=(always(health.is_("ok"), name="health"), never(leader.above(5), name="one")),
    )
    told = scene(made, change())
    done = threading.Event()

    def sample(probe: Seen, values: tuple[Any, ...], source: random.Random) -> None:
        while not done.is_set():
            told.see(probe, source.choice(values))

    threads = [
        threading.Thread(target=sample, args=(probe, values, random.Random(seed * 10 + number)))
        for number, (probe, values) in enumerate(
            [
                (ready, (200, 200, 503)),
                (health, ("ok", "ok", "sick")),
                (leader, (0, 1, 9)),
                (Seen("redis"), ("up", "up")),
            ]
        )
    ]
    for thread in threads:
        thread.start()
    moments = (
        ("baseline", told.monitors.open),
        ("fault", told.monitors.fault),
        ("recovery", told.monitors.recovery),
        ("end", None),
    )
    for name, enter in moments:
        threading.Event().wait(0.05)
        told.observer.phase(name, enter)
    done.set()
    for thread in threads:
        thread.join()
    record = told.record()
    assert record.damage == ""
    again, times = replay(record, made, (change(),))
    assert seen(again) == seen(told.monitors)
    assert times.did_s is not None and times.undid_s is not None and times.did_s < times.undid_s


def test_a_phase_is_in_the_journal_and_in_the_monitors_at_one_moment(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    at_s = told.observer.phase("baseline", told.monitors.open)
    (event,) = told.record().of("phase")
    assert event["began"] == told.monitors.baseline[0].opened_s == round(at_s, 6)


def test_a_phase_that_cannot_be_recorded_is_entered_all_the_same(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    told.journal.close()
    told.observer.phase("fault", told.monitors.fault)
    told.observer.phase("recovery", told.monitors.recovery)
    assert told.journal.failure is not None
    assert [w.phase for w in told.monitors.expected] == ["fault", "always", "recovery"]

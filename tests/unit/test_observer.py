"""The run's eyes: what court and journal saw is the same, whatever the threads did, and phases cut readings cleanly."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blackstart import clock, journal
from blackstart import observer as observing
from blackstart.codec import to_data
from blackstart.court import Court
from blackstart.expect import always, eventually, never
from blackstart.journal import Journal
from blackstart.judge import replay
from blackstart.model import Change, Experiment, Reading
from blackstart.observer import PROVED_TICK_S, Observer
from tests.unit.builders import BEFORE, TICK_S, Seen, change, drill, experiment, health, leader, ready
from tests.unit.safety.file_fault import FileThere, without


class Scene:
    """An observer with its journal and court, of one drill."""

    def __init__(self, path: Path, made: Experiment, *changes: Change) -> None:
        self.drill, self.changes = made, changes
        self.journal = Journal(path / "journal.jsonl")
        self.court = Court(made, changes)
        self.observer = Observer(self.court, self.journal, 1000.0, 2.0)
        self.observer.note("run", experiment=to_data(made))

    def see(self, probe: Seen, *values: Any) -> None:
        """Readings of it, now, as the sampler would hand them over."""
        for value in values:
            now_s = clock.now_s()
            self.observer._take("x", [Reading(probe.name, "value", now_s, clock.now_s(), value)], TICK_S)

    def record(self) -> journal.Record:
        self.journal.close()
        return journal.read(self.journal.path)

    def end(self) -> None:
        self.observer.stop()
        self.journal.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    made: list[Scene] = []

    def make(drill: Experiment, *changes: Change) -> Scene:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Scene(folder, drill, *changes))
        return made[-1]

    yield make
    for item in made:
        item.end()


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


def seen(court: Court) -> list[tuple[Any, ...]]:
    watches = (*court.baseline, *court.watches, *court.bites, *court.gones)
    return [
        (w.phase, w.expectation.name, w.count, w.interval and round(w.interval.to_s, 6), w.lost_again, len(w._bad))
        for w in watches
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_journal_told_again_gives_the_court_of_the_run(scene: Callable[..., Scene], seed: int) -> None:
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
        ("baseline", told.court.open),
        ("fault", told.court.fault),
        ("recovery", told.court.recovery),
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
    assert seen(again) == seen(told.court)
    assert times.did_s is not None and times.undid_s is not None and times.did_s < times.undid_s


def test_a_phase_is_in_the_journal_and_in_the_court_at_one_moment(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    at_s = told.observer.phase("baseline", told.court.open)
    (event,) = told.record().of("phase")
    assert event["began"] == told.court.baseline[0].opened_s == round(at_s, 6)


def test_a_phase_that_cannot_be_recorded_is_entered_all_the_same(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    told.journal.close()
    told.observer.phase("fault", told.court.fault)
    told.observer.phase("recovery", told.court.recovery)
    assert told.journal.failure is not None
    assert [w.phase for w in told.court.watches] == ["fault", "always", "recovery"]


# ---------------------------------------------------------------- what the engine asks


def test_a_baseline_holds_when_everything_was_true_twice_in_a_row(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    told.observer.phase("baseline", told.court.open)
    assert not told.observer.baseline_holds()
    told.see(ready, 200)
    assert not told.observer.baseline_holds()
    told.see(ready, 200)
    assert told.observer.baseline_holds()


def test_a_baseline_that_was_lost_again_does_not_hold(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    told.observer.phase("baseline", told.court.open)
    told.see(ready, 200, 200, 503)
    assert told.observer.baseline_holds()
    told.see(ready, 503)
    assert not told.observer.baseline_holds()


def test_without_a_baseline_there_is_nothing_to_wait_for(scene: Callable[..., Scene]) -> None:
    assert scene(experiment()).observer.baseline_holds()


def test_waits_that_are_open_are_undecided(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    told.observer.phase("baseline", told.court.open)
    told.observer.phase("fault", told.court.fault)
    assert [w.expectation.name for w in told.observer.undecided("fault")] == ["during"]
    told.see(ready, 503, 503)
    assert told.observer.undecided("fault") == []


def test_an_effect_that_is_proved_sets_the_limits(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    told.observer.phase("fault", told.court.fault)
    assert told.observer.effect("bites") is None
    told.observer._take("x", [Reading("redis", "unreachable", clock.now_s(), clock.now_s())], TICK_S)
    assert told.observer.effect("bites") is None
    told.observer._take("x", [Reading("redis", "unreachable", clock.now_s(), clock.now_s())], TICK_S)
    at_s = told.observer.effect("bites")
    assert at_s is not None and told.court.watches[0].anchor_s == at_s


def test_without_changes_nothing_is_proved(scene: Callable[..., Scene]) -> None:
    told = scene(experiment(faults=()))
    told.observer.phase("fault", told.court.fault)
    assert told.observer.effect("bites") is None and told.observer.effect("gone") is None


def test_a_wait_ends_with_the_reading_that_it_waits_for(scene: Callable[..., Scene]) -> None:
    told = scene(experiment())
    later = threading.Timer(0.1, told.see, (ready, 200))
    later.start()
    assert told.observer.wait(lambda: "ready" in told.observer.latest, clock.now_s() + 20)
    later.join()


def test_a_wait_ends_at_its_limit(scene: Callable[..., Scene]) -> None:
    began_s = clock.now_s()
    assert not scene(experiment()).observer.wait(lambda: False, began_s + 0.1)
    assert clock.now_s() - began_s >= 0.1


def test_what_is_looked_at_between_can_end_a_wait(scene: Callable[..., Scene]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scene(experiment()).observer.wait(lambda: False, clock.now_s() + 20, interrupted)


def test_the_latest_readings_are_shown_in_one_line(scene: Callable[..., Scene]) -> None:
    told = scene(experiment())
    told.see(ready, 503)
    told.observer._take("x", [Reading("redis", "timed_out", 0.0, 1.0)], TICK_S)
    assert told.observer.shown() == "ready 503, redis timed out"


# ---------------------------------------------------------------- with a real sampler


def test_a_change_of_the_world_is_seen_in_the_phase_in_which_it_happened(
    scene: Callable[..., Scene], tmp_path: Path
) -> None:
    file = tmp_path / "light"
    file.touch()
    light = FileThere(str(file))
    made = experiment(
        faults=(),
        baseline=(eventually(light.is_(True), name="before"),),
        during=(eventually(light.is_(False), within_s=5, name="during"),),
        recovery=(eventually(light.is_(True), within_s=5, name="after"),),
    )
    told = scene(made)
    observer = told.observer
    observer.phase("baseline", told.court.open)
    observer.start([light], [])
    observer.pace(0.005)
    assert observer.wait(observer.baseline_holds, clock.now_s() + 20)
    observer.phase("fault", told.court.fault)
    file.unlink()
    off_s = clock.now_s()
    assert observer.wait(lambda: not observer.undecided("fault"), clock.now_s() + 20)
    observer.phase("recovery", told.court.recovery)
    file.touch()
    assert observer.wait(lambda: not observer.undecided("recovery"), clock.now_s() + 20)
    observer.phase("end")
    told.end()
    court, times = replay(told.record(), made, ())
    during, after = court.watches
    assert during.interval is not None and after.interval is not None and times.undid_s is not None
    assert during.interval.from_s <= off_s <= during.interval.to_s
    assert after.interval.to_s >= times.undid_s
    assert not during.lost_again


def test_probes_can_be_added_while_it_reads(scene: Callable[..., Scene], tmp_path: Path) -> None:
    observer = scene(experiment()).observer
    observer.start([FileThere(str(tmp_path / "a"))], [])
    observer.watch([FileThere(str(tmp_path / "b"))])
    assert observer.wait(lambda: {"a", "b"} <= set(observer.latest), clock.now_s() + 20)


def test_a_wait_is_woken_by_the_reading_that_decides_and_not_by_every_one(scene: Callable[..., Scene]) -> None:
    told = scene(experiment(baseline=(BEFORE,), during=(eventually(ready.is_(503), name="during"),)), change())
    told.observer.phase("baseline", told.court.open)
    told.observer.phase("fault", told.court.fault)
    looked: list[float] = []

    def feed() -> None:
        told.see(ready, *[200] * 200)
        told.see(ready, 503, 503)

    def done() -> bool:
        looked.append(clock.now_s())
        return not told.observer.undecided("fault")

    thread = threading.Thread(target=feed)
    thread.start()
    assert told.observer.wait(done, clock.now_s() + 10)
    thread.join()
    assert len(looked) < 100


def test_news_that_come_between_the_question_and_the_wait_are_not_waited_for(scene: Callable[..., Scene]) -> None:
    told = scene(experiment(baseline=(BEFORE,), during=(eventually(ready.is_(503), name="during"),)), change())
    told.observer.phase("baseline", told.court.open)
    told.observer.phase("fault", told.court.fault)
    asked: list[float] = []

    def done() -> bool:
        asked.append(clock.now_s())
        if len(asked) == 1:
            told.see(ready, 503, 503)
            return False
        return True

    assert told.observer.wait(done, clock.now_s() + 10)
    assert asked[1] - asked[0] < 0.05


def test_what_proves_a_bite_is_read_at_the_full_pace_until_it_is_proved_and_again_for_the_undo(
    scene: Callable[..., Scene], tmp_path: Path
) -> None:
    file = tmp_path / "light"
    file.touch()
    removed = without(file)
    told = scene(experiment(baseline=(BEFORE,), during=(), recovery=()), removed)
    observer = told.observer
    observer.phase("baseline", told.court.open)
    observer.start([], [])
    observer.pace(0.005)

    def last_tick_s() -> float:
        lines = told.journal.path.read_bytes().splitlines()
        ticks = [event["tick"] for event in journal.parse(lines).events if event["event"] == "read"]
        return float(ticks[-1]) if ticks else 0.0

    observer.phase("fault", told.court.fault)
    observer.watch([removed.bites[0].probe])
    assert observer.effect("bites") is None
    assert observer.wait(lambda: last_tick_s() == 0.005, clock.now_s() + 20)
    file.unlink()
    assert observer.wait(lambda: observer.effect("bites") is not None, clock.now_s() + 20)
    assert observer.wait(lambda: last_tick_s() == PROVED_TICK_S, clock.now_s() + 20)
    observer.phase("recovery", told.court.recovery)
    observer.watch([removed.gone[0].probe])
    assert observer.wait(lambda: last_tick_s() == 0.005, clock.now_s() + 20)
    file.touch()
    assert observer.wait(lambda: observer.effect("gone") is not None, clock.now_s() + 20)
    assert observer.wait(lambda: last_tick_s() == PROVED_TICK_S, clock.now_s() + 20)

"""What the engine asks of the run's eyes: waits that end with the reading that decides, and a real sampler."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from blackstart.base import clock
from blackstart.base.scheduling_lag import LagSample
from blackstart.engine import observer as observing
from blackstart.engine.observer import PROVED_TICK_S
from blackstart.evidence import journal
from blackstart.model.expect import eventually
from blackstart.model.reading import Reading
from blackstart.verdict.judge import replay
from blackstart.verdict.lateness import RUN
from tests.unit.builders import BEFORE, TICK_S, change, drill, experiment, ready
from tests.unit.safety.file_fault import FileThere, without
from tests.unit.watched_drill import Scene

# ---------------------------------------------------------------- what the engine asks


def test_a_baseline_holds_when_everything_was_true_twice_in_a_row(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    told.observer.phase("baseline", told.monitors.open)
    assert not told.observer.baseline_holds()
    told.see(ready, 200)
    assert not told.observer.baseline_holds()
    told.see(ready, 200)
    assert told.observer.baseline_holds()


def test_a_baseline_that_was_lost_again_does_not_hold(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    told.observer.phase("baseline", told.monitors.open)
    told.see(ready, 200, 200, 503)
    assert told.observer.baseline_holds()
    told.see(ready, 503)
    assert not told.observer.baseline_holds()


def test_without_a_baseline_there_is_nothing_to_wait_for(scene: Callable[..., Scene]) -> None:
    assert scene(experiment()).observer.baseline_holds()


def test_waits_that_are_open_are_undecided(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    told.observer.phase("baseline", told.monitors.open)
    told.observer.phase("fault", told.monitors.fault)
    assert [w.expectation.name for w in told.observer.undecided("fault")] == ["during"]
    told.see(ready, 503, 503)
    assert told.observer.undecided("fault") == []


def test_an_effect_that_is_proved_sets_the_limits(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    told.observer.phase("fault", told.monitors.fault)
    assert told.observer.effect("bites") is None
    told.observer._take("x", [Reading("redis", "unreachable", clock.now_s(), clock.now_s())], TICK_S)
    assert told.observer.effect("bites") is None
    told.observer._take("x", [Reading("redis", "unreachable", clock.now_s(), clock.now_s())], TICK_S)
    at_s = told.observer.effect("bites")
    assert at_s is not None and told.monitors.expected[0].anchor_s == at_s


def test_without_changes_nothing_is_proved(scene: Callable[..., Scene]) -> None:
    told = scene(experiment(faults=()))
    told.observer.phase("fault", told.monitors.fault)
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
    observer.phase("baseline", told.monitors.open)
    observer.start([light], [])
    observer.pace(0.005)
    assert observer.wait(observer.baseline_holds, clock.now_s() + 20)
    observer.phase("fault", told.monitors.fault)
    on_s = clock.now_s()
    file.unlink()
    off_s = clock.now_s()  # it may have been read between
    assert observer.wait(lambda: not observer.undecided("fault"), clock.now_s() + 20)
    observer.phase("recovery", told.monitors.recovery)
    file.touch()
    assert observer.wait(lambda: not observer.undecided("recovery"), clock.now_s() + 20)
    observer.phase("end")
    told.end()
    monitors, times = replay(told.record(), made, ())
    during, after = monitors.expected
    assert during.interval is not None and after.interval is not None and times.undid_s is not None
    assert during.interval.from_s <= off_s and on_s <= during.interval.to_s
    assert after.interval.to_s >= times.undid_s
    assert not during.lost_again


def test_probes_can_be_added_while_it_reads(scene: Callable[..., Scene], tmp_path: Path) -> None:
    observer = scene(experiment()).observer
    observer.start([FileThere(str(tmp_path / "a"))], [])
    observer.watch([FileThere(str(tmp_path / "b"))])
    assert observer.wait(lambda: {"a", "b"} <= set(observer.latest), clock.now_s() + 20)


def test_a_wait_is_woken_by_the_reading_that_decides_and_not_by_every_one(scene: Callable[..., Scene]) -> None:
    told = scene(experiment(baseline=(BEFORE,), during=(eventually(ready.is_(503), name="during"),)), change())
    told.observer.phase("baseline", told.monitors.open)
    told.observer.phase("fault", told.monitors.fault)
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


def test_news_that_come_between_the_question_and_the_wait_are_not_waited_for(
    scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "_LOOK_EVERY_S", 5.0)
    told = scene(experiment(baseline=(BEFORE,), during=(eventually(ready.is_(503), name="during"),)), change())
    told.observer.phase("baseline", told.monitors.open)
    told.observer.phase("fault", told.monitors.fault)
    asked: list[float] = []

    def done() -> bool:
        asked.append(clock.now_s())
        if len(asked) == 1:
            told.see(ready, 503, 503)
            return False
        return True

    assert told.observer.wait(done, clock.now_s() + 30)
    assert asked[1] - asked[0] < 4.0


def test_what_proves_a_bite_is_read_at_the_full_pace_until_it_is_proved_and_again_for_the_undo(
    scene: Callable[..., Scene], tmp_path: Path
) -> None:
    file = tmp_path / "light"
    file.touch()
    removed = without(file)
    told = scene(experiment(baseline=(BEFORE,), during=(), recovery=()), removed)
    observer = told.observer
    observer.phase("baseline", told.monitors.open)
    observer.start([], [])
    observer.pace(0.005)

    def last_tick_s() -> float:
        lines = told.journal.path.read_bytes().splitlines()
        ticks = [event["tick"] for event in journal.parse(lines).events if event["event"] == "read"]
        return float(ticks[-1]) if ticks else 0.0

    observer.phase("fault", told.monitors.fault)
    observer.watch([removed.bites[0].probe])
    assert observer.effect("bites") is None
    assert observer.wait(lambda: last_tick_s() == 0.005, clock.now_s() + 20)
    file.unlink()
    assert observer.wait(lambda: observer.effect("bites") is not None, clock.now_s() + 20)
    assert observer.wait(lambda: last_tick_s() == PROVED_TICK_S, clock.now_s() + 20)
    observer.phase("recovery", told.monitors.recovery)
    observer.watch([removed.gone[0].probe])
    assert observer.wait(lambda: last_tick_s() == 0.005, clock.now_s() + 20)
    file.touch()
    assert observer.wait(lambda: observer.effect("gone") is not None, clock.now_s() + 20)
    assert observer.wait(lambda: last_tick_s() == PROVED_TICK_S, clock.now_s() + 20)


@pytest.mark.parametrize(("ago", "threads", "open_"), [(1.5, 1.5, []), (1.5, 9.0, ["during"]), (10.0, 9.0, [])])
def test_what_is_awaited_is_looked_at_for_as_long_as_others_had_the_machine_and_at_most_as_long_again(
    scene: Callable[..., Scene], ago: float, threads: float, open_: list[str]
) -> None:
    told = scene(drill(), change())
    told.observer.phase("fault", told.monitors.fault)
    (awaited,) = told.observer.awaited("fault")
    began_s = clock.now_s() - ago * (awaited.expectation.within_s or 0.0)
    told.monitors.anchor("fault", began_s)
    told.see(ready, 200, 200)
    told.observer.late(RUN, LagSample(began_s, clock.now_s() + 60, 0.0, 0.0, 0.1, 0.9, threads))
    assert [one.expectation.name for one in told.observer.undecided("fault")] == open_


def test_what_is_awaited_is_looked_at_for_as_long_as_we_were_late(scene: Callable[..., Scene]) -> None:
    told = scene(drill(), change())
    told.observer.phase("fault", told.monitors.fault)
    began_s = clock.now_s() - 60.0  # its limit is long over
    told.monitors.anchor("fault", began_s)
    told.see(ready, 200, 200)
    assert told.observer.undecided("fault") == []
    told.observer.late(RUN, LagSample(began_s + 1, began_s + 100, 99.0, 99.0))
    assert [w.expectation.name for w in told.observer.undecided("fault")] == ["during"]

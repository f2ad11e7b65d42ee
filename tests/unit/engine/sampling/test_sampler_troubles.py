"""The sampler when a reader, a probe or a receiver goes wrong."""

from __future__ import annotations

import threading
import time

import pytest

from blackstart.engine.sampling.sampler import Sampler
from blackstart.model.reading import Answer, Reading
from tests.unit.fake_probes import OPENED, READ, Fake, Taken, sampler

pytestmark = pytest.mark.usefixtures("fresh_fakes")


def test_reader_that_raises_makes_unreadable_readings_and_is_opened_again() -> None:
    def fail() -> Answer:
        raise RuntimeError("boom")

    READ["a"] = fail
    taken = Taken()
    running = sampler(taken, Fake("one"))
    running.start()
    reading = taken.wait("one", 2)[0]
    assert reading.kind == "unreadable"
    assert "RuntimeError: boom" in reading.note
    READ["a"] = lambda: Answer("answer", 5)
    taken.wait("one", len(taken.of("one")) + 2)
    running.stop()
    assert taken.of("one")[-1].value == 5
    assert len(OPENED) > 1


def test_probe_that_raises_spoils_only_its_own_reading() -> None:
    taken = Taken()
    running = sampler(taken, Fake("good"), Fake("bad", broken=True))
    running.start()
    taken.wait("bad", 1)
    running.stop()
    assert taken.of("good")[0].kind == "value"
    assert taken.of("bad")[0].kind == "unreadable"
    assert "KeyError" in taken.of("bad")[0].note


def test_receiver_that_raises_is_reported_and_the_sampling_goes_on() -> None:
    calls = []

    def receive(endpoint: str, readings: list[Reading], tick_s: float) -> None:
        calls.append(endpoint)
        raise OSError("disk full")

    running = Sampler([Fake("one")], receive, tick_s=0.01, max_rate_hz=100)
    running.start()
    limit = time.monotonic() + 20
    while len(calls) < 3 and time.monotonic() < limit:
        time.sleep(0.01)
    running.stop()
    assert len(calls) >= 3
    assert "disk full" in running.failures[0]


def test_reader_stuck_in_its_read_is_abandoned_reported_and_heard_no_more() -> None:
    release = threading.Event()
    READ["a"] = lambda: release.wait(20) and Answer("answer", 1) or Answer("answer", 2)
    taken = Taken()
    running = sampler(taken, Fake("stuck", "a"), Fake("fine", "b"))
    running.start()
    taken.wait("fine", 2)
    begun = time.monotonic()
    assert running.stop(timeout_s=2.0) == ("read a",)  # as long as the other may need to see that it ends
    assert time.monotonic() - begun < 10
    release.set()
    time.sleep(0.1)
    assert taken.of("stuck") == []


def test_two_different_probes_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two different probes"):
        Sampler([Fake("one", "a"), Fake("one", "b")], Taken())


def test_stop_without_start_and_twice_is_quiet() -> None:
    running = Sampler([Fake("one")], Taken())
    assert running.stop() == ()
    assert running.stop() == ()

"""The sampler: its grid, its politeness, and that it looks at no bytes twice."""

from __future__ import annotations

import threading
import time

import pytest

from blackstart.base import clock
from blackstart.base.codec import plain
from blackstart.engine.sampling.sampler import Sampler
from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, Reading
from tests.unit.fake_probes import OPENED, READ, Fake, FakeEndpoint, Taken, sampler

pytestmark = pytest.mark.usefixtures("fresh_fakes")


def test_equal_endpoints_are_read_once_and_feed_all_their_probes() -> None:
    count = [0]

    def counted() -> Answer:
        count[0] += 1
        return Answer("answer", count[0])

    READ["a"] = counted
    taken = Taken()
    running = sampler(taken, Fake("one"), Fake("two"))
    running.start()
    taken.wait("two", 5)
    assert running.stop() == ()
    assert OPENED == ["a"]
    for _, readings, tick_s in taken.readings:
        assert [r.probe for r in readings] == ["one", "two"]
        assert readings[0].value == readings[1].value
        assert readings[0].sent_s == readings[1].sent_s <= readings[0].answered_s
        assert tick_s == 0.02


def test_ticks_stay_on_a_grid_without_drift() -> None:
    taken = Taken()
    running = sampler(taken, Fake("one"))
    running.start()
    readings = taken.wait("one", 40)
    running.stop()
    offsets = [((r.sent_s - running.origin_s) / 0.02) % 1 for r in readings[1:]]
    assert sorted(offsets)[len(offsets) // 2] < 0.4
    span_s = readings[39].sent_s - readings[0].sent_s
    assert 38 * 0.02 <= span_s < 3


def test_ticks_missed_by_a_slow_read_are_skipped_and_not_queued() -> None:
    slow = [True]

    def read() -> Answer:
        if slow:
            slow.clear()
            time.sleep(0.9)
        return Answer("answer", 1)

    READ["a"] = read
    taken = Taken()
    running = sampler(taken, Fake("one"), tick_s=0.2)
    running.start()
    readings = taken.wait("one", 4)
    running.stop()
    gaps = [b.sent_s - a.sent_s for a, b in zip(readings, readings[1:], strict=False)]
    assert gaps[0] >= 0.9
    assert all(gap > 0.05 for gap in gaps[1:])


def test_slow_endpoint_does_not_hold_up_another() -> None:
    release = threading.Event()
    READ["a"] = lambda: Answer("answer", int(release.wait(60)))
    taken = Taken()
    running = sampler(taken, Fake("slow", "a"), Fake("quick", "b"))
    running.start()
    taken.wait("quick", 10)
    assert taken.of("slow") == []
    release.set()
    running.stop()


def test_tick_adapts_at_once_in_the_middle_of_a_long_wait() -> None:
    taken = Taken()
    running = sampler(taken, Fake("one"), tick_s=30)
    running.start()
    taken.wait("one", 1)
    changed_s = clock.now_s()
    assert running.set_tick(0.02) == 0.02
    readings = taken.wait("one", 4, within_s=10)
    assert readings[1].sent_s - changed_s < 5
    running.stop()


def test_endpoint_is_never_read_faster_than_its_rate_allows() -> None:
    taken = Taken()
    running = sampler(taken, Fake("one"), tick_s=0.5, max_rate_hz=4)
    assert running.set_tick(0.001) == 0.25
    running.start()
    for _ in range(6):
        running.set_tick(0.5)
        running.set_tick(0.001)
        time.sleep(0.03)
    readings = taken.wait("one", 5)
    running.stop()
    gaps = [b.sent_s - a.sent_s for a, b in zip(readings, readings[1:], strict=False)]
    assert min(gaps) > 0.1
    assert (readings[4].sent_s - readings[0].sent_s) > 0.85


def test_endpoint_that_bears_less_has_a_slower_tick_of_its_own() -> None:
    taken = Taken()
    running = sampler(taken, Fake("heavy", "a", least_tick_s=3.0), Fake("light", "b"))
    running.start()
    taken.wait("heavy", 1)
    taken.wait("light", 8)
    running.stop()
    assert len(taken.of("heavy")) <= 2
    assert {tick_s for _, readings, tick_s in taken.readings if readings[0].probe == "heavy"} == {3.0}


def test_probes_can_come_while_it_runs() -> None:
    taken = Taken()
    running = sampler(taken, Fake("one"))
    running.start()
    taken.wait("one", 1)
    running.watch([Fake("one"), Fake("two"), Fake("three", "b")])
    taken.wait("two", 2)
    taken.wait("three", 2)
    running.stop()
    assert OPENED == ["a", "b"]


def test_endpoints_that_look_alike_have_different_names() -> None:
    taken = Taken()
    running = sampler(taken, Fake("one", "xa"), Fake("two", "xb"))
    running.start()
    taken.wait("one", 1)
    taken.wait("two", 1)
    running.stop()
    assert {endpoint for endpoint, _, _ in taken.readings} == {"read x", "read x #2"}


# ---------------------------------------------------------------- the same bytes again


@plain
class Counting(Conditions):
    name: str
    key: str = "a"

    def endpoint(self) -> FakeEndpoint:
        return FakeEndpoint(self.key)

    def pick(self, answer: Answer) -> tuple[str, object, str]:
        PICKED.append((self.name, answer.body, answer.status))
        return "value", f"{answer.status} {answer.body!r}", ""


PICKED: list[tuple[str, object, int | None]] = []


@pytest.mark.parametrize(
    ("answers", "looks"),
    [
        ([Answer("answer", b"x", 200)] * 3, 1),
        ([Answer("answer", b"x", 200), Answer("answer", b"y", 200), Answer("answer", b"y", 200)], 2),
        ([Answer("answer", b"x", 200), Answer("answer", b"x", 503), Answer("answer", b"x", 200)], 3),
        ([Answer("answer", ["same list"])] * 3, 3),  # what is no bytes may have been changed in its place
    ],
)
def test_bytes_that_were_looked_at_are_not_looked_at_again(answers: list[Answer], looks: int) -> None:
    PICKED.clear()
    taken: list[Reading] = []
    sampler = Sampler([Counting("one")], lambda _, readings, __: taken.extend(readings))  # type: ignore[list-item]
    (member,) = sampler._members
    for answer in answers:
        member.deliver(answer, 1.0, 2.0, 0.02)
    assert len(PICKED) == looks
    assert [reading.value for reading in taken] == [f"{answer.status} {answer.body!r}" for answer in answers]


def test_a_probe_that_joins_gets_the_answer_that_the_others_know() -> None:
    PICKED.clear()
    taken: list[Reading] = []
    sampler = Sampler([Counting("one")], lambda _, readings, __: taken.extend(readings))  # type: ignore[list-item]
    (member,) = sampler._members
    member.deliver(Answer("answer", b"x", 200), 1.0, 2.0, 0.02)
    sampler.watch([Counting("two")])  # type: ignore[list-item]
    member.deliver(Answer("answer", b"x", 200), 3.0, 4.0, 0.02)
    assert [reading.probe for reading in taken] == ["one", "one", "two"]
    member.deliver(Answer("timed_out", note="late"), 5.0, 6.0, 0.02)
    assert [reading.kind for reading in taken[-2:]] == ["timed_out", "timed_out"]

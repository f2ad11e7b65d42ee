import pytest

from blackstart.proxy.pipeline import Pipeline
from blackstart.proxy.stage import NEVER, Ending
from tests.unit.proxy.rig import Rig, toxic


def test_a_thousand_bytes_at_rate_one_take_a_second_and_trickle() -> None:
    rig = Rig(toxic("bandwidth", rate=1))
    rig.feed(bytes(1000))
    rig.run_until(0.5)
    assert len(rig.data) == pytest.approx(500, abs=20)
    rig.run_until(2)
    assert len(rig.data) == 1000
    assert rig.times_s[-1] == pytest.approx(1.0)


def test_nothing_is_ever_ahead_of_the_rate() -> None:
    rig = Rig(toxic("bandwidth", rate=10))
    for number in range(50):
        rig.run_until(number * 0.01)
        rig.feed(bytes(300))
    rig.run_until(5)
    passed = 0
    for item, time_s in zip(rig.out, rig.times_s, strict=True):
        passed += len(item) if isinstance(item, bytes) else 0
        assert passed <= time_s * 10_000 + 1e-6
    assert passed == 15_000


def test_waking_up_late_does_not_slow_the_line() -> None:
    rig = Rig(toxic("bandwidth", rate=100))
    rig.feed(bytes(100_000))
    while rig.due_at != NEVER:
        rig.now_s = rig.due_at + 0.001
        rig.pipeline.run_due()
    assert rig.times_s[-1] == pytest.approx(1.0, abs=0.002)


def test_an_idle_line_saves_nothing_up() -> None:
    rig = Rig(toxic("bandwidth", rate=1))
    rig.run_until(100)
    rig.feed(bytes(500))
    rig.run_until(200)
    assert rig.times_s[-1] == pytest.approx(100.5)


def test_rate_zero_stops_all_data_until_it_is_removed() -> None:
    rig = Rig(toxic("bandwidth", rate=0))
    rig.feed(b"held")
    rig.run_until(3600)
    assert (rig.out, rig.due_at) == ([], NEVER)
    rig.remove(rig.toxics[0])
    assert rig.out == [b"held"]


def test_rate_zero_lets_go_when_it_is_raised() -> None:
    rig = Rig(toxic("bandwidth", rate=0))
    rig.feed(b"held")
    rig.end()
    rig.update(rig.toxics[0], rate=1)
    rig.run_until(1)
    assert rig.out == [b"held", Ending.EOF]


def test_the_end_comes_after_the_last_byte() -> None:
    rig = Rig(toxic("bandwidth", rate=1))
    rig.feed(bytes(100))
    rig.end()
    rig.run_until(1)
    assert rig.out[-1] is Ending.EOF
    assert rig.times_s[-1] == pytest.approx(0.1)


def test_the_end_alone_passes_at_once() -> None:
    rig = Rig(toxic("bandwidth", rate=0))
    rig.end()
    assert rig.out == [Ending.EOF]


def test_a_slow_line_makes_the_sender_wait() -> None:
    rig = Rig(toxic("bandwidth", rate=1))
    rig.feed(bytes(65 * 1024))
    assert rig.choked


def test_scope_proxy_shares_one_line_among_connections_fairly() -> None:
    first = Rig(toxic("bandwidth", rate=10, scope="proxy"))
    second = Rig()
    second.toxics = first.toxics
    second.pipeline = Pipeline(second, "downstream", lambda: first.now_s)
    second.rebuild()
    first.feed(bytes(10_000))
    second.pipeline.feed(bytes(10_000))
    while min(first.due_at, second.due_at) <= 1.0:
        rig = min(first, second, key=lambda one: one.due_at)
        first.now_s = rig.due_at
        rig.pipeline.run_due()
    assert len(first.data) + len(second.data) == pytest.approx(10_000, abs=400)
    assert len(first.data) == pytest.approx(len(second.data), abs=400)

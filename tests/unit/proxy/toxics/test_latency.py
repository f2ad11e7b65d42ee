from functools import partial
from random import Random
from statistics import mean

import pytest

from blackstart.proxy.stage import NEVER, Ending
from tests.unit.proxy.rig import Rig, toxic


def test_data_leaves_exactly_latency_after_its_arrival() -> None:
    rig = Rig(toxic("latency", latency=100))
    rig.feed(b"a")
    rig.run_until(0.03)
    rig.feed(b"b")
    rig.run_until(1)
    assert (rig.out, rig.times_s) == ([b"a", b"b"], pytest.approx([0.1, 0.13]))


def test_the_end_is_delayed_like_data_and_stays_behind_it() -> None:
    rig = Rig(toxic("latency", latency=100))
    rig.feed(b"a")
    rig.run_until(0.05)
    rig.end(Ending.RESET)
    rig.run_until(1)
    assert rig.out == [b"a", Ending.RESET]
    assert rig.times_s == pytest.approx([0.1, 0.15])


def test_jitter_keeps_the_order_and_stays_within_its_bounds() -> None:
    rig = Rig(toxic("latency", latency=100, jitter=50))
    for number in range(200):
        rig.feed(bytes([number]))
    rig.run_until(1)
    assert rig.data == bytes(range(200))
    assert rig.times_s[0] >= 0.05 and rig.times_s[-1] <= 0.15
    assert rig.times_s == sorted(rig.times_s)


@pytest.mark.parametrize(("distribution", "least_s", "mean_s"), [("normal", 0.0, 0.1), ("exponential", 0.1, 0.12)])
def test_each_distribution_has_its_mean(distribution: str, least_s: float, mean_s: float) -> None:
    rig = Rig(toxic("latency", latency=100, jitter=20, distribution=distribution))
    delays_s = []
    for number in range(2000):
        rig.run_until(number)
        rig.feed(b"x")
        rig.run_until(number + 0.9)
        delays_s.append(rig.times_s[-1] - number)
    assert min(delays_s) >= least_s
    assert mean(delays_s) == pytest.approx(mean_s, abs=0.003)


def test_the_pieces_of_one_answer_have_one_delay() -> None:
    whole, pieces = [], []
    for number in range(500):
        for delays, of_each in ((whole, "answer"), (pieces, "chunk")):
            rig = Rig(toxic("latency", latency=100, jitter=30, distribution="normal", each=of_each))
            rig.pipeline.stages[0].random = partial(_same, Random(number))
            for piece in range(4):
                rig.run_until(piece / 1000)
                rig.feed(b"x")
            rig.run_until(1)
            delays.append(rig.times_s[-1] - 0.003)
    assert mean(whole) == pytest.approx(0.1, abs=0.005)
    assert mean(pieces) > 0.12  # the longest of four draws


def _same(dice: Random) -> Random:
    return dice


def test_a_jitter_larger_than_the_latency_never_gives_a_negative_delay() -> None:
    rig = Rig(toxic("latency", latency=1, jitter=1000))
    for _ in range(50):
        rig.feed(b"x")
    assert rig.due_at >= 0
    rig.run_until(2)
    assert len(rig.data) == 50


def test_a_new_latency_counts_from_the_arrival_of_what_is_under_way() -> None:
    rig = Rig(toxic("latency", latency=60_000))
    rig.feed(b"a", b"b")
    rig.run_until(0.01)
    rig.update(rig.toxics[0], latency=20)
    rig.run_until(1)
    assert rig.times_s == pytest.approx([0.02, 0.02])


def test_removal_releases_what_is_under_way_at_once_and_in_order() -> None:
    rig = Rig(toxic("latency", latency=60_000))
    rig.feed(b"a", b"b")
    rig.end()
    rig.remove(rig.toxics[0])
    assert (rig.out, rig.times_s, rig.due_at) == ([b"a", b"b", Ending.EOF], [0, 0, 0], NEVER)


def test_two_latencies_add_up() -> None:
    rig = Rig(toxic("latency", latency=100), {**toxic("latency", latency=20), "name": "second"})
    rig.feed(b"a")
    rig.run_until(1)
    assert rig.times_s == pytest.approx([0.12])


def test_the_sender_waits_once_32_mib_are_under_way() -> None:
    rig = Rig(toxic("latency", latency=1000))
    rig.feed(bytes(32 * 1024 * 1024))
    assert not rig.choked
    rig.feed(b"x")
    assert rig.choked
    rig.run_until(2)
    assert not rig.choked

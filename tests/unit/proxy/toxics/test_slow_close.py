import pytest

from blackstart.proxy.stage import Ending
from tests.unit.proxy.rig import Rig, toxic


def test_data_passes_at_once_and_the_end_comes_late() -> None:
    rig = Rig(toxic("slow_close", delay=500))
    rig.feed(b"a")
    rig.end()
    rig.run_until(2)
    assert (rig.out, rig.times_s) == ([b"a", Ending.EOF], pytest.approx([0, 0.5]))


def test_a_shorter_delay_counts_from_the_end() -> None:
    rig = Rig(toxic("slow_close", delay=60_000))
    rig.end()
    rig.run_until(0.1)
    rig.update(rig.toxics[0], delay=300)
    rig.run_until(2)
    assert rig.times_s == pytest.approx([0.3])


def test_removal_lets_the_end_through_at_once() -> None:
    rig = Rig(toxic("slow_close", delay=60_000))
    rig.end()
    rig.remove(rig.toxics[0])
    assert rig.out == [Ending.EOF]

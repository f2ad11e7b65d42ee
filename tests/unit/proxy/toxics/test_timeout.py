from blackstart.proxy.stage import NEVER, Ending, HangUp
from tests.unit.proxy.rig import Rig, toxic


def test_data_is_dropped_and_the_connection_closes_on_time_whatever_comes() -> None:
    rig = Rig(toxic("timeout", timeout=1000))
    for tenth in range(9):
        rig.run_until(tenth / 10)
        rig.feed(b"keep-alive")
    rig.run_until(0.999)
    assert rig.hung_up is None
    rig.run_until(1)
    assert (rig.hung_up, rig.out) == (HangUp.CUT, [])
    assert rig.pipeline.dropped_bytes == 90


def test_timeout_zero_drops_for_ever_and_never_closes() -> None:
    rig = Rig(toxic("timeout", timeout=0))
    rig.feed(b"x")
    rig.run_until(3600)
    assert (rig.hung_up, rig.out, rig.due_at) == (None, [], NEVER)


def test_the_end_passes() -> None:
    rig = Rig(toxic("timeout", timeout=0))
    rig.end()
    assert rig.out == [Ending.EOF]


def test_removal_closes_the_connection() -> None:
    rig = Rig(toxic("timeout", timeout=0))
    rig.remove(rig.toxics[0])
    assert rig.hung_up is HangUp.CUT


def test_a_timeout_shortened_below_the_time_passed_closes_at_once() -> None:
    rig = Rig(toxic("timeout", timeout=60_000))
    rig.run_until(2)
    rig.update(rig.toxics[0], timeout=1000)
    rig.run_until(2)
    assert rig.hung_up is HangUp.CUT

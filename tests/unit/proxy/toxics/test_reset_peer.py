from blackstart.proxy.stage import Ending, HangUp
from tests.unit.proxy.rig import Rig, toxic


def test_timeout_zero_resets_at_once_without_any_data() -> None:
    assert Rig(toxic("reset_peer")).hung_up is HangUp.RESET


def test_an_idle_connection_is_reset_on_time() -> None:
    rig = Rig(toxic("reset_peer", timeout=500))
    rig.run_until(0.499)
    assert rig.hung_up is None
    rig.run_until(0.5)
    assert rig.hung_up is HangUp.RESET


def test_data_is_dropped_meanwhile() -> None:
    rig = Rig(toxic("reset_peer", timeout=500))
    rig.feed(b"x")
    assert rig.out == []


def test_removal_spares_a_connection_that_lost_nothing() -> None:
    rig = Rig(toxic("reset_peer", timeout=500))
    rig.remove(rig.toxics[0])
    assert rig.hung_up is None


def test_removal_resets_a_connection_from_which_bytes_are_missing() -> None:
    rig = Rig(toxic("reset_peer", timeout=500))
    rig.feed(b"x")
    rig.remove(rig.toxics[0])
    assert rig.hung_up is HangUp.RESET


def test_an_end_does_not_come_before_the_reset() -> None:
    rig = Rig(toxic("reset_peer", timeout=500))
    rig.feed(b"answer")
    rig.end()
    assert rig.out == []
    rig.run_until(0.5)
    assert (rig.out, rig.hung_up) == ([], HangUp.RESET)


def test_removal_lets_an_end_go_that_came_alone() -> None:
    rig = Rig(toxic("reset_peer", timeout=500))
    rig.end()
    rig.remove(rig.toxics[0])
    assert (rig.out, rig.hung_up) == ([Ending.EOF], None)


def test_a_sender_that_broke_off_is_not_held_back() -> None:
    rig = Rig(toxic("reset_peer", timeout=500))
    rig.end(Ending.RESET)
    assert rig.out == [Ending.RESET]

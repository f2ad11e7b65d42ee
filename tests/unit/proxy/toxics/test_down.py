from blackstart.proxy.stage import HangUp
from tests.unit.proxy.rig import Rig, toxic


def test_down_cuts_open_connections() -> None:
    assert Rig(toxic("down"), fresh=False).hung_up is HangUp.CUT


def test_down_that_keeps_them_lets_their_data_pass() -> None:
    rig = Rig(toxic("down", existing="keep"), fresh=False)
    rig.feed(b"x")
    assert (rig.hung_up, rig.data) == (None, b"x")


def test_changing_keep_to_cut_cuts() -> None:
    rig = Rig(toxic("down", existing="keep"), fresh=False)
    rig.update(rig.toxics[0], existing="cut")
    assert rig.hung_up is HangUp.CUT

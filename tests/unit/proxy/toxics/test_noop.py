from blackstart.proxy.stage import Ending
from tests.unit.proxy.rig import Rig, toxic


def test_everything_passes_unchanged() -> None:
    rig = Rig(toxic("noop"))
    rig.feed(b"a", b"b")
    rig.end()
    assert rig.out == [b"a", b"b", Ending.EOF]

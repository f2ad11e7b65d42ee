from blackstart.proxy.stage import HangUp
from tests.unit.proxy.rig import Rig, toxic


def test_exactly_the_limit_passes_and_the_connection_closes() -> None:
    rig = Rig(toxic("limit_data", bytes=5))
    rig.feed(b"abc")
    assert rig.hung_up is None
    rig.feed(b"defg")
    assert (rig.data, rig.hung_up, rig.pipeline.dropped_bytes) == (b"abcde", HangUp.CLOSE, 2)


def test_reaching_the_limit_exactly_closes() -> None:
    rig = Rig(toxic("limit_data", bytes=3))
    rig.feed(b"abc")
    assert (rig.data, rig.hung_up) == (b"abc", HangUp.CLOSE)


def test_a_limit_of_zero_closes_with_the_first_byte() -> None:
    rig = Rig(toxic("limit_data"))
    assert rig.hung_up is None
    rig.feed(b"a")
    assert (rig.data, rig.hung_up) == (b"", HangUp.CLOSE)


def test_an_update_keeps_what_was_counted() -> None:
    rig = Rig(toxic("limit_data", bytes=10))
    rig.feed(b"abcd")
    rig.update(rig.toxics[0], bytes=6)
    rig.feed(b"efgh")
    assert (rig.data, rig.hung_up) == (b"abcdef", HangUp.CLOSE)

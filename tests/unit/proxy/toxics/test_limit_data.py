from blackstart.proxy.stage import Ending
from tests.unit.proxy.rig import Rig, toxic


def test_exactly_the_limit_passes_and_the_connection_closes() -> None:
    rig = Rig(toxic("limit_data", bytes=5))
    rig.feed(b"abc")
    assert rig.out[-1:] != [Ending.CLOSE]
    rig.feed(b"defg")
    assert (rig.data, rig.out[-1], rig.pipeline.dropped_bytes) == (b"abcde", Ending.CLOSE, 2)


def test_reaching_the_limit_exactly_closes() -> None:
    rig = Rig(toxic("limit_data", bytes=3))
    rig.feed(b"abc")
    assert (rig.data, rig.out[-1]) == (b"abc", Ending.CLOSE)


def test_a_limit_of_zero_closes_with_the_first_byte() -> None:
    rig = Rig(toxic("limit_data"))
    assert rig.out[-1:] != [Ending.CLOSE]
    rig.feed(b"a")
    assert (rig.data, rig.out[-1]) == (b"", Ending.CLOSE)


def test_an_update_keeps_what_was_counted() -> None:
    rig = Rig(toxic("limit_data", bytes=10))
    rig.feed(b"abcd")
    rig.update(rig.toxics[0], bytes=6)
    rig.feed(b"efgh")
    assert (rig.data, rig.out[-1]) == (b"abcdef", Ending.CLOSE)


def test_what_a_later_toxic_still_holds_goes_out_before_the_close() -> None:
    rig = Rig(toxic("limit_data", bytes=3), toxic("latency", latency=100))
    rig.feed(b"abcdef")
    assert rig.out == []
    rig.remove(rig.toxics[0])
    rig.feed(b"ghi")
    rig.run_until(1)
    assert (rig.out, rig.pipeline.dropped_bytes) == ([b"abc", Ending.CLOSE], 6)


def test_after_the_close_nothing_passes_whatever_the_limit_becomes() -> None:
    rig = Rig(toxic("limit_data", bytes=3))
    rig.feed(b"abcdef")
    rig.update(rig.toxics[0], bytes=100)
    rig.feed(b"ghi")
    rig.end()
    assert rig.out == [b"abc", Ending.CLOSE]

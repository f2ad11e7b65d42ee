import pytest

from blackstart.proxy.stage import HangUp
from blackstart.proxy.toxic import read_toxic
from tests.unit.proxy.rig import Rig, toxic


@pytest.mark.parametrize(("how", "expected"), [("reset", HangUp.RESET), ("close", HangUp.CUT)])
def test_exactly_the_first_connections_fail(how: str, expected: HangUp) -> None:
    shared = read_toxic(toxic("fail_first", count=2, how=how))
    rigs = [Rig() for _ in range(4)]
    for rig in rigs:
        rig.add(shared, fresh=True)
    assert [rig.hung_up for rig in rigs] == [expected, expected, None, None]


def test_connections_that_were_open_before_are_spared_and_not_counted() -> None:
    shared = read_toxic(toxic("fail_first", count=1))
    old, new = Rig(), Rig()
    old.add(shared)
    new.add(shared, fresh=True)
    assert (old.hung_up, new.hung_up) == (None, HangUp.RESET)


def test_data_passes_on_the_connections_that_do_not_fail() -> None:
    shared = read_toxic(toxic("fail_first", count=1))
    Rig().add(shared, fresh=True)
    rig = Rig()
    rig.add(shared, fresh=True)
    rig.feed(b"x")
    assert rig.data == b"x"

"""Of what a PostgreSQL client asks a share is lost, each time by chance."""

from functools import partial
from random import Random

from blackstart.proxy.stage import HITS, HangUp
from blackstart.proxy.toxic import read_toxic
from tests.unit.proxy.rig import Rig, toxic

STARTUP = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


def test_what_opens_a_connection_passes_and_every_statement_is_lost_at_100_percent() -> None:
    rig = Rig(toxic("lose_statements", percent=100))
    rig.feed(STARTUP)
    rig.feed(b"p\x00\x00\x00\x10SCRAM")
    rig.feed(b"Q\x00\x00\x00\x0dselect 1\x00")
    rig.feed(b"X\x00\x00\x00\x04")  # silent from then on, whatever comes
    assert rig.data == STARTUP + b"p\x00\x00\x00\x10SCRAM"
    assert rig.hung_up is None and rig.toxics[0].shared[HITS] == 2


def test_a_statement_may_end_its_connection() -> None:
    rig = Rig(toxic("lose_statements", percent=100, how="reset"))
    rig.feed(b"P\x00\x00\x00\x08\x00select")
    assert rig.hung_up is HangUp.RESET


def _same(dice: Random) -> Random:
    return dice


def test_a_connection_that_is_kept_is_hit_as_often_as_new_ones() -> None:
    lived = []
    for number in range(400):
        rig = Rig(toxic("lose_statements", percent=30, how="reset"))
        dice, asked = Random(number), 0
        rig.pipeline.stages[0].random = partial(_same, dice)
        while rig.hung_up is None:
            rig.feed(b"Q\x00\x00\x00\x0dselect 1\x00")
            asked += 1
        lived.append(asked)
    assert 2.8 < sum(lived) / len(lived) < 3.9  # 1 / 0.3


def test_removal_lets_a_connection_live_that_lost_nothing() -> None:
    for percent, left in ((100, HangUp.CUT), (1, None)):
        rig = Rig(toxic("lose_statements", percent=percent))
        rig.feed(STARTUP)
        if percent == 100:
            rig.feed(b"Q\x00\x00\x00\x0dselect 1\x00")
        rig.remove(rig.toxics[0])
        assert rig.hung_up is left


def message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4) + body


BEGUN = (9).to_bytes(4) + (196608).to_bytes(4) + b"\0"
PREPARED = message(b"P", b"s1\0insert into t values ($1)\0\0\0")
CARRIED_OUT = message(b"B", b"\0s1\0\0\0\0\0\0\0") + message(b"E", b"\0\0\0\0\0") + message(b"S", b"")


def test_of_one_operation_alone_what_is_carried_out_is_lost_and_what_was_asked_before_it_passes() -> None:
    rig = Rig(toxic("lose_statements", percent=100, operation="insert", how="reset"))
    others = BEGUN + PREPARED + message(b"Q", b"select 'insert into t'\0")
    rig.feed(others)
    assert rig.data == others and rig.hung_up is None
    bound, _, rest = CARRIED_OUT.partition(b"E")
    rig.feed(CARRIED_OUT)
    assert rig.data == others + bound and rig.hung_up is HangUp.RESET and rest
    assert rig.toxics[0].shared[HITS] == 1


def test_what_was_prepared_before_can_not_be_told_so_that_such_a_connection_ends() -> None:
    for operation, end in (("insert", HangUp.CUT), ("any", None)):
        rig = Rig(toxic("noop"))
        rig.feed(BEGUN + PREPARED)
        rig.add(read_toxic(toxic("lose_statements", percent=100, operation=operation)))
        assert rig.hung_up is end

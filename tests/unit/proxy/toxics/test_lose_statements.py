"""Of what a PostgreSQL client asks a share is lost, each time by chance."""

from functools import partial
from random import Random

from blackstart.proxy.stage import HITS, HangUp
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

"""No id is given twice, and no key has two."""

from __future__ import annotations

import pytest

from blackstart.verdict.checks.unique_ids import unique_ids
from tests.unit.verdict.checks.rows import TORN, history, recorded, row

SENT = history(*(row(f"k{number}") for number in range(6)))
WHOLE = [f"id{number} k{number}" for number in range(6)]


def test_one_id_for_each_key_holds_and_says_how_many() -> None:
    result = unique_ids(recorded(SENT, {"ids": WHOLE}))
    assert (result.verdict, result.actual) == ("held", "6 entries, 6 different ids, 6 different keys")


@pytest.mark.parametrize(
    ("planted", "message", "offenders"),
    [
        (["id0 stranger", "id1 other"], "2 ids are there more than once (id0, id1)", ("id0", "id1")),
        (["id9 k0", "id8 k0", "id7 k3"], "2 keys have more than one id (k0, k3)", ("k0", "k3")),
        (["id0 k0"], "1 ids are there more than once (id0)", ("id0",)),
        ([" k9"], "1 entries have no id", ()),
        (["id0 k1"], "1 ids are there more than once; 1 keys have more than one id (id0, k1)", ("id0", "k1")),
    ],
)
def test_as_many_violations_are_found_as_were_planted(
    planted: list[str], message: str, offenders: tuple[str, ...]
) -> None:
    result = unique_ids(recorded(SENT, {"ids": [*WHOLE, *planted]}))
    assert (result.verdict, result.message, result.offenders) == ("broke", message, offenders)


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (recorded(SENT), 'the final state has no "ids"'),
        (recorded(SENT, {"ids": []}), "0 of the keys that were sent are there"),
        (recorded(SENT, {"ids": ["id0 k0", "id1 stranger"]}), "1 of the keys that were sent are there"),
        (recorded(SENT, {"ids": ["k0", "k1", "k1"]}), "3 entries of ids are no id and key"),
        (recorded(SENT, {"ids": [*WHOLE, "k6"]}), "1 entries of ids are no id and key"),
        (recorded(history(row("k0"), unreadable=(TORN,)), {"ids": WHOLE}), "1 torn at the end"),
    ],
)
def test_too_little_is_inconclusive(evidence: object, reason: str) -> None:
    result = unique_ids(evidence)  # type: ignore[arg-type]
    assert result.verdict == "inconclusive" and reason in result.message

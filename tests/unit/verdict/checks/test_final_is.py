"""A value of the final state, alone and beside what it was before."""

from typing import Any

import pytest

from blackstart.evidence.journal import Record
from blackstart.verdict.checks.final_is import final_is
from blackstart.verdict.checks.recorded import Recorded
from tests.unit.verdict.checks.rows import history, recorded


@pytest.mark.parametrize(
    ("before", "after", "alone", "beside"),
    [
        (0, 0, "held", "held"),
        (3, 3, "broke", "held"),  # left from before
        (3, 2, "broke", "held"),
        (3, 4, "broke", "broke"),
        (None, 3, "broke", "inconclusive"),
        (None, 0, "held", "held"),
        ("many", 3, "broke", "inconclusive"),
    ],
)
def test_a_number_that_must_be_0_accuses_where_it_rose(before: Any, after: int, alone: str, beside: str) -> None:
    finals = {"duplicates": after} | ({} if before is None else {"earlier": before})
    seen = recorded(history(), finals)
    assert final_is(seen, "duplicates", 0).verdict == alone
    assert final_is(seen, "duplicates", 0, before="earlier").verdict == beside


def test_both_numbers_are_told() -> None:
    seen = recorded(history(), {"duplicates": 4, "earlier": 3})
    assert final_is(seen, "duplicates", 0, before="earlier").message == "duplicates is 4, and 3 before"
    unread = final_is(recorded(history(), {"duplicates": 4}), "duplicates", 0, before="earlier")
    assert unread.message == "duplicates is 4; whether it rose is not known: earlier was never collected"


@pytest.mark.parametrize(
    ("keys", "verdict", "told"),
    [
        (("value", '["k-1"]'), "held", "strangers is 0: 0"),
        (("value", "[]"), "inconclusive", "there was nothing to see: keys is []"),
        (("unreadable", None), "inconclusive", "not known: keys was unreadable (too large)"),
        (("absent", None), "inconclusive", "not known: keys was absent (too large)"),
        (None, "inconclusive", "not known: keys was never collected"),
    ],
)
def test_what_tells_the_empty_case_must_have_been_read(
    keys: tuple[str, str | None] | None, verdict: str, told: str
) -> None:
    kinds = {"strangers": ("value", 0)} | ({} if keys is None else {"keys": keys})
    events = [
        {"event": "final", "at": 1.0, "probe": name, "kind": kind, "value": value, "note": "too large"}
        for name, (kind, value) in kinds.items()
    ]
    result = final_is(Recorded(history(), Record(tuple(events))), "strangers", 0, unless="keys", unless_is="[]")
    assert (result.verdict, result.message.removeprefix("whether there was anything is ")) == (verdict, told)

"""no_oversell on histories written by hand."""

import pytest

from blackstart.evidence.history import Row
from blackstart.evidence.journal import Record
from blackstart.verdict.checks.no_oversell import no_oversell
from blackstart.verdict.checks.recorded import Recorded
from tests.unit.verdict.checks.rows import TORN, history, recorded, row, unsent

DEMAND = [row("a"), row("b"), row("c", "fail")]


def test_more_demand_than_stock_and_no_more_sold_holds() -> None:
    final = {"keys": ["a", "b"], "redis_stock": 0, "db_stock": "0"}
    result = no_oversell(recorded(history(*DEMAND), final), initial=2, remaining=("redis_stock", "db_stock"))
    assert result.verdict == "held"
    assert result.actual == "3 asked for, 2 accepted, 2 sold, redis_stock 0, db_stock 0"


def test_more_sold_than_there_was_breaks() -> None:
    assert no_oversell(recorded(history(*DEMAND), {"keys": ["a", "b", "b"]}), initial=2).message.startswith(
        "3 sold of 2"
    )


def test_more_accepted_than_there_was_breaks_before_anything_is_stored() -> None:
    result = no_oversell(recorded(history(*DEMAND), {"keys": []}), initial=1)
    assert (result.verdict, result.offenders) == ("broke", ("b",))


def test_a_stock_below_zero_breaks() -> None:
    result = no_oversell(recorded(history(*DEMAND), {"keys": ["a", "b"], "stock": -1}), initial=2, remaining=["stock"])
    assert result.message == "stock is -1"


def test_less_demand_than_stock_proves_nothing() -> None:
    result = no_oversell(recorded(history(*DEMAND), {"keys": ["a", "b"]}), initial=3)
    assert (result.verdict, "nothing could have been oversold" in result.message) == ("inconclusive", True)


@pytest.mark.parametrize("turned_away", [row("", "fail", status=302), row("", "fail", status=500), unsent("")])
def test_however_many_were_turned_away_nothing_could_be_oversold_where_it_never_ran_out(turned_away: Row) -> None:
    rows = history(row("a"), *[turned_away._replace(key=f"away-{n}") for n in range(9)])
    result = no_oversell(recorded(rows, {"keys": ["a"], "stock": 3}), initial=4, remaining=["stock"])
    assert (result.verdict, "it never ran out" in result.message) == ("inconclusive", True)
    # One of unknown fate may have the last unit.
    assert no_oversell(recorded(rows, {"keys": ["a"], "stock": 0}), initial=4, remaining=["stock"]).verdict == "held"


@pytest.mark.parametrize(
    ("struck_s", "told"),
    [(9.0, ", the last one 1.1 s after the fault began"), (12.1, ", the last one 2.0 s before the fault began")],
)
def test_when_it_ran_out_is_told(struck_s: float, told: str) -> None:
    seen = recorded(history(*DEMAND), {"keys": ["a", "b"], "stock": 0})
    seen = Recorded(seen.history, Record((*seen.record.events, {"event": "do", "at": struck_s})))
    assert no_oversell(seen, initial=2, remaining=["stock"]).actual.endswith(f"2 sold, stock 0{told}")
    assert no_oversell(seen, initial=3, remaining=["stock"]).actual.endswith("2 sold, stock 0")


def test_what_was_not_read_is_inconclusive() -> None:
    rows = history(*DEMAND)
    for final in ({}, {"keys": ["a"]}, {"keys": ["a"], "stock": None}, {"keys": ["a"], "stock": "none"}):
        assert no_oversell(recorded(rows, final), initial=2, remaining=["stock"]).verdict == "inconclusive"
    assert (
        no_oversell(recorded(history(*DEMAND, unreadable=(TORN,)), {"keys": []}), initial=2).verdict == "inconclusive"
    )
    assert no_oversell(recorded(history(), {"keys": []}), initial=2).verdict == "inconclusive"


@pytest.mark.parametrize("stock", ["nan", "inf", float("nan"), float("-inf")])
def test_a_stock_that_is_no_number_is_inconclusive(stock: object) -> None:
    final = {"keys": ["a", "b"], "stock": stock}
    result = no_oversell(recorded(history(*DEMAND), final), initial=2, remaining=("stock",))
    assert (result.verdict, "stock" in result.message) == ("inconclusive", True)

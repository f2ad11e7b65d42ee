"""stock_conserved on histories written by hand."""

import pytest

from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.checks.stock_conserved import stock_conserved
from tests.unit.verdict.checks.rows import DONE, TORN, history, recorded, row

SOLD = [row("a"), row("b"), row("c", "fail")]
STOCKS = ("redis", "database")


def stocks(
    redis: int,
    database: int,
    keys: tuple[str, ...] = ("a", "b"),
    more: tuple = (),
    torn: tuple = (),
    load: dict[str, object] | None = DONE,
) -> CheckResult:
    final = {"keys": list(keys), "redis": redis, "database": str(database)}
    return stock_conserved(
        recorded(history(*SOLD, *more, unreadable=torn), final, load=load), initial=10, stocks=STOCKS
    )


def test_what_was_sold_and_what_is_left_make_what_there_was() -> None:
    result = stocks(8, 8)
    assert (result.verdict, result.actual) == (
        "held",
        "2 sold of 10, redis 8 (gap 0), database 8 (gap 0); 0 of unknown fate",
    )


def test_a_unit_that_is_gone_without_an_order_breaks() -> None:
    assert stocks(7, 8).message == "redis: 1 units are gone without an order"
    assert stocks(8, 7).verdict == "broke"


def test_a_unit_that_was_sold_and_is_still_there_breaks() -> None:
    assert stocks(9, 8).message == "redis: 1 units more than there can be"


def test_a_request_of_unknown_fate_may_keep_one_unit_and_it_is_told() -> None:
    lost = (row("d", "info", status=500),)
    held = stocks(7, 8, more=lost)
    assert held.verdict == "held" and "redis 7 (gap 1)" in held.actual and "1 of unknown fate" in held.actual
    assert stocks(6, 8, more=lost).verdict == "broke"
    # One that was placed after all has used its unit.
    assert stocks(6, 7, keys=("a", "b", "d"), more=lost).verdict == "broke"


def test_a_request_of_unknown_fate_counts_without_a_key_too() -> None:
    nameless = (row("", "info", status=500),)
    assert stocks(7, 8, more=nameless).verdict == "held" and stocks(6, 8, more=nameless).verdict == "broke"


@pytest.mark.parametrize(
    "load", [None, DONE | {"intended": 2}, DONE | {"dropped_iterations": 0, "complete": True, "stopped": True}]
)
def test_a_request_that_may_have_left_no_row_may_keep_a_unit_and_puts_none_back(
    load: dict[str, object] | None,
) -> None:
    gone = stocks(7, 8, load=load)
    assert (gone.verdict, "may explain what was seen" in gone.message) == ("inconclusive", True)
    assert stocks(9, 8, load=load).verdict == "broke" and stocks(8, 8, load=load).verdict == "held"


def test_without_a_count_of_what_is_left_there_is_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="name stocks or totals"):
        stock_conserved(recorded(history(*SOLD), {"keys": ["a"]}), initial=10, stocks=())


def test_what_was_not_read_or_sold_says_nothing() -> None:
    missing = recorded(history(*SOLD), {"keys": ["a"]})
    assert stock_conserved(missing, initial=10, stocks=STOCKS).verdict == "inconclusive"
    nothing = recorded(history(*SOLD), {"keys": [], "redis": 10, "database": 10})
    assert "nothing was sold" in stock_conserved(nothing, initial=10, stocks=STOCKS).message
    assert stocks(7, 8, torn=(TORN,)).verdict == "inconclusive"


def total_of(total: object, redis: int = 8, torn: tuple = ()) -> CheckResult:
    """Two sold, of 10, and one of unknown fate; `total` is what the database has left and sold, in one look."""
    rows = history(*SOLD, row("d", "info", status=500), unreadable=torn)
    final = {"keys": ["a", "b"], "redis": redis, "total": total}
    return stock_conserved(recorded(rows, final), initial=10, stocks=("redis",), totals=("total",))


def test_where_stock_and_orders_are_read_in_one_look_no_unit_may_be_gone() -> None:
    held = total_of(10, redis=7)
    assert held.verdict == "held" and "total 10 (gap 0)" in held.actual
    assert total_of(9).message == "total: 1 units are gone without an order"
    assert total_of(11).message == "total: 1 units more than there can be"
    assert total_of(9, torn=(TORN,)).verdict == "broke"  # it is not told by the history
    assert total_of(10, torn=(TORN,)).verdict == total_of(None).verdict == "inconclusive"

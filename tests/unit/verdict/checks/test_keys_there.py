"""no_lost_write, no_duplicates and retry_not_doubled on histories written by hand."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base.scheduling_lag import LagSample
from blackstart.evidence.history import History, Outcome, Row
from blackstart.evidence.journal import Record
from blackstart.verdict.checks.no_duplicates import no_duplicates
from blackstart.verdict.checks.no_lost_write import no_lost_write
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.checks.retry_not_doubled import retry_not_doubled
from blackstart.verdict.checks.state import present
from tests.unit.verdict.checks.rows import TORN, history, recorded, row, unsent


def test_every_acknowledged_key_there_holds_even_when_doubled() -> None:
    assert no_lost_write(recorded(history(row("a"), row("b", "info")), {"keys": ["a", "a"]})).verdict == "held"


def test_an_acknowledged_key_that_is_not_there_is_lost() -> None:
    result = no_lost_write(recorded(history(row("a"), row("b")), {"keys": ["b"]}))
    assert (result.verdict, result.offenders, result.actual) == ("broke", ("a",), "1 of 2 are there")


def test_only_the_rows_of_the_phase_count() -> None:
    rows = history(row("a", at_s=10), row("b", at_s=20))
    seen = recorded(rows, {"keys": ["a"]}, {"baseline": (0, 15), "fault": (15, 30)})
    assert no_lost_write(seen, phase="baseline").verdict == "held"
    assert no_lost_write(seen, phase="fault").verdict == "broke"
    assert no_lost_write(seen, phase="settle").verdict == "inconclusive"


def test_no_key_twice_holds() -> None:
    assert no_duplicates(recorded(history(row("a"), row("b")), {"keys": ["a", "b", "scan-1"]})).verdict == "held"


def test_orders_that_were_given_no_key_are_no_key_twice() -> None:
    for listed in (["a", None, None], '["a", null, null]', ["a", "", ""], '["a", " ", " "]', "a\n\n\n"):
        assert no_duplicates(recorded(history(row("a")), {"keys": listed})).verdict == "held"
    left = recorded(history(row("a")), {"keys": ["a", "", "", ""], "before": ["", ""]})
    assert no_duplicates(left, before="before").verdict == "held"
    assert no_duplicates(recorded(history(row("a")), {"keys": ["a", "", "", "a"]})).offenders == ("a",)


def test_a_list_of_more_keys_than_are_split_at_once_is_counted_in_its_order() -> None:
    listed = [f"k-{number}" for number in range(25_001)] + ["k-7", "two\nlines"]
    for nothing in ([], [None] * 20_000):
        seen = recorded(history(row("a")), {"keys": [*nothing, *listed]})
        there = present(seen, "keys")
        assert seen.history.one(f"select count(*), sum(n) from {there}") == (25_002, 25_003)
        assert seen.history.ask(f"select key from {there} where n > 1 or key like 't%' order by first") == [
            ("k-7",), ("two lines",),
        ]  # fmt: skip


def test_a_key_that_was_there_twice_before_is_not_doubled_again() -> None:
    was = ["old", "old", "scan-1"]
    for now, verdict, offenders in (([], "held", ()), (["scan-1"], "broke", ("scan-1",)), (["old"], "broke", ("old",)),
                                    (["a"], "broke", ("a",))):  # fmt: skip
        seen = recorded(history(row("a")), {"keys": ["a", *was, *now], "keys_before": was})
        result = no_duplicates(seen, before="keys_before")
        assert (result.verdict, result.offenders) == (verdict, offenders)
    unread = recorded(history(row("a")), {"keys": ["a", *was]})
    assert no_duplicates(unread, before="keys_before").verdict == "inconclusive"
    assert no_duplicates(recorded(history(row("a")), {"keys": ["a"]}), before="keys_before").verdict == "held"


def test_a_key_twice_breaks_whoever_wrote_it() -> None:
    result = no_duplicates(recorded(history(row("a")), {"keys": ["a", "scan-1", "scan-1"]}))
    assert (result.verdict, result.offenders) == ("broke", ("scan-1",))


def test_no_duplicates_without_one_of_our_keys_is_inconclusive() -> None:
    result = no_duplicates(recorded(history(row("a")), {"keys": ["scan-1"]}))
    assert (result.verdict, "nothing could have been doubled" in result.message) == ("inconclusive", True)


def test_a_retried_key_there_once_holds() -> None:
    rows = history(row("a"), row("a", "ok", 2, at_s=12.0), row("b"))
    result = retry_not_doubled(recorded(rows, {"keys": ["a", "b"]}))
    assert (result.verdict, result.actual) == ("held", "1 sent again, 1 of them there, 1 when they were, 0 doubled")


def test_a_retried_key_there_twice_breaks() -> None:
    rows = history(row("a", "info"), row("a", "ok", 2))
    assert retry_not_doubled(recorded(rows, {"keys": ["a", "a"]})).offenders == ("a",)


def test_a_doubled_key_that_was_sent_once_is_not_its_business() -> None:
    rows = history(row("a"), row("a", "ok", 2, at_s=12.0), row("b"))
    assert retry_not_doubled(recorded(rows, {"keys": ["a", "b", "b"]})).verdict == "held"


@pytest.mark.parametrize(
    ("rows", "keys", "reason"),
    [
        (history(row("a")), ["a"], "no request was sent again"),
        (history(row("a", "info"), unsent("a")._replace(attempt=2)), ["a"], "no request was sent again"),
        (history(row("a", "info"), row("a", "info", 2)), [], "no request that was sent again is there"),
        (history(row("a", "info"), row("a", "ok", 2)), ["a"], "after it had been acknowledged"),
        (history(row("a", "ok"), row("a", "info", 2, at_s=12.0)), ["a"], "after it had been acknowledged"),
        (history(row("a", "ok"), row("a", "ok", 2)), ["a"], "after it had been acknowledged"),  # both under way at once
        (history(row("a", "info"), row("a", "ok", 2), unreadable=(TORN,)), ["a"], "can't be read"),
        (history(), [], "no request was recorded"),
    ],
)
def test_without_a_retry_that_is_there_nothing_is_proved(rows: History, keys: list[str], reason: str) -> None:
    result = retry_not_doubled(recorded(rows, {"keys": keys}))
    assert result.verdict == "inconclusive"
    assert reason in result.message


@pytest.mark.parametrize("check", [no_lost_write, no_duplicates])
@pytest.mark.parametrize(
    "rows", [history(), history(unsent("u")), history(row("a", "info")), history(row("a"), unreadable=(TORN,))]
)
def test_too_little_is_inconclusive(check, rows: History) -> None:  # type: ignore[no-untyped-def]
    assert check(recorded(rows, {"keys": ["a"]})).verdict == "inconclusive"
    assert check(recorded(rows)).verdict == "inconclusive"


counts = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2), min_size=1)


@given(counts)
def test_the_three_agree_with_counting(there: dict[str, int]) -> None:
    rows = history(*(r for key in there for r in (row(key), row(key, "ok", 2, at_s=12.0))))
    seen = recorded(rows, {"keys": list(Counter(there).elements())})
    most, least = max(there.values()), min(there.values())
    assert (no_lost_write(seen).verdict == "broke") == (least == 0)
    assert (no_duplicates(seen).verdict == "broke") == (most > 1)
    assert (retry_not_doubled(seen).verdict == "broke") == (most > 1)
    if most == least == 1:
        assert {check(seen).verdict for check in (no_lost_write, no_duplicates, retry_not_doubled)} == {"held"}


FIRST = row("a", status=200, detail="success")
"""Answered at 10.1 s; what comes at 12 s was sent again after that."""


def answered(*again: Row, first: Row = FIRST, fault: tuple[float, ...] = (), late: tuple = ()) -> CheckResult:
    seen = recorded(history(first, *again), {"keys": ["a"]}, late=late)
    marks = [{"event": "do", "at": at_s} for at_s in fault[:1]]
    marks += [{"event": "phase", "phase": "settle", "began": at_s} for at_s in fault[1:]]
    record = Record((*seen.record.events, *marks))
    return retry_not_doubled(replace(seen, record=record), accepts="success")


def later(detail: str, status: int | None = 200, outcome: Outcome = "ok", at_s: float = 12.0) -> Row:
    return row("a", outcome, 2, at_s=at_s, status=status, detail=detail)


def test_a_request_that_was_accepted_is_known_when_it_is_sent_again() -> None:
    assert answered(later("ignored")).verdict == answered(later("ignored"), later("", 302, "fail")).verdict == "held"
    anew, denied = answered(later("success")), answered(later("ignored"), later("sold_out", 409, "fail"))
    assert (anew.verdict, anew.message) == ("broke", "1 answers accept anew what was accepted (a)")
    assert (denied.verdict, denied.message) == ("broke", "1 answers deny what was accepted (a)")
    # How busy it is says nothing of the request.
    for status in (401, 403, 408, 423, 425, 429):
        assert answered(later("ignored"), later("", status, "fail")).verdict == "held"
    for status in (400, 404, 409, 410, 422):
        assert answered(later("ignored"), later("", status, "fail")).verdict == "broke"


def test_one_whose_first_answer_was_lost_may_be_accepted_or_known_and_of_two_at_once_both() -> None:
    for lost in (row("a", "info"), row("a", "info", status=500, detail="error")):
        for told in ("success", "ignored"):
            again = (later(told), later("ignored", at_s=14.0))
            assert answered(*again, first=lost).verdict == "held", (lost, told)
        assert answered(later("success"), later("success", at_s=14.0), first=lost).verdict == "broke"
    assert answered(later("success", at_s=10.05), later("ignored")).verdict == "held"


def test_that_it_is_accepted_anew_accuses_nobody_where_the_fault_or_our_lateness_lies_between() -> None:
    assert answered(later("success"), fault=(11.0, 11.5)).verdict == "held"
    assert answered(later("success"), fault=(5.0,)).verdict == "held"  # it never recovered
    assert answered(later("success"), fault=(1.0, 9.0)).verdict == "broke"
    assert answered(later("success"), fault=(13.0, 14.0)).verdict == "broke"
    assert answered(later("success"), late=(LagSample(10.5, 11.5, 0.9, 0.9),)).verdict == "held"
    assert answered(later("sold_out", 409, "fail"), later("ignored"), fault=(11.0, 11.5)).verdict == "broke"


def test_answers_without_a_detail_are_compared_by_their_rows_and_statuses() -> None:
    nameless = FIRST._replace(detail="")
    assert answered(later(""), first=nameless).verdict == "held"
    assert answered(later(""), later("", 409, "fail"), first=nameless).verdict == "broke"

"""A summary is told from the rows: what is not there was not sent."""

import json

import pytest

from blackstart.base.percentiles import percentile
from blackstart.loads.summary import Driven, Summary, Threshold, summarise
from tests.unit.verdict.checks.rows import TORN, history, row, unsent


def test_a_whole_load_is_complete() -> None:
    rows = [row(f"k{n}", at_s=10 + n / 10) for n in range(10)]
    summary = summarise("load", "open_loop", history(*rows), Driven(intended=10, lasted_s=1.0))
    assert summary.complete and summary.reasons == ()
    assert (summary.sent, summary.ok, summary.reached_rate_per_s) == (10, 10, 10.0)
    assert summary.start_error_p99_ms == pytest.approx(1.0, abs=0.001)


def test_retries_count_as_outcomes_and_not_as_sent() -> None:
    rows = history(row("a", "info"), row("a", "ok", 2), row("b", "fail"))
    summary = summarise("load", "open_loop", rows, Driven(intended=2, lasted_s=1))
    assert (summary.sent, summary.retries) == (2, 1)
    assert (summary.ok, summary.fail, summary.info) == (1, 1, 1)


@pytest.mark.parametrize(
    ("rows", "intended", "reason"),
    [
        (history(row("a"), unsent("b")), 2, "1 of 2 requests were never sent"),
        (history(row("a")), 3, "2 of 3 requests left no row"),
        (history(row("a"), unreadable=(TORN,)), 1, "1 lines of the history can't be read"),
        (history(), 0, "nothing was sent"),
    ],
)
def test_what_is_missing_makes_it_incomplete(rows: object, intended: int, reason: str) -> None:
    summary = summarise("load", "open_loop", rows, Driven(intended=intended, lasted_s=1))  # type: ignore[arg-type]
    assert not summary.complete
    assert summary.reasons == (reason,)


def test_a_load_that_stood_still_did_not_reach_its_rate() -> None:
    rows = [row(f"k{n}", at_s=10 + n / 10) for n in range(98)]
    late = [row(f"l{n}", start_s=12.0, end_s=12.1) for n in range(2)]
    summary = summarise("load", "open_loop", history(*rows, *late), Driven(intended=100, lasted_s=10))
    assert summary.reasons == (
        "2 of 100 requests were sent more than 1 s after their time: the rate was not reached (did the load's process "
        "stand still?)",
    )
    assert summarise("load", "open_loop", history(*rows, row("r"), late[0]), Driven(intended=100, lasted_s=10)).complete


def test_requests_that_were_cut_off_leave_their_answers_open() -> None:
    rows = history(row("a"), row("b", "info", detail="cut: the load had to end"))
    summary = summarise("load", "open_loop", rows, Driven(intended=2, lasted_s=1, cut=1, stopped=True))
    assert summary.reasons == ("1 requests were cut off before their time limit: their answers are not known",)


def test_other_loads_in_the_same_history_do_not_count() -> None:
    rows = history(row("a"), row("b", worker="other/0"))
    assert summarise("load", "open_loop", rows, Driven(intended=1, lasted_s=1)).sent == 1


def test_a_burst_that_did_not_overlap_is_incomplete() -> None:
    apart = history(row("a", at_s=10), row("b", at_s=20))
    summary = summarise("load", "burst", apart, Driven(intended=2, lasted_s=1))
    assert summary.overlap and not summary.overlap.proven
    assert summary.reasons == ("the requests of the burst did not all overlap",)


def test_dropped_iterations_of_k6_make_it_incomplete() -> None:
    summary = summarise("load", "k6", history(row("a")), Driven(intended=3, lasted_s=1, dropped_iterations=2))
    assert summary.reasons == ("k6 dropped 2 iterations: the rate was not reached",)


def test_a_summary_comes_back_from_json() -> None:
    rows = history(row("a"), row("b"))
    driven = Driven(intended=2, lasted_s=1, thresholds=(Threshold("p(95)<5", False),), exit_code=99)
    summary = summarise("load", "burst", rows, driven)
    assert Summary.from_data(json.loads(json.dumps(summary.to_data()))) == summary


def test_percentiles_are_values_that_were_measured() -> None:
    assert [percentile([5, 1, 3, 2, 4], p) for p in (1, 20, 21, 50, 99, 100)] == [1, 1, 2, 3, 5, 5]
    assert percentile(range(1, 101), 95) == 95
    for values, p in (([], 50), ([1], 0), ([1], 101)):
        with pytest.raises(ValueError):
            percentile(values, p)

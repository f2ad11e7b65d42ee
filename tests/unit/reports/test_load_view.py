"""The load is told by when it was due, with what was never sent as an outcome of its own."""

from __future__ import annotations

import pytest

from blackstart.evidence.history import Row
from blackstart.model.system import System
from blackstart.reports import fates
from blackstart.reports.load_view import buckets, by_phase
from blackstart.reports.story import Phase
from tests.unit.histories import history_of

PHASES = (Phase("baseline", 10.0, 12.0), Phase("fault", 12.0, 16.0))


def row(due_s: float, took_s: float | None = 0.01, outcome: str = "ok") -> Row:
    start_s = None if took_s is None else due_s + 0.5
    end_s = None if took_s is None or start_s is None else start_s + took_s
    return Row("GET /", f"k{due_s}", 1, due_s, start_s, end_s, outcome)  # type: ignore[arg-type]


def test_a_request_belongs_to_the_phase_in_which_it_was_due_and_its_latency_counts_from_then() -> None:
    (only,) = by_phase(history_of((row(11.9, 3.0),)), PHASES)
    assert (only.phase, only.count, only.rate_per_s) == ("baseline", 1, 1.0)
    assert only.p50_ms == pytest.approx(3500)


def test_the_rate_counts_from_when_they_flowed_as_the_fates_do() -> None:
    rows = history_of(row(11.0 + n / 10) for n in range(10))
    (only,), (figures,) = by_phase(rows, PHASES), fates.by_phase(rows, PHASES, System())
    assert only.rate_per_s == pytest.approx(figures.rate_per_s) == pytest.approx(10.0)


def test_what_was_never_sent_is_told_from_what_was_turned_down_and_has_no_latency() -> None:
    rows = by_phase(history_of((row(13.0, None, "fail"), row(13.1, 0.1, "fail"))), PHASES)
    assert [(r.outcome, r.count, r.share) for r in rows] == [("fail", 1, 0.5), ("unsent", 1, 0.5)]
    assert rows[1].p50_ms is None


def test_a_request_outside_of_all_phases_is_not_counted_to_one() -> None:
    assert [r.phase for r in by_phase(history_of((row(99.0),)), PHASES)] == ["between"]


def test_a_burst_stays_sharp_and_a_steady_trickle_is_no_comb() -> None:
    burst = buckets(history_of(row(12.0 + n / 1e5) for n in range(50)), 10.0, 16.0)
    assert sum(1 for bucket in burst if bucket.counts) == 1 and burst[0].to_s - burst[0].from_s <= 0.1
    steady = buckets(history_of(row(10.0 + n * 0.05) for n in range(120)), 10.0, 16.0)
    assert all(5 <= sum(bucket.counts.values()) <= 12 for bucket in steady[:-1])


def test_no_requests_and_no_time_make_no_bars() -> None:
    assert buckets(history_of(), 10.0, 16.0) == ()
    assert buckets(history_of((row(10.0),)), 10.0, 10.0) == ()

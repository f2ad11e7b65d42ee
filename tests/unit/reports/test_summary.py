"""The summary of a load's run, in the plan's form: figures per phase, the breaker's changes with their offsets."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import pytest

from blackstart.evidence.history import Row
from blackstart.loads import K6
from blackstart.model.experiment import Traffic
from blackstart.model.reading import Reading
from blackstart.reports import breaker, fates, gauges, html, summary, table
from blackstart.reports.story import Phase, RunView
from blackstart.suites import systems
from tests.unit.histories import history_of

GATEWAY = systems.of("gateway")
PHASES = (Phase("baseline", 10.0, 12.0), Phase("fault", 12.0, 16.0))


def row(due_s: float, status: int | None = 200, outcome: str = "ok", detail: str = "counted") -> Row:
    end_s = due_s + (0.05 if detail == "bypassed" else 0.01)
    return Row("request", "", 1, due_s, due_s, end_s, outcome, status, "", detail)  # type: ignore[arg-type]


ROWS = (
    *(row(10 + n / 100) for n in range(100)),
    *(row(12 + n / 100, detail="bypassed") for n in range(90)),
    *(row(13 + n / 100, 503, "info", "") for n in range(9)),
    row(13.1, None, "info", ""),
)


def of_a_gateway(story: RunView) -> RunView:
    return RunView(story.record, story.judgement, story.where, known=lambda kind: GATEWAY)


def test_each_request_has_one_fate_and_latencies_are_told_for_each() -> None:
    before, during = fates.by_phase(history_of(ROWS), PHASES, GATEWAY)
    assert (before.rate_per_s, before.success) == (pytest.approx(100), 1.0)
    assert [(f.name, f.count) for f in during.fates] == [("fallback", 90), ("fast fail", 9), ("failed", 1)]
    assert during.success == pytest.approx(0.9)
    assert [f.p95_ms for f in during.fates] == pytest.approx([50, 10, 10])


def test_a_429_is_limited_and_an_unsent_request_was_not_answered() -> None:
    unsent = row(10.0)._replace(start_s=None, end_s=None, outcome="fail", status=None)
    (before,) = fates.by_phase(history_of((row(10, 429), unsent)), PHASES, GATEWAY)
    assert [(f.name, f.count) for f in before.fates] == [("limited", 1), ("unsent", 1)]


def test_whatever_word_is_not_the_usual_one_tells_of_a_fallback() -> None:
    rows = history_of(row(12 + n, detail=word) for n, word in enumerate(("counted", "degraded", "", "bypassed")))
    (during,) = fates.by_phase(rows, PHASES, GATEWAY, "counted")
    assert [(f.name, f.count) for f in during.fates] == [("served", 2), ("fallback", 2)]


def test_a_run_without_a_breaker_has_no_changes_and_a_summary(stories: dict[str, RunView]) -> None:
    told = stories["held"]
    assert breaker.changes(told) == ()
    text = summary.text(told, history_of(ROWS))
    assert f"**Run ID**: `{told.run}`" in text
    assert "- **Baseline (No Fault)**:\n  - no requests were due" in text
    assert "Full Recovery Time" in text


def test_what_the_machine_did_is_told_phase_by_phase_and_only_where_it_was_read(
    stories: dict[str, RunView], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = of_a_gateway(stories["held"])
    assert gauges.by_phase(told) == () and "measured" not in summary.text(told, history_of(ROWS))
    (fault,) = (phase for phase in told.phases if phase.name == "fault")
    values = [("value", 20.0), ("value", 60.5), ("unreachable", None), ("value", 30.0)]
    readings = [
        Reading("cpu_percent", kind, fault.from_s, fault.from_s + n / 10, value)  # type: ignore[arg-type]
        for n, (kind, value) in enumerate(values)
    ]
    monkeypatch.setattr(told, "readings", lambda probes: [one for one in readings if one.probe in probes])
    assert gauges.by_phase(told) == (gauges.Gauge("fault", "CPU (% of the limit)", 20.0, 20.0, 60.5, 30.0),)
    line = "| fault   | CPU (% of the limit) | 20      | 20      | 60.5   | 30     |"
    assert line in summary.text(told, history_of(ROWS))


def test_the_breakers_changes_are_told_with_their_offsets_and_steps(
    stories: dict[str, RunView], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = of_a_gateway(stories["held"])
    broke_s, undone_s = told.times.bit_s or 0.0, told.times.undid_s or 0.0
    seen = [("closed", told.from_s), ("open", broke_s + 0.5), ("half_open", undone_s + 1), ("closed", undone_s + 2)]
    readings = [Reading(f"breaker_{state}", "value", at_s - 0.01, at_s, 1.0) for state, at_s in seen]
    monkeypatch.setattr(breaker, "_readings", lambda _: readings)
    changes = breaker.changes(told)
    assert [change.state for change in changes] == ["CLOSED", "OPEN", "HALF-OPEN", "CLOSED"]
    took = breaker.steps(told, changes)
    assert (took.to_open_s, took.to_half_open_s, took.to_closed_s) == pytest.approx((0.5, 1.0, 2.0))
    text = summary.text(told, history_of(ROWS))
    assert f"Circuit Breaker State changed to **OPEN** at {told.offset(broke_s + 0.5)}" in text
    assert f"Circuit State: **CLOSED** at {told.offset(undone_s + 2)}" in text
    assert "open 0.50 s after the fault" in table.text(told) and "open 0.50 s after" in html.page(told)
    monkeypatch.setattr(breaker, "_readings", lambda _: readings[:2])
    assert "Full Recovery Time: never, the breaker was OPEN in the end" in summary.text(told, history_of(ROWS))


def test_a_breaker_that_opens_only_after_the_undo_was_not_opened_by_the_fault(
    stories: dict[str, RunView], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = of_a_gateway(stories["held"])
    undone_s = told.times.undid_s or 0.0
    seen = [("closed", told.from_s), ("closed", undone_s + 0.5), ("open", undone_s + 1), ("closed", undone_s + 2)]
    readings = [Reading(f"breaker_{state}", "value", at_s - 0.01, at_s, 1.0) for state, at_s in seen]
    monkeypatch.setattr(breaker, "_readings", lambda _: readings)
    took = breaker.steps(told, breaker.changes(told))
    assert (took.opened, took.to_open_s, took.to_closed_s) == (True, None, pytest.approx(2.0))
    assert "Time To Open" not in summary.text(told, history_of(ROWS))
    assert "Breaker: open after the undo; half-open never" in table.text(told)


def test_latencies_of_a_k6_script_are_not_said_to_count_from_when_a_request_was_due(
    stories: dict[str, RunView],
) -> None:
    told = copy(stories["held"])
    assert told.experiment is not None
    assert "count from when a request was due" in summary.text(told, history_of(ROWS))
    told.experiment = replace(told.experiment, traffic=Traffic(K6("mine.js")))
    for text in (summary.text(told, history_of(ROWS)), html.page(told, history_of(ROWS))):
        assert "count from when k6 sent a request" in text and "count from when a request was due" not in text

"""What did not come true because the load, which stands in place of a fault, never brought it about. Pure.

Like a fault that did not bite, this says nothing of the system: what was awaited is inconclusive, not broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blackstart.court import Court
from blackstart.finding import Finding
from blackstart.history import History, Row
from blackstart.journal import Record, readings_of
from blackstart.model import Experiment, Reading
from blackstart.watch import Watch


def excused(record: Record, court: Court, findings: Sequence[Finding], history: History) -> list[Finding]:
    """The findings, where what the load did not bring about is inconclusive instead of broken."""
    if not _load_is_the_effect(court.experiment):
        return list(findings)
    watches = {watch.expectation.name: watch for watch in court.watches if watch.phase == "fault"}
    return [
        _excused(record, watches[finding.name], finding, history)
        if finding.phase == "fault" and finding.status == "broke" and finding.transition is None
        else finding
        for finding in findings
    ]


def _load_is_the_effect(experiment: Experiment) -> bool:
    return not experiment.faults and experiment.traffic is not None and experiment.traffic.flows == "fault"


def _excused(record: Record, watch: Watch, finding: Finding, history: History) -> Finding:
    until_s = watch.deadline_s()
    rows = [row for row in history.rows if row.sent and (until_s is None or _sent_s(row) < until_s)]
    if not rows:
        return _unknown(finding, "no request of the load was sent in that time: nothing could bring it about")
    drains_per_s = watch.expectation.drains_per_s
    if not drains_per_s or _must_have_shown(record, watch, rows, drains_per_s):
        return finding
    accepted = [row.end_s for row in rows if row.outcome == "ok" and row.end_s is not None]
    if not accepted:
        return _unknown(finding, f"none of the {len(rows)} requests was accepted: nothing could wait")
    took_s = max(accepted) - min(map(_sent_s, rows))
    return _unknown(
        finding,
        f"{len(accepted)} requests were accepted in {took_s:.2f} s, of which {drains_per_s:g} a second may be done: "
        "none had to wait at the time of any reading",
    )


def _unknown(finding: Finding, why: str) -> Finding:
    # A hint is about a system that was seen to fail.
    return replace(finding, status="inconclusive", message=f"{finding.message}; {why}", hint="")


def _must_have_shown(record: Record, watch: Watch, rows: Sequence[Row], drains_per_s: float) -> bool:
    """Whether there is a reading at which requests must have waited, whatever their order and their ways took.

    Accepted before the reading was sent: at least those that were answered by then. Done when it was answered: at most
    one at once, and `drains_per_s` from when the first was sent.
    """
    began_s = min(map(_sent_s, rows))
    ends = sorted(row.end_s for row in rows if row.outcome == "ok" and row.end_s is not None)
    for reading in _readings(record, watch):
        accepted = sum(end_s <= reading.sent_s for end_s in ends)
        if accepted > 1 + drains_per_s * max(0.0, reading.answered_s - began_s):
            return True
    return False


def _readings(record: Record, watch: Watch) -> list[Reading]:
    name = watch.expectation.condition.probe.name
    return [
        reading
        for event in record.of("read")
        for reading in readings_of(event)
        if reading.probe == name and reading.kind == "value" and reading.sent_s >= watch.opened_s
    ]


def _sent_s(row: Row) -> float:
    """The earliest that it can have been taken: a burst sends all but the last byte before the requests are due."""
    return max(row.intended_s, row.start_s if row.start_s is not None else row.intended_s)

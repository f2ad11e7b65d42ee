"""What was awaited under a load that had ended by then, because it was killed or was too short. Pure.

Its last answer stays the last one for ever, and a breaker that waits for calls gets none: that something did not come
true without traffic is inconclusive. What came of the requests that were sent is for the checks to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blackstart.court import Court, late
from blackstart.finding import Finding
from blackstart.history import History
from blackstart.journal import Record
from blackstart.model import Traffic
from blackstart.watch import GAP_LEAST_S, Watch


def excused(record: Record, court: Court, findings: Sequence[Finding], history: History) -> list[Finding]:
    """The findings, where what did not come true after the load's end is inconclusive instead of broken."""
    if not _ended_early(record, court.experiment.traffic):
        return list(findings)
    over_s = max((row.end_s or row.intended_s for row in history.rows), default=0.0)
    watches = {(watch.phase, watch.expectation.name): watch for watch in court.watches}
    return [
        replace(finding, status="inconclusive", message=f"{finding.message}; the load had ended by then", hint="")
        if finding.status == "broke" and _awaited_after(watches.get((finding.phase, finding.name)), over_s)
        else finding
        for finding in findings
    ]


def _ended_early(record: Record, traffic: Traffic | None) -> bool:
    """Whether one that flows throughout was not ended by the run, as its summary says: it died, or was too short."""
    summaries = [event["summary"] for event in record.of("load") if "summary" in event]
    if traffic is None or traffic.flows != "throughout" or not summaries:
        return False
    return not (summaries[-1]["complete"] and summaries[-1]["stopped"])


def _awaited_after(watch: Watch | None, over_s: float) -> bool:
    if watch is None or watch.expectation.when != "eventually" or (watch.interval is not None and not late(watch)):
        return False
    deadline_s = watch.deadline_s()
    return deadline_s is not None and deadline_s > over_s + GAP_LEAST_S

"""A fault that was over before its undo, because somebody or something else had mended it. Pure.

What the system did from then on says nothing of what it does under the fault: that its leader led again, say. It is
inconclusive. What was proved to be broken while the fault was in force stays broken, and so does what must always hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blackstart.court import Court, Timeline, late
from blackstart.finding import Finding, Interval, shown
from blackstart.watch import GAP_LEAST_S, Watch


def told(court: Court, times: Timeline) -> tuple[str, ...]:
    """What was over too early, and how it showed; nothing where every fault lasted until its undo."""
    undid_s = times.undid_s or times.ended_s
    return tuple(
        f"the fault was over {undid_s - left.to_s:.1f} s before its undo, by somebody else's hand: {shown(watch.last)}"
        for watch, left in _over(court)
    )


def excused(court: Court, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, where what broke because the fault was over is inconclusive instead."""
    in_force_until_s = min((left.from_s for _, left in _over(court)), default=None)
    if in_force_until_s is None:
        return list(findings)
    watches = {watch.expectation.name: watch for watch in court.watches if watch.phase == "fault"}
    return [
        replace(finding, status="inconclusive", message=f"{finding.message}; the fault was over by then", hint="")
        if finding.phase == "fault"
        and finding.status == "broke"
        and not _broke_before(watches[finding.name], in_force_until_s)
        else finding
        for finding in findings
    ]


def _over(court: Court) -> list[tuple[Watch, Interval]]:
    """The first proof of each change, which is what an outsider sees, where it was lost for certain."""
    position, over = 0, []
    for change in court.changes:
        for watch in court.bites[position : position + 1]:
            if (left := watch.left) and _certain(watch, left):
                over.append((watch, left))
        position += len(change.bites)
    return over


def _certain(watch: Watch, left: Interval) -> bool:
    """Whether it was seen for a while, and not only that nothing could be seen."""
    last = watch.last
    return last is not None and last.kind == "value" and last.answered_s - left.to_s >= GAP_LEAST_S


def _broke_before(watch: Watch, at_s: float) -> bool:
    deadline_s = watch.deadline_s()
    if watch.interval is None or late(watch):
        return deadline_s is not None and deadline_s < at_s
    return watch.left is not None and watch.left.to_s < at_s

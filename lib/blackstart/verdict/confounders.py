"""What may have come of something else than the system: it says nothing of it, and is inconclusive in place of broken.

Three are known. A fault that was over before its undo, because somebody or something else had mended it: what came from
then on is not what the system does under the fault (what was proved to be broken while it was in force stays broken,
and so does what must always hold). A load, in place of a fault, that never brought about what was awaited. And a load
that had ended by then, because it was killed or was too short: its last answer stays the last one for ever, and a
breaker that waits for calls gets none. What came of the requests that were sent is for the checks to say. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from blackstart.evidence.events import EventName
from blackstart.evidence.history import History
from blackstart.evidence.journal import Record, readings_of
from blackstart.model.finding import Finding, Interval, shown
from blackstart.model.reading import Reading
from blackstart.model.verdict import Verdict
from blackstart.verdict.expectation_monitor import GAP_LEAST_S, Monitor
from blackstart.verdict.monitors import Monitors, Timeline, late


@dataclass(frozen=True)
class Replayed:
    """A run as the judge followed it again. `history` is what its load did, None where that is not known."""

    record: Record
    monitors: Monitors
    times: Timeline
    history: History | None = None


def confounded(run: Replayed, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, where what broke and may have come of something else is inconclusive instead."""
    monitors = {(monitor.phase, monitor.expectation.name): monitor for monitor in run.monitors.expected}
    return [_confounded(run, finding, monitors.get((finding.phase, finding.name))) for finding in findings]


def _confounded(run: Replayed, finding: Finding, monitor: Monitor | None) -> Finding:
    if monitor is None or finding.status != Verdict.BROKE:
        return finding
    why = next(filter(None, (confounder(run, monitor) for confounder in _CONFOUNDERS)), "")
    if not why:
        return finding
    # A hint is about a system that was seen to fail.
    return replace(finding, status=Verdict.INCONCLUSIVE, message=f"{finding.message}; {why}", hint="")


# ---------------------------------------------------------------- the fault was over before its undo


def fault_ended_early(run: Replayed) -> tuple[str, ...]:
    """What was over too early, and how it showed; nothing where every fault lasted until its undo."""
    undid_s = run.times.undid_s or run.times.ended_s
    return tuple(
        f"the fault was over {run.monitors.undone_s.get(number, undid_s) - left.to_s:.1f} s before its undo, "
        f"ended by somebody else: {shown(monitor.last)}"
        for number, monitor, left in _over(run.monitors)
    )


def _fault_over(run: Replayed, monitor: Monitor) -> str:
    if monitor.phase != "fault" or not _over(run.monitors) or _broke_before(monitor, over_s(run.monitors)):
        return ""
    return "the fault was over by then"


def over_s(monitors: Monitors) -> float:
    """Until when all faults were seen in force, where one was over before its undo; infinite for none."""
    return min((left.from_s for _, _, left in _over(monitors)), default=inf)


def _over(monitors: Monitors) -> list[tuple[int, Monitor, Interval]]:
    """The first proof of each change, by its number, which is what an outsider sees, where it was lost for certain."""
    first = [(number, one) for number in range(len(monitors.changes)) for one in monitors.of("bites", number)[:1]]
    return [(number, one, left) for number, one in first if (left := one.left) and _certain(one, left)]


def _certain(monitor: Monitor, left: Interval) -> bool:
    """Whether it was seen for a while, and not only that nothing could be seen."""
    last = monitor.last
    return last is not None and last.kind == "value" and last.answered_s - left.to_s >= GAP_LEAST_S


def _broke_before(monitor: Monitor, at_s: float) -> bool:
    deadline_s = monitor.deadline_s()
    if monitor.interval is None or late(monitor):
        return deadline_s is not None and deadline_s < at_s
    return monitor.left is not None and monitor.left.to_s < at_s


# ---------------------------------------------------------------- the load never brought it about


def _unproduced(run: Replayed, monitor: Monitor) -> str:
    traffic = run.monitors.experiment.traffic
    in_place_of_fault = not run.monitors.experiment.faults and traffic is not None and traffic.flows == "fault"
    if run.history is None or not in_place_of_fault or monitor.phase != "fault" or monitor.interval is not None:
        return ""
    until_s = monitor.deadline_s()
    # The earliest that it can have been taken: a burst sends all but the last byte before the requests are due.
    rows = run.history.where(
        "start_s is not null and greatest(intended_s, start_s) < coalesce(?, 'inf'::double)", until_s
    )
    count, accepted, began_s, over_s = rows.one(
        "select count(*), count(*) filter (outcome = 'ok'), min(greatest(intended_s, start_s)), "
        "max(end_s) filter (outcome = 'ok') from requests"
    )
    if not count:
        return "no request of the load was sent in that time: nothing could bring it about"
    drains_per_s = monitor.expectation.drains_per_s
    if not drains_per_s or _must_have_shown(run.record, monitor, rows, drains_per_s, began_s):
        return ""
    if not accepted:
        return f"none of the {count} requests was accepted: nothing could wait"
    return (
        f"{accepted} requests were accepted in {over_s - began_s:.2f} s, of which {drains_per_s:g} a second may be "
        "done: none had to wait at the time of any reading"
    )


def _must_have_shown(record: Record, monitor: Monitor, rows: History, drains_per_s: float, began_s: float) -> bool:
    """Whether there is a reading at which requests must have waited, whatever their order and their ways took.

    Accepted before the reading was sent: at least those that were answered by then. Done when it was answered: at most
    one at once, and `drains_per_s` from when the first was sent (`began_s`).
    """
    for reading in _readings(record, monitor):
        (accepted,) = rows.one("select count(*) from requests where outcome = 'ok' and end_s <= ?", reading.sent_s)
        if accepted > 1 + drains_per_s * max(0.0, reading.answered_s - began_s):
            return True
    return False


def _readings(record: Record, monitor: Monitor) -> list[Reading]:
    name = monitor.expectation.condition.probes[0].name
    return [
        reading
        for event in record.of(EventName.READ)
        for reading in readings_of(event)
        if reading.probe == name and reading.kind == "value" and reading.sent_s >= monitor.opened_s
    ]


# ---------------------------------------------------------------- the load had ended by then


def _load_over(run: Replayed, monitor: Monitor) -> str:
    if run.history is None or monitor.expectation.when != "eventually" or not _load_ended_early(run):
        return ""
    if monitor.interval is not None and not late(monitor):
        return ""
    (over_s,) = run.history.one("select coalesce(max(coalesce(end_s, intended_s)), 0.0) from requests")
    deadline_s = monitor.deadline_s()
    return "the load had ended by then" if deadline_s is not None and deadline_s > over_s + GAP_LEAST_S else ""


def _load_ended_early(run: Replayed) -> bool:
    """Whether one that flows throughout was not ended by the run, as its summary says: it died, or was too short."""
    traffic = run.monitors.experiment.traffic
    summaries = [event["summary"] for event in run.record.of(EventName.LOAD) if "summary" in event]
    if traffic is None or traffic.flows != "throughout" or not summaries:
        return False
    return not (summaries[-1]["complete"] and summaries[-1]["stopped"])


_CONFOUNDERS = (_unproduced, _load_over, _fault_over)

"""What failed was sent again, and succeeded once the fault was gone."""

from blackstart.evidence.events import EventName
from blackstart.verdict.checks.recorded import SAYS_NOT_NOW, Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import keys, selected, vacuity


def recovered_by_retry(evidence: Recorded, *, attempts: int, grace_s: float = 1.0, op: str = "") -> CheckResult:
    """Of the keys whose request was not acknowledged at first: each is acknowledged in the end.

    It broke where a key's last one of `attempts` was sent `grace_s` after the undo was proved, or later, and failed:
    attempts that all fell into the fault, or that we cut off or sent late, say nothing of the system. Where nothing
    failed in the fault, or none of that was acknowledged after it, nothing could be seen: inconclusive.
    """
    report = Reporter("what failed succeeds when it is sent again after the fault")
    rows = selected(evidence, op).where("start_s is not null and key <> ''")
    why = vacuity(rows, ok_needed=False)
    if why:
        return report.unknown(why)
    undone = evidence.record.of(EventName.UNDONE)
    if not undone or not all(event["ok"] for event in undone):
        return report.unknown("the fault was not proved undone: there was no recovery")
    # A fault of many changes may be in force, or leave its mark, from the first of them to the last undo.
    begun = [float(event["at"]) for name in (EventName.DO, EventName.DID) for event in evidence.record.of(name)]
    undos = [float(event["at"]) for event in evidence.record.of(EventName.UNDO)]
    if not begun or not undos:
        return report.unknown("there was no fault to recover from")
    struck_s, undo_s = min(begun), max(undos)
    gone_s = max(float(event["at"]) for event in undone)
    of_each = (
        "select key, min(n) as first, bool_or(outcome = 'ok') as got_through, max(attempt) as tries, "
        "max(start_s) as last_s, "
        f"max(end_s) filter (outcome = 'ok' and end_s >= {undo_s}) as ok_s, "
        f"min(end_s) filter (outcome <> 'ok' and end_s >= {struck_s} and start_s < {gone_s}) as failed_s "
        "from requests group by key"
    )
    failed, through = rows.one(f"select count(failed_s), count(*) filter (ok_s >= failed_s) from ({of_each})")
    actual = f"{failed} keys failed in the fault, {through} of them were acknowledged when they were sent again"
    after_s = gone_s + grace_s
    last_tries = rows.where("outcome <> 'ok' and attempt >= ? and start_s >= ?", attempts, after_s)
    late = sorted({row.key for row in evidence.disturbed_ones(last_tries, f"? in ('', op) and {SAYS_NOT_NOW}", op)})
    lost = (
        f"select key, first from ({of_each}) where not got_through and tries >= ? and last_s >= ? "
        "and key not in (select unnest(?::varchar[]))"
    )
    named, more = keys(rows, lost, attempts, after_s, late)
    if named:
        return report.broke(f"{len(named) + more} keys never got through, nor after the fault", actual, named, more)
    open_, others = keys(rows, f"select key, first from ({of_each}) where not got_through")
    if not failed:
        return report.unknown("nothing failed while the fault was in force: there was nothing to recover from", actual)
    if open_:
        told = f"{len(open_) + others} keys were not acknowledged, and not all tries of them came after the fault"
        return report.unknown(told, actual, open_)
    if not through:
        return report.unknown("nothing that failed then was acknowledged after it", actual)
    return report.held(actual)

"""Every acknowledged request is there exactly once, an unknown one at most once, a rejected one not at all."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import MOST_OFFENDERS, CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys, present, selected, tallied, vacuity, waiting

_WORDS = (("ok", "acknowledged"), ("info", "unknown"), ("fail", "rejected"))


def exactly_once(
    evidence: Recorded, *, source: str = "keys", op: str = "", key_prefix: str = "", drained: str = ""
) -> CheckResult:
    """`source` of the final state lists the keys that are there. With `key_prefix`, a key of ours without a row is
    told too. `drained` is the probe of a queue's depth: what may still wait in it is not lost."""
    report = Reporter("acknowledged once, unknown at most once, rejected never")
    rows = selected(evidence, op)
    try:
        tally = tallied(evidence, rows, source)
    except Missing as missing:
        return report.unknown(str(missing))
    actual = "; ".join(f"{tally[fate].count} {word}, {tally[fate].there} of them there" for fate, word in _WORDS)
    lost, doubled = tally["ok"].gone, sum(one.twice for one in tally.values())
    # A line that can't be read may be the attempt that was acknowledged after all.
    ghosts = 0 if rows.unreadable else tally["fail"].there
    gone = [key for _, key in tally["ok"].first_gone]
    left = waiting(evidence, drained) if drained and lost else ""
    if left and not (doubled or ghosts):  # these no waiting excuses
        return report.unknown(f"{lost} acknowledged are not there yet, and {left}", actual, gone)
    lost = 0 if left else lost
    twice = [key for _, key in sorted(pair for one in tally.values() for pair in one.first_twice)]
    faults = {
        f"{lost} acknowledged but not there": (lost, gone),
        f"{doubled} there more than once": (doubled, twice[:MOST_OFFENDERS]),
        f"{ghosts} there although rejected": (ghosts, [key for _, key in tally["fail"].first_there]),
    }
    found = {message: few for message, (count, few) in faults.items() if count}
    if found:
        offenders = [key for few in found.values() for key in few]
        return report.broke("; ".join(found), actual, offenders, lost + doubled + ghosts - len(offenders))
    there = present(evidence, source)
    ours = f"select key, first from {there} anti join {rows.fates} using (key) where starts_with(key, ?)"
    unrecorded, more = keys(rows, ours, key_prefix) if key_prefix else ([], 0)
    if unrecorded:
        told = f"{len(unrecorded) + more} keys are there of which the history knows nothing"
        return report.unknown(told, actual, unrecorded)
    why = vacuity(rows)
    return report.unknown(why, actual) if why else report.held(actual)

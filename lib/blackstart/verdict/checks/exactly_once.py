"""Every acknowledged request is there exactly once, an unknown one at most once, a rejected one not at all."""

from blackstart.evidence.history import History
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import (
    Missing,
    ghosts,
    gone,
    keys,
    present,
    selected,
    tallied,
    twice,
    unrecorded,
    unsettled,
    vacuity,
)

_WORDS = (("ok", "acknowledged"), ("info", "unknown"), ("fail", "rejected"))


def exactly_once(
    evidence: Recorded, *, source: str = "keys", op: str = "", key_prefix: str = "", drained: str = ""
) -> CheckResult:
    """`source` of the final state lists the keys that are there. With `key_prefix` (of the load's keys), one of them
    that was never sent is a phantom; of a k6, which forgets what is under way when it is stopped, and may send what it
    gives no key, it is told. `drained` is the probe of a queue's depth: what may still wait in it is not lost."""
    report = Reporter("acknowledged once, unknown at most once, rejected never")
    rows = selected(evidence, op)
    try:
        tally = tallied(evidence, rows, source)
    except Missing as missing:
        return report.unknown(str(missing))
    actual = "; ".join(f"{tally[fate].count} {word}, {tally[fate].there} of them there" for fate, word in _WORDS)
    lost, doubled = tally["ok"].gone, sum(one.twice for one in tally.values())
    # A line that can't be read, or was never written, may be the attempt that was acknowledged after all.
    no_row = unrecorded(evidence)
    revived = 0 if rows.unreadable or no_row else tally["fail"].there
    lost_keys = gone(evidence, rows, source) if lost else []
    never, others = _unsent(evidence, rows, source, key_prefix) if key_prefix else ([], 0)
    if never and evidence.load.get("dropped_iterations") is not None:
        actual += f"; {len(never) + others} there of which k6 left no row"
        never, others = [], 0
    phantoms = 0 if rows.unreadable or no_row else len(never) + others
    left = unsettled(evidence, drained) if lost else ""
    if left and not (doubled or revived or phantoms):  # these no waiting excuses
        return report.unknown(f"{lost} acknowledged are not there yet, and {left}", actual, lost_keys)
    lost = 0 if left else lost
    faults = {
        f"{lost} acknowledged but not there": (lost, lost_keys),
        f"{doubled} there more than once": (doubled, twice(evidence, rows, source) if doubled else []),
        f"{revived} there although rejected": (revived, ghosts(evidence, rows, source) if revived else []),
        f"{phantoms} there that nobody sent": (phantoms, never),
    }
    found = {message: few for message, (count, few) in faults.items() if count}
    if found:
        offenders = [key for few in found.values() for key in few]
        return report.broke("; ".join(found), actual, offenders, lost + doubled + revived + phantoms - len(offenders))
    why = vacuity(rows) or (no_row if never or tally["fail"].there else "")
    if why and never:
        why = f"{len(never) + others} keys are there of which the history knows nothing: {why}"
        return report.unknown(why, actual, never)
    return report.unknown(why, actual) if why else report.held(actual)


def _unsent(evidence: Recorded, rows: History, source: str, key_prefix: str) -> tuple[list[str], int]:
    """The load's keys that are there and were never sent, by any operation, since the prefix is that of the whole load:
    the first few, and how many others."""
    ours = f"select key, first from {present(evidence, source)} where starts_with(key, ?)"
    return keys(rows, f"{ours} and key not in (select key from {evidence.history.fates})", key_prefix)

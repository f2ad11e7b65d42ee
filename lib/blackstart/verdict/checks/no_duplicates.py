"""No key is there twice, whoever wrote it."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys_in, selected, vacuity


def no_duplicates(evidence: Recorded, *, source: str = "keys", op: str = "") -> CheckResult:
    """`source` of the final state lists the keys that are there. Without one of ours among them it proves nothing."""
    report = Reporter("no key is there twice")
    rows = selected(evidence, op)
    try:
        present = keys_in(evidence, source)
    except Missing as missing:
        return report.unknown(str(missing))
    doubled = sorted(key for key, count in present.items() if count > 1)
    actual = f"{sum(present.values())} entries, {len(present)} different keys"
    if doubled:
        return report.broke(f"{len(doubled)} keys are there more than once", actual, doubled)
    why = vacuity(rows)
    if not why and not any(present[key] for key in rows.by_key()):
        why = "none of the keys that were sent is there: nothing could have been doubled"
    return report.unknown(why, actual) if why else report.held(actual)

"""Every acknowledged request is there exactly once, an unknown one at most once, a rejected one not at all."""

from collections import Counter
from collections.abc import Mapping

from blackstart.evidence.history import Outcome
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys_in, selected, vacuity, waiting


def exactly_once(
    evidence: Recorded, *, source: str = "keys", op: str = "", key_prefix: str = "", drained: str = ""
) -> CheckResult:
    """`source` of the final state lists the keys that are there. With `key_prefix`, a key of ours without a row is
    told too. `drained` is the probe of a queue's depth: what may still wait in it is not lost."""
    report = Reporter("acknowledged once, unknown at most once, rejected never")
    rows = selected(evidence, op)
    try:
        present = keys_in(evidence, source)
    except Missing as missing:
        return report.unknown(str(missing))
    fates = rows.fates()
    lost = [key for key, fate in fates.items() if fate == "ok" and not present[key]]
    doubled = [key for key in fates if present[key] > 1]
    # A line that can't be read may be the attempt that was acknowledged after all.
    ghosts = [] if rows.unreadable else [key for key, fate in fates.items() if fate == "fail" and present[key]]
    actual = _counted(fates, present)
    left = waiting(evidence, drained) if drained and lost else ""
    if left and not (doubled or ghosts):  # these no waiting excuses
        return report.unknown(f"{len(lost)} acknowledged are not there yet, and {left}", actual, lost)
    lost = [] if left else lost
    faults = [
        f"{len(lost)} acknowledged but not there" if lost else "",
        f"{len(doubled)} there more than once" if doubled else "",
        f"{len(ghosts)} there although rejected" if ghosts else "",
    ]
    if any(faults):
        return report.broke("; ".join(filter(None, faults)), actual, [*lost, *doubled, *ghosts])
    unrecorded = [key for key in present if key_prefix and key.startswith(key_prefix) and key not in fates]
    if unrecorded:
        return report.unknown(
            f"{len(unrecorded)} keys are there of which the history knows nothing", actual, unrecorded
        )
    why = vacuity(rows)
    return report.unknown(why, actual) if why else report.held(actual)


def _counted(fates: Mapping[str, Outcome], present: Counter[str]) -> str:
    parts = []
    for fate, word in (("ok", "acknowledged"), ("info", "unknown"), ("fail", "rejected")):
        keys = [key for key in fates if fates[key] == fate]
        there = sum(present[key] > 0 for key in keys)
        parts.append(f"{len(keys)} {word}, {there} of them there")
    return "; ".join(parts)

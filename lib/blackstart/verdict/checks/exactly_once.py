"""Every acknowledged request is there exactly once, an unknown one at most once, a rejected one not at all."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys, present, selected, vacuity, waiting

_WORDS = (("ok", "acknowledged"), ("info", "unknown"), ("fail", "rejected"))


def exactly_once(
    evidence: Recorded, *, source: str = "keys", op: str = "", key_prefix: str = "", drained: str = ""
) -> CheckResult:
    """`source` of the final state lists the keys that are there. With `key_prefix`, a key of ours without a row is
    told too. `drained` is the probe of a queue's depth: what may still wait in it is not lost."""
    report = Reporter("acknowledged once, unknown at most once, rejected never")
    rows = selected(evidence, op)
    try:
        there = present(evidence, source)
    except Missing as missing:
        return report.unknown(str(missing))
    seen = {fate: (count, found, twice) for fate, count, found, twice in rows.ask(
        f"select fate, count(*), count(p.n), count(*) filter (p.n > 1) "
        f"from {rows.fates} left join {there} p using (key) group by fate"
    )}  # fmt: skip
    counts = {fate: seen.get(fate, (0, 0, 0)) for fate, _ in _WORDS}
    actual = "; ".join(f"{counts[fate][0]} {word}, {counts[fate][1]} of them there" for fate, word in _WORDS)
    lost, doubled = counts["ok"][0] - counts["ok"][1], sum(twice for _, _, twice in counts.values())
    # A line that can't be read may be the attempt that was acknowledged after all.
    ghosts = 0 if rows.unreadable else counts["fail"][1]
    missing_keys = f"select key, first from {rows.fates} anti join {there} using (key) where fate = 'ok'"
    left = waiting(evidence, drained) if drained and lost else ""
    if left and not (doubled or ghosts):  # these no waiting excuses
        return report.unknown(f"{lost} acknowledged are not there yet, and {left}", actual, keys(rows, missing_keys)[0])
    lost = 0 if left else lost
    faults = {
        f"{lost} acknowledged but not there": (lost, missing_keys),
        f"{doubled} there more than once": (doubled, _among(rows.fates, there, "p.n > 1")),
        f"{ghosts} there although rejected": (ghosts, _among(rows.fates, there, "fate = 'fail'")),
    }
    found = {message: keys(rows, of) for message, (count, of) in faults.items() if count}
    if found:
        offenders = [key for named, _ in found.values() for key in named]
        return report.broke("; ".join(found), actual, offenders, sum(more for _, more in found.values()))
    ours = f"select key, first from {there} anti join {rows.fates} using (key) where starts_with(key, ?)"
    unrecorded, more = keys(rows, ours, key_prefix) if key_prefix else ([], 0)
    if unrecorded:
        told = f"{len(unrecorded) + more} keys are there of which the history knows nothing"
        return report.unknown(told, actual, unrecorded)
    why = vacuity(rows)
    return report.unknown(why, actual) if why else report.held(actual)


def _among(fates: str, there: str, condition: str) -> str:
    return f"select key, f.first from {fates} f join {there} p using (key) where {condition}"

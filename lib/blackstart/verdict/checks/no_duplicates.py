"""No key is there twice, whoever wrote it."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys, present, selected, vacuity

_DOUBLED = "t.n > 1 and trim(t.key) <> ''"


def no_duplicates(evidence: Recorded, *, source: str = "keys", op: str = "", before: str = "") -> CheckResult:
    """`source` of the final state lists the keys that are there. Without one of ours among them it proves nothing.
    `before` names what listed them before anything was broken: what was there as often then is left from before.
    What is blank is no key.
    """
    report = Reporter("no key is there twice")
    rows = selected(evidence, op)
    try:
        there = present(evidence, source)
    except Missing as missing:
        return report.unknown(str(missing))
    doubled, more = keys(rows, f"select key from {there} t where {_DOUBLED}", order="key")
    if doubled and before:
        try:
            earlier = present(evidence, before)
        except Missing as missing:
            told = f"{len(doubled) + more} keys are there more than once; since when is not known"
            return report.unknown(f"{told}: {missing}")
        risen = "t.n > coalesce(b.n, 0)"
        of = f"select t.key from {there} t left join {earlier} b using (key) where {_DOUBLED} and {risen}"
        doubled, more = keys(rows, of, order="key")
    entries, different = rows.one(f"select coalesce(sum(n), 0), count(*) from {there}")
    actual = f"{entries} entries, {different} different keys"
    if doubled:
        return report.broke(f"{len(doubled) + more} keys are there more than once", actual, doubled, more)
    why = vacuity(rows)
    if not why and not rows.ask(f"select 1 from requests semi join {there} using (key) limit 1"):
        why = "none of the keys that were sent is there: nothing could have been doubled"
    return report.unknown(why, actual) if why else report.held(actual)

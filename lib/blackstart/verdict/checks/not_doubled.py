"""No key is there twice, and some were sent again, so that they could have been."""

from typing import Literal

from blackstart.model.verdict import Verdict
from blackstart.verdict.checks.no_duplicates import no_duplicates
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.retry_not_doubled import retry_not_doubled
from blackstart.verdict.checks.state import present, selected


def not_doubled(
    evidence: Recorded, *, source: str = "keys", op: str = "", again: Literal["later", "in_force", "at_once"] = "later"
) -> CheckResult:
    """`source` of the final state lists the keys that are there; whoever doubled one, it broke. It holds where a
    request that was there was sent again too, as `retry_not_doubled` tells it.

    `again` says which repetition must have been there: one that came `later`; `in_force`, of a request that was under
    way while the fault was in force, too; or, `at_once`, two of one key, however they overlapped, that both were
    acknowledged.
    """
    there = no_duplicates(evidence, source=source, op=op)
    if there.verdict != Verdict.HELD:
        return there
    if again != "at_once":
        later = retry_not_doubled(evidence, source=source, op=op)
        if again == "later" or later.verdict != Verdict.HELD:
            return later
    params: tuple[float, ...] = ()
    how = "count(*) filter (outcome = 'ok') > 1"
    why = "no key that is there was acknowledged twice"
    if again == "in_force":
        from_s, over_s = evidence.in_force
        how = "min(start_s) filter (start_s < ? and end_s >= ?) < max(start_s)"
        params = (over_s, from_s)
        why = "no request that is there was under way while the fault was in force, and sent again"
    found = f"select key from requests semi join {present(evidence, source)} using (key) where sent"
    (count,) = selected(evidence, op).one(f"select count(*) from ({found} group by key having {how})", *params)
    report = Reporter(there.expected)
    if not count:
        return report.unknown(f"{why}: nothing could have been doubled", there.actual)
    return report.held(f"{there.actual}, {count} of them sent again")

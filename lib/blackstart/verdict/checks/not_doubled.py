"""No key is there twice, and some were sent again, so that they could have been."""

from blackstart.model.verdict import Verdict
from blackstart.verdict.checks.no_duplicates import no_duplicates
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.checks.retry_not_doubled import retry_not_doubled


def not_doubled(evidence: Recorded, *, source: str = "keys", op: str = "") -> CheckResult:
    """`source` of the final state lists the keys that are there; whoever doubled one, it broke. It holds where a
    request that was there was sent again too, as `retry_not_doubled` tells it."""
    there = no_duplicates(evidence, source=source, op=op)
    return there if there.verdict != Verdict.HELD else retry_not_doubled(evidence, source=source, op=op)

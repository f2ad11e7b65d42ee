"""What a criterion is measured by is not known: the target does not say it of itself, and nothing is made up for it."""

from collections.abc import Sequence

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter


def undeclared_fact(evidence: Recorded, *, facts: Sequence[str], expected: str) -> CheckResult:
    """Always inconclusive. `facts` are the keys to be written under [facts] of the target, with what each means."""
    missing = f"not observed: the target does not say {' and '.join(facts)}; write it under [facts] of the target file"
    return Reporter(expected).unknown(missing, "not observed")

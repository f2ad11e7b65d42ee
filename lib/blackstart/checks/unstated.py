"""What a criterion is measured by is not known: the target does not say it of itself, and nothing is made up for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blackstart.checks.result import CheckResult, Reporter
from blackstart.history import History


def unstated(history: History, final: Mapping[str, Any], *, facts: Sequence[str], expected: str) -> CheckResult:
    """Always inconclusive. `facts` are the keys to be written under [facts] of the target, with what each means."""
    missing = f"not observed: the target does not say {' and '.join(facts)}; write it under [facts] of the target file"
    return Reporter("unstated", expected).unknown(missing, "not observed")

"""The fault was felt: some request that was due during it was not served as usual. Otherwise nothing was tested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blackstart.checks.result import CheckResult, Reporter
from blackstart.checks.state import Missing, selected
from blackstart.history import History


def affected(
    history: History, final: Mapping[str, Any], *, op: str = "", phase: str = "fault", slow_ms: float = 1000.0
) -> CheckResult:
    """Affected is a request that was not acknowledged, or took longer than `slow_ms`, not counting what the load itself
    was late. None of them: inconclusive."""
    report = Reporter("affected", f"requests due during the {phase} phase were affected by it")
    try:
        rows = [row for row in selected(history, final, op, phase).rows if row.sent]
    except Missing as missing:
        return report.unknown(str(missing))
    if not rows:
        nothing = f"no request was sent in the {phase} phase"
        return report.unknown(
            f"{nothing}: does the target say how one is made, as in [orders] route or command?", nothing
        )
    hit = [row for row in rows if row.outcome != "ok" or row.answer_ms > slow_ms]
    actual = f"{len(hit)} of {len(rows)} requests due during the {phase} phase were affected"
    return report.held(actual) if hit else report.unknown(f"{actual}: the load did not feel the fault", actual)

"""Every acknowledged request is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blackstart.checks.result import CheckResult, Reporter
from blackstart.checks.state import Missing, keys_in, selected, vacuity
from blackstart.history import History


def no_lost_write(
    history: History, final: Mapping[str, Any], *, source: str = "keys", op: str = "", phase: str = ""
) -> CheckResult:
    """`final[source]` lists the keys that are there, repeats allowed."""
    report = Reporter("no_lost_write", "every acknowledged request is there")
    try:
        rows = selected(history, final, op, phase)
        present = keys_in(final, source)
    except Missing as missing:
        return report.unknown(str(missing))
    acknowledged = [key for key, fate in rows.fates().items() if fate == "ok"]
    lost = [key for key in acknowledged if not present[key]]
    actual = f"{len(acknowledged) - len(lost)} of {len(acknowledged)} are there"
    if lost:
        return report.broke(f"{len(lost)} acknowledged requests are not there", actual, lost)
    why = vacuity(rows)
    return report.unknown(why, actual) if why else report.held(actual)

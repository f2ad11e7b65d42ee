"""No more answers of a kind in any window than allowed: a rate limit that holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from blackstart.checks.result import CheckResult, Reporter
from blackstart.checks.state import selected, vacuity
from blackstart.history import History


def per_window(
    history: History,
    final: Mapping[str, Any],
    *,
    status: int,
    most: int,
    window_s: float,
    op: str = "",
    detail: str = "",
) -> CheckResult:
    """Of the answers with this status, and with this detail where one is named (those that were counted at all).

    A request may be counted in the window of its sending or of its answer, so two neighbouring windows together may
    hold twice the limit at most; more than that breaks it. Never near the limit: nothing was tested."""
    report = Reporter("per_window", f"at most {most} × {status} in each window of {window_s:g} s")
    rows = selected(history, final, op)
    chosen = [row for row in rows.rows if row.status == status and row.start_s is not None]
    answered = [row for row in chosen if detail in ("", row.detail)]
    windows = Counter(int((row.start_s or 0.0) / window_s) for row in answered)
    pairs = {at: windows[at] + windows[at + 1] for at in windows}
    highest = max(windows.values(), default=0)
    actual = f"{len(answered)} × {status} in {len(windows)} windows, {highest} in one at most"
    over = [at for at, count in pairs.items() if count > 2 * most]
    if over or highest > 2 * most:
        return report.broke(f"more than {most} in a window: {actual}", actual)
    limited = sum(row.status == 429 for row in rows.rows)
    why = vacuity(rows, ok_needed=False, keys_needed=False)
    if not why and not limited:
        why = f"nobody was limited: {actual}"
    return report.unknown(why, actual) if why else report.held(f"{actual}, {limited} were limited")

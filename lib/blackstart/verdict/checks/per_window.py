"""No more answers of a kind in any window than allowed: a rate limit that holds."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from math import floor

from blackstart.evidence.history import History
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import selected, vacuity

# The other side's windows begin at moments of its own clock, which are looked for in steps of this part of a window.
_STEPS = 100


def per_window(
    evidence: Recorded,
    *,
    most: int,
    window_s: float,
    status: int | None = None,
    op: str = "",
    detail: str = "",
    sliding: bool = False,
    limited_code: str = "",
) -> CheckResult:
    """Of the answers with this status (without one: of those that were acknowledged), and with this detail where one is
    named (those that were counted at all). A `sliding` window is any stretch of that length; others follow each other.

    When the windows begin is not known, nor at what moment between its sending and its answer a request was counted.
    It broke where, wherever they begin, the requests can't be shared out among the windows that they lay in without
    one holding more than `most`: a limiter that keeps its limit is never blamed. Limited is what was answered 429, or
    another 4xx with the `limited_code` as its detail. Where no more than `most` were sent in
    a window, nobody was limited, or answers came too late to tell their window (sliding), nothing was tested.
    """
    counted = str(status or "accepted")
    report = Reporter(f"at most {most} × {counted} in {'any' if sliding else 'each'} window of {window_s:g} s")
    rows = selected(evidence, op)
    answered = rows.ask(
        "select start_s / ?, end_s / ? from requests where sent and ? in ('', detail) "
        "and case when ?::integer is null then outcome = 'ok' else status = ? end order by start_s",
        window_s, window_s, detail, status, status,
    )  # fmt: skip
    windows = max((end for _, end in answered), default=0.0) - min((start for start, _ in answered), default=0.0)
    actual = f"{len(answered)} × {counted} in {windows:.1f} windows"
    surely = _most_within(answered) if sliding else most
    if surely > most:
        return report.broke(f"{surely} × {counted} within one window: {actual}", actual)
    if not any(_fit(answered, step / _STEPS, most) for step in range(_STEPS)):
        return report.broke(f"more than {most} in a window: {actual}", actual)
    (limited,) = rows.one(
        "select count(*) filter (status = 429 or (? <> '' and detail = ? and status between 400 and 499)) "
        "from requests",
        limited_code, limited_code,
    )  # fmt: skip
    why = vacuity(rows, ok_needed=False, keys_needed=False)
    if not why and not answered:
        why = f"no answer {counted}{f' said {detail}' if detail else ''}: nobody was counted"
    if not why and (sent := _most_sent(rows, window_s)) <= most:
        why = f"at most {sent} were sent in a window, and {most} may be let through: {most + 1 - sent} too few to tell"
    if not why and not limited:
        why = f"nobody was limited: {actual}"
    if not why and surely < min(most, len(answered)):
        why = f"only {surely} were answered soon enough to be certainly counted within one window: more could hide"
    return report.unknown(why, actual) if why else report.held(f"{actual}, {limited} were limited")


def _most_sent(rows: History, window_s: float) -> int:
    """The most requests that were sent in any window, wherever it begins."""
    starts = [start_s for (start_s,) in rows.ask("select start_s from requests where sent order by start_s")]
    return max((i + 1 - bisect_right(starts, at_s - window_s) for i, at_s in enumerate(starts)), default=0)


def _most_within(answered: Sequence[tuple[float, ...]]) -> int:
    """The most that were certainly counted within less than one window: sent and answered within it."""
    return max((sum(start >= first and end < first + 1 for start, end in answered) for first, _ in answered), default=0)


def _fit(answered: Iterable[tuple[float, ...]], shift: float, most: int) -> bool:
    """Whether they fit into windows that begin within one step from `shift`; all in windows, the longest waiting first.

    Earliest deadline first finds a way to share them out wherever there is one.
    """
    ranges = sorted((floor(start - shift - 1 / _STEPS), floor(end - shift)) for start, end in answered)
    open_until: list[int] = []
    window = position = 0
    while position < len(ranges) or open_until:
        if not open_until:
            window = ranges[position][0]
        while position < len(ranges) and ranges[position][0] <= window:
            heappush(open_until, ranges[position][1])
            position += 1
        for _ in range(min(most, len(open_until))):
            if heappop(open_until) < window:
                return False
        window += 1
    return True

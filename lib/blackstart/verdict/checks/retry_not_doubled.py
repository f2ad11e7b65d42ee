"""A request that was sent again is there once at most, and is answered as one that is known."""

from math import inf

from blackstart.evidence.history import History
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys, present, selected, vacuity


def retry_not_doubled(evidence: Recorded, *, source: str = "keys", op: str = "", accepts: str = "") -> CheckResult:
    """`source` of the final state lists the keys that are there. `accepts` is the detail of the answer that accepts a
    new request: of one that was sent after another of its key had it, neither it again nor a 4xx is right. That it
    comes again says nothing where the fault and the recovery, or our own lateness, lie between: the note of the key may
    have been lost. An answer without a detail (of k6) can't be told to be it.

    Only a request that had been acknowledged when it was sent again, and was answered again, met one that was there for
    certain. After a clean refusal the second attempt is the first: without one that met another, nothing was tested.
    """
    report = Reporter("what was sent again is there at most once")
    rows = selected(evidence, op)
    try:
        there = present(evidence, source)
    except Missing as missing:
        return report.unknown(str(missing))
    again, found = rows.one(
        f"select count(*), count(p.n) from {rows.fates} left join {there} p using (key) where sent > 1"
    )
    doubled, more = keys(
        rows, f"select key, f.first from {rows.fates} f join {there} p using (key) where sent > 1 and p.n > 1"
    )
    twice = len(doubled) + more
    # One of them was sent after another had been acknowledged, and was acknowledged too.
    (met,) = rows.one(
        "select count(*) from (select key from requests semi join "
        f"(select key from {rows.fates} semi join {there} using (key) where sent > 1) using (key) "
        "where outcome = 'ok' group by key having max(start_s) >= min(end_s))"
    )
    actual = f"{again} sent again, {found} of them there, {met} when they were, {twice} doubled"
    denied, anew = _answered_wrong(evidence, rows, accepts) if accepts else ([], [])
    if doubled:
        message = f"{twice} of {again} requests that were sent again are doubled"
        return report.broke(message, actual, doubled, more)
    if denied or anew:
        wrong = [f"{len(denied)} answers deny what was accepted" if denied else "",
                 f"{len(anew)} answers accept anew what was accepted" if anew else ""]  # fmt: skip
        return report.broke("; ".join(filter(None, wrong)), actual, [*denied, *anew])
    why = vacuity(rows, ok_needed=False)
    if not why and not again:
        why = "no request was sent again: nothing could have been doubled"
    if not why and not found:
        why = "no request that was sent again is there: nothing could have been doubled"
    if not why and not met:
        why = "no request was sent again after it had been acknowledged: nothing could have been doubled"
    return report.unknown(why, actual) if why else report.held(actual)


def _answered_wrong(evidence: Recorded, rows: History, accepts: str) -> tuple[list[str], list[str]]:
    """Of requests that were sent after one of their key was acknowledged: the keys of those that were told a 4xx (but
    for one about who asks, and when, which tells nothing of the request), and of those that were accepted again."""
    # Of two at once each may be accepted: which came first is nobody's word.
    found = rows.ask(
        "select key, r.n, r.outcome = 'fail', max(f.end_s), r.end_s from requests f join requests r using (key) "
        "where key <> '' and f.outcome = 'ok' and r.start_s >= f.end_s and ("
        "(r.outcome = 'fail' and r.status between 400 and 499 and r.status not in (401, 403, 408, 423, 425, 429)) "
        "or (r.outcome = 'ok' and r.detail = ? and f.detail = ?)) group by all order by r.n",
        accepts, accepts,
    )  # fmt: skip
    # Until it was seen to have recovered: its connections may be those of before.
    struck_s, over_s = evidence.struck_s, evidence.began_s("settle") or inf

    def shaken(from_s: float, to_s: float) -> bool:
        faulty = struck_s is not None and from_s <= over_s and struck_s <= to_s
        return faulty or evidence.lateness.slows(from_s, to_s)

    denied = [key for key, _, rejected, *_ in found if rejected]
    return denied, [key for key, _, rejected, *times in found if not rejected and not shaken(*times)]

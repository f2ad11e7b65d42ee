"""A key that comes again with other parameters is told so, and nothing comes of it."""

from collections.abc import Sequence
from http import HTTPStatus

from blackstart.evidence.history import Row
from blackstart.verdict.checks.recorded import UNAVAILABLE, Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import (
    Missing,
    number_in,
    other_results,
    present,
    selected,
    unnamed_results,
    vacuity,
)


def conflict_told(
    evidence: Recorded,
    *,
    code: str,
    first: str,
    other: str,
    again: str,
    source: str = "",
    entries: str = "",
    ids: str = "",
) -> CheckResult:
    """`first`, `other` and `again` are the operations of a `loads.Sequence`: the second with other parameters, the
    third as the first. `source` of the final state lists the key of each entry, `ids` the id and the key, where it is
    named; `entries` names how many there are of the run's keys. Only where the first was acknowledged, and was there,
    could there be a conflict; that the third has the first one's result, only answers with a detail show. A 429 tells
    nothing of the parameters, and what our own lateness may have made nothing of the system: inconclusive.
    """
    report = Reporter(f"{code}, and nothing made, when parameters differ")
    why = vacuity(evidence.history)
    if why:
        return report.unknown(why)
    one, two, three = (next(iter(selected(evidence, op).rows), None) for op in (first, other, again))
    if one is None or one.outcome != "ok":
        return report.unknown(f"the first request was not acknowledged ({_told(one)}): there was nothing to conflict")
    actual = f"first {_told(one)}, other {_told(two)}, again {_told(three)}"
    for row, what in ((two, "with other parameters"), (three, "with the first parameters again")):
        if row is None or row.status is None:
            return report.unknown(f"the request {what} had no answer ({_told(row)})", actual)
    assert two is not None and three is not None
    rows = evidence.history.where("op in (?, ?) and outcome <> 'ok'", other, again)
    ours = evidence.disturbed_ones(rows, f"op in (?, ?, ?) and {UNAVAILABLE}", first, other, again)
    spoilt = ""
    if two.outcome != "fail" or two.detail != code:
        spoilt = _says_nothing(two, ours)
        if not spoilt:
            return report.broke(f"other parameters under a used key were answered {_told(two)}", actual, (two.key,))
    unnamed = sum(not row.detail for row in (one, three))
    if three.outcome != "ok" or (not unnamed and three.detail != one.detail):
        spoilt = _says_nothing(three, ours)
        if not spoilt:
            told = f"after the conflict the first request's answer is {_told(three)}"
            return report.broke(told, actual, (three.key,))
    try:
        there = present(evidence, source)
        total, named = number_in(evidence, entries), other_results(evidence, evidence.history, ids)
    except Missing as missing:
        return report.unknown(str(missing), actual)
    (count,) = evidence.history.one(f"select coalesce(sum(n), 0) from {there} where key = ?", one.key)
    if count != 1 or total != 1:
        return report.broke(
            f"{count} entries for the key, {total:g} in all, where the first made one", actual, (one.key,)
        )
    why = spoilt or (unnamed_results(unnamed) if unnamed else named.doubt)
    return report.unknown(why, actual) if why else report.held(actual)


def _says_nothing(row: Row, ours: Sequence[Row]) -> str:
    """Why this answer says nothing of the conflict; "" where it does."""
    if row.status == HTTPStatus.TOO_MANY_REQUESTS:
        return f"a request was answered {_told(row)}, which says nothing of its parameters"
    return f"a request was answered {_told(row)} while we were late ourselves" if row in ours else ""


def _told(row: Row | None) -> str:
    if row is None:
        return "never sent"
    return " ".join(filter(None, (str(row.status or "no answer"), row.detail)))

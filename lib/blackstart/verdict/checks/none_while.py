"""No request is answered in a way that can't be while something else is so: counted, while the breaker is open."""

from bisect import bisect_left

from blackstart.evidence.history import History
from blackstart.model.reading import Reading, Scalar
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import answered, keys, selected, vacuity
from blackstart.verdict.checks.steady_while import spans_of, stretches_of


def none_while(
    evidence: Recorded,
    *,
    flag: str,
    value: Scalar,
    detail: str,
    op: str = "",
    slack_s: float = 0.25,
    trials: bool = True,
) -> CheckResult:
    """No acknowledged request with this `detail` was sent and answered while the probe `flag` certainly read `value`.

    `slack_s` after it was first seen belongs to what was under way. With `trials` some may be let through all the same,
    unseen between two readings, as by a breaker that is half open for a moment: then those between two readings alone
    say nothing, and only such as came before and after one reading break it. Without a `detail`, or without a request
    sent and answered in that time, nothing was seen.
    """
    report = Reporter(f"no answer {detail or 'of that kind'} while {flag} is {value}")
    if not detail:
        return report.unknown("the target does not name the word for it")
    readings = evidence.readings(flag)
    spans = spans_of(readings, value)
    rows = selected(evidence, op)
    inside = rows.where(
        "exists (select 1 from (select unnest(?::double[]) as from_s, unnest(?::double[]) as to_s) "
        "where from_s <= start_s and end_s <= to_s)",
        [from_s + slack_s for from_s, _ in spans], [to_s for _, to_s in spans],
    )  # fmt: skip
    hit = "outcome = 'ok' and detail = ?"
    count, hits = inside.one(
        f"select count(*) filter ({answered(evidence)}), count(*) filter ({hit}) from requests", detail
    )
    actual = f"{count} requests in that time, {hits} of them {detail}"
    if hits and trials and not _around_one(inside.where(hit, detail), stretches_of(readings, value)):
        return report.unknown(f"{actual}, which may have been trials: none before and after one reading", actual)
    if hits:
        named = f"select key, n from requests where {hit} and key <> ''"
        return report.broke(actual, actual, *keys(inside, named, detail, order="n"))
    why = vacuity(rows, ok_needed=False, keys_needed=False)
    if not why and not count:
        why = f"no request was sent and answered while {flag} was {value}"
    return report.unknown(why) if why else report.held(actual)


def _around_one(hits: History, stretches: list[list[Reading]]) -> bool:
    """Whether one of them ended between a reading and the one before it, and another one began before the next."""
    began_s, ended_s = ([at_s for (at_s,) in hits.ask(f"select {one} from requests order by {one}")] for one in _ENDS)
    return any(
        _any_in(ended_s, before.sent_s, reading.sent_s) and _any_in(began_s, reading.answered_s, after.answered_s)
        for inside in stretches
        for before, reading, after in zip(inside, inside[1:], inside[2:], strict=False)
    )


_ENDS = ("start_s", "end_s")


def _any_in(times_s: list[float], from_s: float, to_s: float) -> bool:
    place = bisect_left(times_s, from_s)
    return place < len(times_s) and times_s[place] <= to_s

"""No id was given to two orders, and no order has two ids."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys, owned, present, selected, vacuity


def unique_ids(evidence: Recorded, *, source: str = "ids", op: str = "") -> CheckResult:
    """`source` of the final state lists what is there as `id key`, with a space between.

    Fewer than two of the keys that were sent could not have got the same id: inconclusive.
    """
    report = Reporter("each id once, one id for each key")
    rows = selected(evidence, op)
    try:
        there = present(evidence, source)
    except Missing as missing:
        return report.unknown(str(missing))
    # Without a space it is an id or a key, nobody knows which.
    listed = owned(f"(select * from {there} where strpos(key, ' ') > 0)")
    (alone,) = rows.one(f"select coalesce(sum(n), 0) from {there} where strpos(key, ' ') = 0")
    entries, ids, owners, without = rows.one(
        "select coalesce(sum(n), 0), count(distinct id), count(distinct owner), "
        f"coalesce(sum(n) filter (id = '' or owner = ''), 0) from {listed}"
    )
    actual = f"{entries} entries, {ids} different ids, {owners} different keys"
    twice, more = keys(rows, f"select id as key from {listed} group by id having sum(n) > 1", order="key")
    several, others = keys(
        rows, f"select owner as key from {listed} group by owner having count(distinct id) > 1", order="key"
    )
    faults = [
        f"{len(twice) + more} ids are there more than once" if twice else "",
        f"{len(several) + others} keys have more than one id" if several else "",
        f"{without} entries have no id" if without else "",
    ]
    if any(faults):
        return report.broke("; ".join(filter(None, faults)), actual, [*twice, *several], more + others)
    why = vacuity(rows)
    if not why and alone:
        why = f"{alone} entries of {source} are no id and key with a space between"
    (ours,) = rows.one(f"select count(*) from {rows.fates} semi join {listed} l on l.owner = key")
    if not why and ours < 2:
        why = f"{ours} of the keys that were sent are there: no two could have got the same id"
    return report.unknown(why, actual) if why else report.held(actual)

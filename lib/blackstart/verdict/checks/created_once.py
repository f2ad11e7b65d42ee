"""However often one key was sent, it made one thing: one entry in the final state, and one result in all answers."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import (
    Missing,
    keys,
    other_results,
    present,
    selected,
    unnamed_results,
    unrecorded,
    vacuity,
)


def created_once(
    evidence: Recorded, *, source: str = "keys", ids: str = "", op: str = "", key_prefix: str = ""
) -> CheckResult:
    """`source` of the final state lists the key of each entry, `ids` the id and the key of each, where it is named; an
    answer's detail names its result, and is then to be that id.

    Keys of ours (`key_prefix`) that no operation sent count too: they were made by the same requests; but accuse nobody
    where a request may have left no row, as any of a k6 (see `exactly_once`). Where no key was acknowledged twice,
    nothing could have been made twice, and an answer without a detail names nothing: inconclusive.
    """
    report = Reporter("exactly one entry, and one result, for each acknowledged key")
    rows = selected(evidence, op)
    try:
        there, others_named = present(evidence, source), other_results(evidence, rows, ids)
    except Missing as missing:
        return report.unknown(str(missing))
    of_each = (
        "select key, count(*) filter (outcome = 'ok') as oks, "
        "count(distinct detail) filter (outcome = 'ok' and detail <> '') as results, "
        "count(*) filter (outcome = 'ok' and detail = '') as unnamed "
        "from requests where sent and key <> '' group by key"
    )
    joined = (
        f"select r.key, oks, results, unnamed, coalesce(t.n, 0) as n from ({of_each}) r left join {there} t using (key)"
    )
    acknowledged, entries, again, unnamed = rows.one(
        "select count(*) filter (oks > 0), coalesce(sum(n), 0), count(*) filter (oks > 1), coalesce(sum(unnamed), 0) "
        f"from ({joined})"
    )
    (others,) = rows.one(
        f"select coalesce(sum(n), 0) from {there} t where ? <> '' and starts_with(key, ?) "
        f"and not exists (select 1 from {evidence.history.fates} f where f.key = t.key)", key_prefix, key_prefix,
    )  # fmt: skip
    actual = f"{entries + others} entries for {acknowledged} acknowledged keys"
    faults = {
        "more than one entry for a key": f"select key, 0 as first from ({joined}) where n > 1",
        "acknowledged, and no entry": f"select key, 0 as first from ({joined}) where oks > 0 and n = 0",
        "answers to one key name several results": f"select key, 0 as first from ({joined}) where results > 1",
    }
    found = {what: named for what, sql in faults.items() if (named := keys(rows, sql, order="key"))[0]}
    if found:
        offenders = [key for named, _ in found.values() for key in named]
        return report.broke("; ".join(found), actual, offenders, sum(more for _, more in found.values()))
    no_row = vacuity(rows) if rows.unreadable else unrecorded(evidence)
    if evidence.load.get("dropped_iterations") is not None:
        no_row = "k6 forgets what is under way when it is stopped, and may send what it gives no key"
    if others and no_row:
        return report.unknown(f"{others} entries are there of which the history knows nothing: {no_row}", actual)
    if others:
        return report.broke(f"{others} entries under keys that nobody sent", actual)
    if others_named.keys and not others_named.doubt:
        return report.broke("answers name what is not recorded under their key", actual, others_named.keys,
                            others_named.more)  # fmt: skip
    why = vacuity(rows) or others_named.doubt
    if not why and unnamed:
        why = unnamed_results(unnamed)
    if not why and not again:
        why = "no key was acknowledged twice: nothing could have been made twice"
    return report.unknown(why, actual) if why else report.held(actual)

"""The load was accepted when the fault came: what nobody takes any more can neither be lost nor fail over."""

from collections import Counter
from collections.abc import Mapping, Sequence

from blackstart.evidence.history import Row
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, selected


def went_on(
    evidence: Recorded,
    *,
    idle: Mapping[str, str],
    op: str = "",
    last_s: float = 3.0,
    meanwhile: bool = False,
    least_share: float = 0.5,
) -> CheckResult:
    """Of what was due in the last `last_s` seconds before the fault at least `least_share` was acknowledged; with
    `meanwhile`, of what was due during the fault as much was not turned away.

    `idle` are the statuses by which the system turns a request away as it may, and what they mean (409: sold out). It
    says what the load met, and accuses nobody: held or inconclusive.
    """
    report = Reporter(f"{least_share:.0%} of the load is accepted before the fault{', and meanwhile' * meanwhile}")
    try:
        baseline = selected(evidence, op, "baseline").rows
        fault = selected(evidence, op, "fault").rows if "fault" in evidence.phases or meanwhile else ()
    except Missing as missing:
        return report.unknown(str(missing))
    struck_s = evidence.struck_s or evidence.phases["baseline"][1]
    before = tuple(row for row in (*baseline, *fault) if struck_s - last_s <= row.intended_s < struck_s)
    during = tuple(row for row in fault if row.intended_s >= struck_s)
    looked = [(f"in the last {last_s:g} s before the fault", before, lambda row: row.outcome == "ok")]
    if meanwhile:
        looked.append(("during the fault", during, lambda row: str(row.status) not in idle))
    told = []
    for when, rows, counts in looked:
        sent = [row for row in rows if row.sent]
        took, seen = sum(map(counts, sent)), _listed(sent, idle)
        if not sent:
            return report.unknown(f"no request was sent {when}: nothing was at stake")
        if took < least_share * len(sent):
            why = f"the load was turned away {when}: {seen}"
            return report.unknown(f"{why}; too little was at stake", f"{took} of {len(sent)} {when}")
        told.append(f"{when} {seen}")
    return report.held("; ".join(told))


def _listed(rows: Sequence[Row], idle: Mapping[str, str]) -> str:
    seen = Counter("accepted" if row.outcome == "ok" else _what(row, idle) for row in rows)
    return ", ".join(f"{count} × {what}" for what, count in seen.most_common())


def _what(row: Row, idle: Mapping[str, str]) -> str:
    return " ".join(filter(None, (str(row.status or "no answer"), idle.get(str(row.status), row.detail))))

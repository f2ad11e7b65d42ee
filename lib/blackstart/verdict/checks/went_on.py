"""The load was accepted when the fault came: what nobody takes any more can neither be lost nor fail over."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from blackstart.evidence.history import History
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter

_ANSWERED = "select outcome = 'ok', status, detail, count(*) from requests group by all"


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
    if "baseline" not in evidence.phases or (meanwhile and "fault" not in evidence.phases):
        return report.unknown(f"the run did not get to the end of the {'fault' if meanwhile else 'baseline'}")
    from_s, struck_s = evidence.phases["baseline"]
    struck_s = evidence.struck_s or struck_s
    requests = evidence.history.of(op)
    before = requests.due(max(from_s, struck_s - last_s), struck_s)
    looked: list[tuple[str, History, Callable[[bool, object], bool]]]
    looked = [(f"in the last {last_s:g} s before the fault", before, lambda ok, status: ok)]
    if meanwhile:
        during = requests.due(struck_s, evidence.phases["fault"][1])
        looked.append(("during the fault", during, lambda ok, status: str(status) not in idle))
    told = []
    for when, rows, counts in looked:
        answered = rows.where("start_s is not null").ask(_ANSWERED)
        sent = sum(count for *_, count in answered)
        took, seen = sum(count for ok, status, _, count in answered if counts(ok, status)), _listed(answered, idle)
        if not sent:
            return report.unknown(f"no request was sent {when}: nothing was at stake")
        if took < least_share * sent:
            why = f"the load was turned away {when}: {seen}"
            return report.unknown(f"{why}; too little was at stake", f"{took} of {sent} {when}")
        told.append(f"{when} {seen}")
    return report.held("; ".join(told))


def _listed(answered: Iterable[tuple[Any, ...]], idle: Mapping[str, str]) -> str:
    seen: Counter[str] = Counter()
    for ok, status, detail, count in answered:
        turned = " ".join(filter(None, (str(status or "no answer"), idle.get(str(status), detail))))
        seen["accepted" if ok else turned] += count
    return ", ".join(f"{count} × {what}" for what, count in seen.most_common())

"""The target itself was hit by the fault: what is broken beside a system says nothing of it, whatever it then does.

A fault's own proof (`bites`) is measured where the fault is: on the way to a service. That the target goes that way is
seen by what the fault does to it, for better or worse: requests that fail, hang, or are answered in another way than
before, and what the target says of itself.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from blackstart.base.percentiles import percentiles_sql
from blackstart.evidence.history import History
from blackstart.model.reading import Reading, Scalar
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, selected

LEAST_SHARE = 0.1
_TIMES_BEFORE = 2
_SLOW_TIMES, _SLOW_PLUS_MS = 2, 50.0
_SLOW_UNKNOWN_MS = 1000.0


def fault_observed(
    evidence: Recorded,
    *,
    op: str = "",
    usual: str = "",
    healthy: Mapping[str, Scalar] | None = None,
    least_share: float = LEAST_SHARE,
    slow_ms: float | None = None,
    phase: str = "fault",
) -> CheckResult:
    """Of the requests due during the fault, or of the readings of one of the probes of `healthy`, at least
    `least_share`, and twice the share before the fault, must be others than usual. Otherwise, and where there were none
    before: inconclusive.

    A request is another one that was not acknowledged, whose detail is not `usual` (where it has one), or that took
    much longer than 95 % did before (what the load itself was late does not count). A reading is another one whose
    value is not the one that `healthy` names. With `slow_ms` nothing is compared with before: one request due in
    `phase` that was not acknowledged, or took longer, is enough.
    """
    if slow_ms is not None:
        return _any_request(evidence, op, phase, slow_ms)
    report = Reporter(f"at least {least_share:.0%} of requests or readings changed by the fault")
    if "fault" not in evidence.phases:
        begun = evidence.began_s("fault") is not None
        return report.unknown("the run ended in the midst of the fault" if begun else "the fault was never injected")
    parts = []
    for what, before, during in (_requests(evidence, op, usual), *_readings(evidence, healthy or {})):
        usually = before.share
        seen = f"{during.changed} of {during.of} {what} changed during the fault ({usually:.0%} before)"
        if before.of and during.of and during.share >= max(least_share, _TIMES_BEFORE * usually):
            return report.held(seen)
        lacking = "during the fault" if not during.of else "" if before.of else "before the fault"
        parts.append(f"no {what} {lacking}" if lacking else seen)
    actual = "; ".join(parts)
    return report.unknown(
        f"{actual}: the target did not feel the fault, or does not show it. Does it go past the proxy that the target "
        "file names?",
        actual,
    )


def _any_request(evidence: Recorded, op: str, phase: str, slow_ms: float) -> CheckResult:
    report = Reporter(f"requests due during the {phase} phase were affected by it")
    try:
        rows = _sent(evidence, op, phase)
    except Missing as missing:
        return report.unknown(str(missing))
    count, hit = rows.one("select count(*), count(*) filter (outcome <> 'ok' or answer_ms > ?) from requests", slow_ms)
    if not count:
        nothing = f"no request was sent in the {phase} phase"
        return report.unknown(
            f"{nothing}: does the target say how one is made, as in [orders] route or command?", nothing
        )
    actual = f"{hit} of {count} requests due during the {phase} phase were affected"
    return report.held(actual) if hit else report.unknown(f"{actual}: the load did not feel the fault", actual)


class _Seen(NamedTuple):
    """How many there were in a phase, and how many of them were others than usual."""

    of: int
    changed: int

    @property
    def share(self) -> float:
        return self.changed / self.of if self.of else 0.0


def _requests(evidence: Recorded, op: str, usual: str) -> tuple[str, _Seen, _Seen]:
    before, during = _sent(evidence, op, "baseline"), _sent(evidence, op, "fault")
    (took_ms,) = before.one(f"select {percentiles_sql('answer_ms', [95])} from requests where outcome = 'ok'")
    slow_ms = _SLOW_TIMES * took_ms[0] + _SLOW_PLUS_MS if took_ms else _SLOW_UNKNOWN_MS
    other = "outcome <> 'ok' or answer_ms > ? or (? <> '' and detail not in ('', ?))"
    counted = f"select count(*), count(*) filter ({other}) from requests"
    seen = [_Seen(*rows.one(counted, slow_ms, usual, usual)) for rows in (before, during)]
    return "requests", seen[0], seen[1]


def _sent(evidence: Recorded, op: str, phase: str) -> History:
    return selected(evidence, op, phase).where("start_s is not null")


def _readings(evidence: Recorded, healthy: Mapping[str, Scalar]) -> list[tuple[str, _Seen, _Seen]]:
    def others(readings: Sequence[Reading], phase: str, value: Scalar) -> _Seen:
        from_s, to_s = evidence.phases.get(phase, (0.0, 0.0))
        inside = [r for r in readings if r.kind == "value" and from_s <= r.sent_s < to_s]
        return _Seen(len(inside), sum(r.value != value for r in inside))

    found = []
    for probe, value in healthy.items():
        readings = evidence.readings(probe)
        found.append((f"readings of {probe}", others(readings, "baseline", value), others(readings, "fault", value)))
    return found

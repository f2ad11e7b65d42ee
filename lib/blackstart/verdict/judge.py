"""From the record of a run to its verdict. Pure: the same journal and history always give the same verdict.

Events that the judge reads, as the engine writes them: `run` (the experiment as data), `plan` (the changes), `phase`
(name, `began`), `instant` (of a schedule: `side`, `changes`, `planned`, `began`), `load` (its `summary`), `read`
(readings), `do` and `gone` (per change; `ok` says whether it was proved), `final` (collected values), `refused`,
`interrupted`, `aborted`, `inconclusive`. Everything else is for people.
The precedence is that of docs/design.md: not restored, a bite that is unproved (or a fault whose own means failed, or a
premise that does not hold), a proved violation, missing data (or a fault that was over before its undo), held.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from blackstart.base.codec import from_data
from blackstart.evidence.events import BEGUN, EventName
from blackstart.evidence.history import History
from blackstart.evidence.journal import Event, Record, readings_of
from blackstart.model import injector
from blackstart.model.change import Change, no_proof
from blackstart.model.expect import Expectation
from blackstart.model.experiment import Check, Experiment
from blackstart.model.finding import NOT_OBSERVED, Finding
from blackstart.model.reading import UNSEEN
from blackstart.model.verdict import Verdict
from blackstart.verdict import confounders, lateness, punctuality
from blackstart.verdict.confounders import Replayed
from blackstart.verdict.expectation_monitor import Monitor
from blackstart.verdict.monitors import Monitors, Timeline


@dataclass(frozen=True)
class Judgement:
    """The verdict, why, and what every expectation and check came to."""

    verdict: Verdict
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def left_out(self) -> tuple[str, ...]:
        """The criteria that the operator left out by choice, each with what it would have been told by."""
        return tuple(f"{one.name} (--without {one.left_out})" for one in self.findings if one.left_out)


def judge(
    record: Record, checked: Sequence[Finding] = (), mended: Collection[str] = (), history: History | None = None
) -> Judgement:
    """The verdict on a run. `checked` are the findings of its checks (see `checks`), `mended` the changes
    whose undo was proved by somebody else: the guardian of a run that was killed, or `chaos.heal`. `history` is what
    its load did, where that is known."""
    record = record.until_end()
    head = record.first(EventName.RUN)
    if head is None:
        return Judgement(Verdict.INCONCLUSIVE, ("the journal does not say what was run",), ())
    experiment: Experiment = from_data(head["experiment"])
    monitors, times = replay(record, experiment, record.changes(), history)
    run = Replayed(record, monitors, times, history)
    found = [*confounders.confounded(run, expectation_findings(monitors, times)), *checked]

    def follow(other: Record) -> list[Finding]:
        return expectation_findings(*replay(other, experiment, monitors.changes, history))

    findings = _left_out(experiment, lateness.excused(run, found, follow))
    verdict, reasons = precedence(run, findings, mended)
    return Judgement(verdict, reasons, tuple(findings))


def _left_out(experiment: Experiment, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, in which what the operator left out by choice is said to be so and is no criterion."""
    why = {criterion: name for name, criteria in experiment.left_out.items() for criterion in criteria}
    there = {finding.name for finding in findings}
    absent = [Finding(name, "check", Verdict.INCONCLUSIVE, "", "", NOT_OBSERVED) for name in why if name not in there]
    return [
        replace(
            one,
            status=Verdict.INCONCLUSIVE,
            message=f"left out by choice (--without {why[one.name]})",
            criterion=False,
            premise=False,
            left_out=why[one.name],
        )
        if one.name in why
        else one
        for one in (*findings, *absent)
    ]


def replay(
    record: Record, experiment: Experiment, changes: tuple[Change, ...], history: History | None = None
) -> tuple[Monitors, Timeline]:
    """The record told to fresh monitors."""
    monitors = Monitors(experiment, changes, history)
    times = Timeline(began_s=record.events[0]["at"], ended_s=record.events[-1]["at"])
    for event in record.events:
        name = event["event"]
        if name == EventName.READ:
            monitors.feed(readings_of(event), event["tick"])
            _anchors(monitors, times)
        elif name == EventName.PHASE:
            _enter(monitors, times, event)
        elif name == EventName.INSTANT:
            (monitors.begin if event["side"] == "begin" else monitors.end)(event["changes"], event["began"])
        elif name == EventName.UNDO and times.undid_s is None and _number(event) not in monitors.undone_s:
            # The phase could not be recorded, but what came after this is no longer the fault.
            times.undid_s = event["at"]
            monitors.recovery(event["at"])
    return monitors, times


def _number(event: Event) -> int:
    """Of a change, as its entry says it; -1 where it says none."""
    number = str(event.get("change", "")).rpartition("#")[2]
    return int(number) if number.isdecimal() else -1


def _enter(monitors: Monitors, times: Timeline, event: Event) -> None:
    at_s = event["began"]
    if event["phase"] == "baseline":
        monitors.open(at_s)
    elif event["phase"] == "fault":
        times.did_s = at_s
        monitors.fault(at_s)
    elif event["phase"] == "recovery" and times.undid_s is None:
        times.undid_s = at_s
        monitors.recovery(at_s)
    elif event["phase"] == "drain":
        monitors.drain(at_s)
    elif event["phase"] == "end":
        times.ended_s = at_s


def _anchors(monitors: Monitors, times: Timeline) -> None:
    if times.bit_s is None and times.undid_s is None:
        times.bit_s = monitors.prove("bites")
    if times.gone_s is None:
        times.gone_s = monitors.prove("gone")


def expectation_findings(monitors: Monitors, times: Timeline) -> list[Finding]:
    """What every expectation came to; expectations whose phase was never entered are inconclusive."""
    fault_end_s = times.undid_s or times.ended_s
    findings = [_baseline_finding(monitor) for monitor in monitors.baseline]
    for monitor in monitors.expected:
        findings.append(monitor.finish(fault_end_s if monitor.phase == "fault" else times.ended_s))
    started = {(monitor.phase, monitor.expectation.name) for monitor in monitors.expected}
    for phase, expectations in (
        ("fault", monitors.experiment.during),
        ("recovery", monitors.experiment.recovery),
        ("drain", monitors.experiment.drained),
        ("always", monitors.experiment.always),
    ):
        findings += [_never_begun(e, phase) for e in expectations if (phase, e.name) not in started]
    return findings


def _baseline_finding(monitor: Monitor) -> Finding:
    finding = monitor.finish(monitor.last.answered_s if monitor.last else monitor.opened_s)
    if finding.status == Verdict.HELD and not monitor.lost_again:
        return finding
    settled_otherwise = monitor.last is not None and monitor.last.kind not in UNSEEN and not monitor.holds_now
    status = Verdict.BROKE if settled_otherwise or monitor.lost_again else Verdict.INCONCLUSIVE
    return Finding(
        finding.name, "baseline", status, finding.message, finding.expected, finding.actual,
        criterion=finding.criterion, hint=monitor.expectation.hint,
    )  # fmt: skip


# What these say is about what we did to the system: alone they show nothing of it.
_OF_OUR_LOAD = ("rate_reached", "overlap", "fault_observed", "queue_grew", "queue_waited", "rose", "went_on")
_WINDOWS = {
    "fault": "fault",
    "recovery": "recovery",
    "drain": "drain",
    "always": "fault",
}  # `always` counts from the fault on


def _never_begun(expectation: Expectation, phase: str) -> Finding:
    message = f"the run ended before the {_WINDOWS[phase]} began"
    return Finding(
        expectation.name, phase, Verdict.INCONCLUSIVE, message, str(expectation.condition),
        "nothing was read", criterion=expectation.criterion,
    )  # fmt: skip


def precedence(
    run: Replayed, findings: Sequence[Finding], mended: Collection[str] = ()
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, the first of the design's order that applies, and the reasons for it."""
    record, monitors, times = run.record, run.monitors, run.times
    refusal = record.last(EventName.REFUSED)
    if refusal and times.did_s is None:
        return Verdict.REFUSED, (str(refusal["message"]),)
    latest = {event["change"]: event for event in record.of(*BEGUN, EventName.GONE)}
    broken = [event for event in latest.values() if not event.get("ok") and event["change"] not in mended]
    if broken:
        return Verdict.NOT_RESTORED, tuple(no_proof(one["what"], one.get("unproved", ())) for one in broken)
    lost = injector.reasons(monitors.changes, (str(event["message"]) for event in record.of(EventName.ABORTED)))
    if lost:
        return Verdict.INCONCLUSIVE, lost
    if monitors.experiment.faults and times.bit_s is None:
        return Verdict.INCONCLUSIVE, (*_ended_early(record), *_unbitten(record, monitors))
    unfelt = [f"{f.name}: {f.message}" for f in findings if f.premise and f.status != Verdict.HELD]
    if unfelt:
        return Verdict.INCONCLUSIVE, (*_ended_early(record), *unfelt, *_cut_off(record))
    broke = [f"{f.name}: {f.message}" for f in findings if f.status == Verdict.BROKE and f.phase != "baseline"]
    if broke:
        return Verdict.BROKE, tuple(broke)
    missing = [*confounders.fault_ended_early(run), *punctuality.late_instants(record), *_missing(record, findings)]
    return (Verdict.INCONCLUSIVE, tuple(missing)) if missing else (Verdict.HELD, ())


def _unbitten(record: Record, monitors: Monitors) -> tuple[str, ...]:
    if record.damage:  # it may stand in the lines that can't be read
        return _damaged(record), "what can be read of it does not show that the fault bit"
    unproved = [str(w.expectation.condition) for w in monitors.bites if w.interval is None]
    if not monitors.bites:
        return ("the fault was never injected",)
    return (f"the fault was not proved to bite: never seen that {', '.join(unproved) or 'all proofs held'}",)


def _damaged(record: Record) -> str:
    return f"the journal is damaged: {record.damage}"


def _missing(record: Record, findings: Sequence[Finding]) -> list[str]:
    missing = _ended_early(record)  # the cause first, then what could not be seen for it
    missing += [f"{f.name}: {f.message}" for f in findings if f.status == Verdict.INCONCLUSIVE and f.criterion]
    missing += [
        f"baseline {f.name}: {f.message}" for f in findings if f.status == Verdict.BROKE and f.phase == "baseline"
    ]
    ours = {check.name for check in checks_of(record) if check.check in _OF_OUR_LOAD}
    held = [f for f in findings if f.status == Verdict.HELD and f.phase != "baseline" and f.criterion and not f.premise]
    if not any(f.phase != "check" or f.name not in ours for f in held):
        missing.append("nothing that was expected has been seen: no criterion held")
    if record.damage:
        missing.append(_damaged(record))
    return [*missing, *_cut_off(record)]


def _cut_off(record: Record) -> list[str]:
    ended = any(event["phase"] == "end" for event in record.of(EventName.PHASE))
    return ["the run did not reach its end"] if record.first(EventName.PHASE) and not ended else []


def _ended_early(record: Record) -> list[str]:
    return [
        str(event["message"])
        for event in record.of(EventName.INCONCLUSIVE, EventName.INTERRUPTED, EventName.ABORTED, EventName.REFUSED)
    ]


def checks_of(record: Record) -> tuple[Check, ...]:
    """The checks that the recorded experiment declares."""
    run = record.first(EventName.RUN)
    experiment: Any = from_data(run["experiment"]) if run else None
    return experiment.checks if experiment else ()

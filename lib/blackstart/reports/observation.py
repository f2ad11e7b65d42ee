"""An experiment as its framework tells it: hypothesis and method beforehand, observation afterwards, surprises first.

The method is told from the declaration, the observation from the record; neither is written by hand. Pure.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from blackstart.base.durations import shown
from blackstart.model.experiment import Experiment
from blackstart.model.finding import Finding
from blackstart.model.schedule import At, when
from blackstart.model.verdict import Verdict
from blackstart.reports.markup import e
from blackstart.reports.story import RunView, Transition
from blackstart.verdict.expectation_monitor import SINCE

# What took more of its time than this held, and is worth knowing all the same.
_NARROW = 0.8
_FLOWS = {
    "throughout": "under {} from the baseline to the end",
    "fault": "under {}",
    "recovery": "with {} as soon as it is undone",
}


def hypothesis(view: RunView) -> str:
    return " ".join(view.experiment.hypothesis.split()) if view.experiment else "not recorded"


def method(view: RunView) -> str:
    """What is done, for how long, under which load, and how long it is watched: in one sentence."""
    return method_of(view.experiment, [change.what for change in view.changes]) if view.experiment else "not recorded"


def method_of(made: Experiment, whats: Sequence[str]) -> str:
    """The same, from the declaration and what its changes were on that target."""
    scheduled = list(_scheduled([fault for fault in made.faults if isinstance(fault, At)]))
    broken = "; ".join(scheduled) or ", ".join(whats)
    load = _FLOWS[made.traffic.flows].format(_load(made)) if made.traffic else ""
    if not broken:
        return f"break nothing, and watch it {load}.".replace(" .", ".")
    hold = "" if scheduled else f"hold it for {made.hold_min_s:g} s or more"
    watch = f"undo it, and watch for {made.settle_s:g} s after it has recovered"
    return f"{', '.join(filter(None, (broken, hold, load)))}; {watch}."


def _load(made: Experiment) -> str:
    """Its name, what it asks for where that is more than one thing, how much and how fast."""
    load: Any = made.traffic.load if made.traffic else None
    operations = [one.name for one in getattr(load, "operations", ())]
    asked = f"{', '.join(operations)}: " if len(operations) > 1 else ""
    return f"the load {load.name} ({asked}{load.says})"


def _scheduled(stretches: Sequence[At]) -> Iterator[str]:
    """Each fault once: when it is in force, or how often between when and when."""
    alike: dict[str, list[At]] = {}
    for one in stretches:
        alike.setdefault(one.fault.describe() if one.fault else "no fault", []).append(one)
    for what, those in alike.items():
        between = when(round(min(one.at_s for one in those), 1), round(max(one.at_s + one.hold_s for one in those), 1))
        lasts = sorted({round(one.hold_s, 1) for one in those})
        each = f"{lasts[0]:g} s" if len(lasts) == 1 else f"{lasts[0]:g} to {lasts[-1]:g} s"
        yield f"{what}, {between}" if len(those) == 1 else f"{what}, {len(those)} times {between}, {each} each"


def surprises(view: RunView) -> list[str]:
    """What was not as expected: what ended or spoilt it, what broke, what was not seen, and what held narrowly."""
    found = view.judgement.findings
    of_findings = {f"{f.name}: {f.message}" for f in found}
    told = [reason for reason in view.judgement.reasons if reason not in of_findings]
    told += [f"{f.name} broke: {f.message}" for f in found if f.status == Verdict.BROKE]
    told += [
        f"{f.name} was not seen: {f.message}"
        for f in found
        if f.status == Verdict.INCONCLUSIVE and f.criterion and view.entered(f.phase)
    ]
    held = {(f.phase, f.name) for f in found if f.status == Verdict.HELD}
    return told + [
        f"{mark.name} held narrowly: {mark.what}, {_when(mark)}"
        for mark in view.transitions
        if (mark.phase, mark.name) in held and mark.within_s and (mark.after_s or 0.0) > _NARROW * mark.within_s
    ]


def as_expected(view: RunView) -> list[str]:
    """What held: each state that was awaited with its time, then how much else."""
    held = [f for f in view.judgement.findings if f.status == Verdict.HELD and f.phase != "baseline"]
    times = {(mark.phase, mark.name): mark for mark in view.transitions}
    timed = [f"{mark.what}, {_when(mark)}" for f in held if (mark := times.get((f.phase, f.name)))]
    others = [f for f in held if (f.phase, f.name) not in times]
    return timed + ([f"held throughout or in the end: {', '.join(_named(others))}"] if others else [])


def _when(mark: Transition) -> str:
    since = SINCE.get(mark.phase, SINCE["fault"])
    return f"{mark.after} after {since}" + (f" (limit {mark.limit})" if mark.limit else "")


def _named(findings: list[Finding]) -> list[str]:
    return list(dict.fromkeys(f.name for f in findings))


def lines(view: RunView) -> list[str]:
    """Both, surprises first. Empty of a run that was refused: nothing was observed of the fault."""
    if view.judgement.verdict == Verdict.REFUSED:
        return []
    unexpected = surprises(view)
    told = [f"surprise: {text}" for text in unexpected]
    if not unexpected:
        lasted = shown(view.to_s - view.from_s)
        told = [f"no surprise: everything that was expected was seen, within {lasted}"]
    return told + [f"as expected: {text}" for text in as_expected(view)]


def part(view: RunView) -> Element:
    """The page's section: hypothesis, method, observation."""
    told = lines(view) or ["nothing was observed: it was not started"]
    return e(
        "section",
        e("h2", "Observation", id="observation-title"),
        e("dl", e("dt", "hypothesis"), e("dd", hypothesis(view)), e("dt", "method"), e("dd", method(view))),
        e("ul", [e("li", text) for text in told]),
        id="observation", aria_labelledby="observation-title",
    )  # fmt: skip

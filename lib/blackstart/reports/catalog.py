"""The failure catalog's facts: what the runs of each failure came to, taken from their own documents. Pure.

A run is read from what it sealed (`results/chaos.json`, the head of its journal, its notes), so that a thousand runs
are read in seconds; `report.judge` judges one again from its readings.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from blackstart.base.durations import shown
from blackstart.model import verdict
from blackstart.model.verdict import Verdict

_TOLD = (Verdict.HELD, Verdict.BROKE, Verdict.INCONCLUSIVE, Verdict.NOT_RESTORED)
_BAD = (Verdict.BROKE, Verdict.NOT_RESTORED)
_ALTERS_NO_RUN = ("--reports=", "--noninteractive", "--note=")
_BY_CLIENTS = "probe.load_outcome"
_AFTER_S = re.compile(r"came true (\d+\.\d+) s after ")


@dataclass(frozen=True)
class Finding:
    """What one expectation came to in one run: `result` in a word, and what was expected and seen."""

    phase: str
    name: str
    result: str
    expected: str
    message: str


@dataclass(frozen=True)
class Said:
    """A learning or an improvement: who said it, when (UTC), and what."""

    utc: str
    by: str
    text: str


@dataclass(frozen=True)
class Seen:
    """One run. Times in seconds, None where they were not seen: `detected_s` from the fault's effect to the first of
    the system's own states that were awaited (`detected_by`), `recovered_s` from the undo until all had come that was
    awaited, `drained_s` from the load's end until all was worked off. `felt` is what its clients noticed.

    `restored` says whether all that was broken was proved undone; None where nothing was. Where nothing was to be
    broken the times count from the beginning of what was done instead, and from its end.
    """

    run: str
    where: str
    began: str
    verdict: Verdict
    system: str
    experiment: str
    mutant: str = ""
    hypothesis: str = ""
    method: str = ""
    again: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    felt: str = ""
    detected_by: str = ""
    detected_s: float | None = None
    recovered_s: float | None = None
    drained_s: float | None = None
    restored: bool | None = None
    learnings: tuple[Said, ...] = ()
    improvements: tuple[Said, ...] = ()

    @property
    def bad(self) -> bool:
        return self.verdict in _BAD

    @property
    def broken(self) -> list[Finding]:
        """What broke, without what is no criterion of a run that held."""
        return [one for one in self.findings if one.result == Verdict.BROKE and one.phase != "baseline"]


@dataclass(frozen=True)
class Failure:
    """All runs of one experiment on one system, oldest first."""

    system: str
    experiment: str
    mutant: str
    runs: tuple[Seen, ...]

    @property
    def newest(self) -> Seen:
        return self.runs[-1]

    @property
    def verdicts(self) -> Counter[Verdict]:
        return Counter(run.verdict for run in self.runs)

    @property
    def broken(self) -> dict[str, list[tuple[Seen, Finding]]]:
        """By expectation: the runs in which it broke, and what was seen."""
        found: dict[str, list[tuple[Seen, Finding]]] = {}
        for run in self.runs:
            for one in run.broken if run.bad else ():
                found.setdefault(one.name, []).append((run, one))
        return found

    @property
    def learnings(self) -> list[Said]:
        return [said for run in self.runs for said in run.learnings]

    @property
    def improvements(self) -> list[Said]:
        return [said for run in self.runs for said in run.improvements]

    def undocumented(self) -> list[Seen]:
        """The runs that broke, and of which nobody said what was learned."""
        return [run for run in self.runs if run.bad and not run.learnings]

    def again(self) -> list[str]:
        """The expectations that broke again after a run had held, or after an improvement was noted; in words."""
        told = []
        for name, cases in self.broken.items():
            first, last = cases[0][0], cases[-1][0]
            held = [run for run in self.runs if run.verdict == Verdict.HELD and first.began < run.began < last.began]
            better = [said for run in self.runs if first.began <= run.began < last.began for said in run.improvements]
            if held or better:
                since = f"held meanwhile: {len(held)}" if held else "an improvement was noted meanwhile"
                told.append(f"{name} broke on {_day(first)} and again on {_day(last)}; {since}")
        return told


def failures(runs: Iterable[Seen]) -> list[Failure]:
    """By system and experiment, in the order of their names. What was refused tells of no failure."""

    def key(run: Seen) -> tuple[str, str, str]:
        return run.system, run.experiment, run.mutant

    told = sorted((run for run in runs if run.verdict in _TOLD), key=lambda run: (*key(run), run.began))
    return [Failure(*names, tuple(group)) for names, group in groupby(told, key)]


@dataclass(frozen=True)
class Setting:
    """One setting of a system with one value: the experiments whose runs held with it, and that broke, with counts."""

    system: str
    name: str
    value: str
    held: Counter[str]
    broke: Counter[str]


def settings(found: Sequence[Failure]) -> list[Setting]:
    """The targets' own facts, of runs without a defect of a lab's: with those it is the defect that breaks."""
    made: dict[tuple[str, str, str], tuple[Counter[str], Counter[str]]] = {}
    for failure in found:
        for run in failure.runs if not failure.mutant else ():
            for name, value in run.facts.items():
                held, broke = made.setdefault((run.system, name, str(value)), (Counter(), Counter()))
                held[run.experiment] += run.verdict == Verdict.HELD
                broke[run.experiment] += run.bad
    return [Setting(*key, +held, +broke) for key, (held, broke) in sorted(made.items()) if +held or +broke]


def runs(count: int) -> str:
    """`1 run`, `7 runs`."""
    return many(count, "run")


def many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _day(run: Seen) -> str:
    return run.began[:16].replace("T", " ")


# ---------------------------------------------------------------- one run, from its documents


def seen(
    where: str, head: Mapping[str, Any], document: Mapping[str, Any], method: str, said: Mapping[str, Sequence[Any]]
) -> Seen:
    """A run from the first line of its journal, its `results/chaos.json` and its notes (`learning`, `improvement`).
    Raises KeyError, TypeError, ValueError where they are not of that form."""
    scenario, target = document["scenarios"][0], head["target"]
    findings = tuple(
        Finding(one["type"], one["name"], one["result"], one["expected"], one["message"])
        for one in scenario["assertions"]
    )
    made = changes(document)
    done = [one for one in made if one["activated"] or one["deactivated"]]
    noticed = _came("fault", findings, scenario, [one["stats"]["inForceFromMs"] for one in made])
    clients = {one["name"] for one in head["experiment"].get("during", ()) if _by_clients(one)}
    by, detected_s = _first({name: took for name, took in noticed.items() if name not in clients}, findings)
    seen_by, felt_s = _first({name: took for name, took in noticed.items() if name in clients}, findings)
    return Seen(
        run=str(head["run"]), where=where, began=str(head["began"]), verdict=verdict.of(document["verdict"]),
        system=str(target["name"]), experiment=scenario["name"], mutant=str(target.get("mutant") or ""),
        hypothesis=" ".join(scenario["hypothesis"].split()), method=method, again=_command(str(head.get("again", ""))),
        facts=target.get("facts") or {}, findings=findings, reason=str(scenario["error"] or ""),
        felt=_felt(head, findings) or (f"{seen_by} after {shown(felt_s)}" if felt_s is not None else ""),
        detected_by=by, detected_s=detected_s, recovered_s=_recovered(findings, scenario, bool(made)),
        drained_s=_all_came("drain", findings, _came("drain", findings, scenario, [])),
        restored=all(one["deactivated"] for one in done) if done else None,
        learnings=_said(said["learning"]), improvements=_said(said["improvement"]),
    )  # fmt: skip


def changes(document: Mapping[str, Any]) -> list[Any]:
    """The injections that change something. One that is a load says how much it sent, and not what it did."""
    return [one for one in document["scenarios"][0]["injections"] if "what" in one["stats"]]


def _by_clients(expected: Mapping[str, Any]) -> bool:
    """Whether it awaits what the run's own load is answered, which no signal of the system tells."""
    return ((expected.get("condition") or {}).get("probe") or {}).get("is") == _BY_CLIENTS


def _came(
    phase: str, findings: Sequence[Finding], scenario: Mapping[str, Any], since_ms: Sequence[int | None]
) -> dict[str, float]:
    """How long after the first of `since_ms` each awaited state came, by its name. Without any the document has no such
    moment (nothing was to be broken, or it is the load's end): the finding's own words tell it."""
    held = [f for f in findings if f.phase == phase and f.result == Verdict.HELD and _awaits(f)]
    if not since_ms:
        told = {f.name: _AFTER_S.match(f.message) for f in held}
        return {name: float(match[1]) for name, match in told.items() if match}
    from_ms = min((at_ms for at_ms in since_ms if at_ms is not None), default=None)
    at = {one["data"]["name"]: one["timestamp"] for one in _results(scenario["timeline"]["events"], phase)}
    if from_ms is None:
        return {}
    return {f.name: max(0, at[f.name] - from_ms) / 1000 for f in held if f.name in at}


def _first(came: Mapping[str, float], findings: Sequence[Finding]) -> tuple[str, float | None]:
    """The state that came first, in words, and when."""
    if not came:
        return "", None
    name = min(came, key=lambda one: came[one])
    expected = next(f.expected for f in findings if f.name == name and f.phase == "fault")
    return expected.removeprefix("eventually ").partition(" within ")[0], came[name]


def _recovered(findings: Sequence[Finding], scenario: Mapping[str, Any], broken: bool) -> float | None:
    events = scenario["timeline"]["events"]
    undone = [one["timestamp"] for one in events if one["type"] == "cleanup" and "ok" not in one["data"]]
    since = [max(undone, default=None)] if broken else []
    return _all_came("recovery", findings, _came("recovery", findings, scenario, since))


def _all_came(phase: str, findings: Sequence[Finding], came: Mapping[str, float]) -> float | None:
    """When the last of what the phase awaited came; None where nothing was awaited, or not all of it came."""
    awaited = {f.name for f in findings if f.phase == phase and _awaits(f)}
    return max(came.values()) if awaited and awaited == came.keys() else None


def _results(events: Sequence[Any], phase: str) -> list[Any]:
    return [one for one in events if one["type"] == "assertion_result" and one["data"]["phase"] == phase]


def _awaits(finding: Finding) -> bool:
    return finding.expected.startswith("eventually ")


def _felt(head: Mapping[str, Any], findings: Sequence[Finding]) -> str:
    """What the load's own requests told of the fault, where a check looked at that."""
    names = {one["name"] for one in head["experiment"]["checks"] if one["check"] == "fault_observed"}
    return next((f.message.rpartition(": ")[2] for f in findings if f.name in names and f.result == Verdict.HELD), "")


def _command(again: str) -> str:
    return " ".join(word for word in again.split(" ") if not word.startswith(_ALTERS_NO_RUN))


def _said(notes: Sequence[Any]) -> tuple[Said, ...]:
    return tuple(Said(str(note["utc"]), str(note.get("by", "")), str(note["text"])) for note in notes)

"""(a) How far transition times are from the app's own log, and (b) what a drill takes beyond the system's times.

Both are read from the same runs of `invoke chaos.leader-lock` on the healthy lab.

(a) Error: |middle of the interval that the tool measured - time in the app's event log|, for `leader_0` (the log's
`lock_lost`), `paused`, `leader_1_again` (`lock_acquired`) and `resumed`. The app writes these lines when it changes,
whoever asks. /ready is left out: the app only knows of its change when it is asked. The runner's CPU share is its own
user and system time, all its threads and none of its children, from the beginning of the baseline, just before the
first reading, to the end of the settling, over that time; the whole process, start and documents included, is given
beside it.

(b) Wall time: from the start of the process `invoke chaos.leader-lock` to its end. Taken off are
  - the stop itself (journal: `do` to `did`) and the start itself (`undo` to `undone`), the supervisor's work;
  - the hold: from there to the later of the last `during` transition and the declared `hold_min_s` after the bite;
  - the recovery: from `undone` to the last `recovery` transition;
  - the declared time to settle after it (`settle_s`).
What is left is ours: start-up, baseline, link, rehearsal, guardian, the ends of waits, judging and documents. Beside
it stands what `invoke --list` of a file with one task takes on the same machine at the same time: on one that does
other work, that ratio is what can be compared.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.drilling import commands, place
from benchmarks.drilling.place import Lab, Ran, phase_s

from blackstart.base.codec import from_data
from blackstart.base.percentiles import percentile
from blackstart.evidence import journal
from blackstart.model.finding import Finding
from blackstart.verdict.from_folder import judge_folder
from blackstart.verdict.judge import replay

TRUTH = {"leader_0": "lock_lost", "paused": "paused", "leader_1_again": "lock_acquired", "resumed": "resumed"}
HOLD = "the system and the hold"


@dataclass
class Figures:
    """What all runs gave, in seconds and shares."""

    errors_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu_sampling: list[float] = field(default_factory=list)
    cpu_whole: list[float] = field(default_factory=list)
    parts_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    yardstick_s: list[float] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)


def measure(runs: int) -> Figures:
    """Run the drill so often on one lab, and once before that to warm it."""
    figures = Figures()
    with place.lab() as lab, tempfile.TemporaryDirectory(prefix="bs-bench-") as folder:
        for number in range(runs + 1):
            lab.settle()
            figures.yardstick_s.append(commands.yardstick())
            reports = Path(folder) / str(number)
            ran = place.drill(lab, reports)
            if number:
                _take(figures, lab, reports, ran)
    return figures


def _take(figures: Figures, lab: Lab, reports: Path, ran: Ran) -> None:
    figures.codes.append(ran.code)
    events = place.journal(reports)
    (folder,) = (path for path in reports.iterdir() if path.is_dir())
    found = {finding.name: finding for finding in judge_folder(folder).findings}
    for name, kind in TRUTH.items():
        error_s = _error_s(found.get(name), kind, lab.events(ran.spawned_s))
        if error_s is not None:
            figures.errors_s[name].append(error_s)
    began_s, ended_s = phase_s(events, "baseline"), phase_s(events, "end")
    figures.cpu_sampling.append((ran.cpu_at(ended_s) - ran.cpu_at(began_s)) / (ended_s - began_s))
    figures.cpu_whole.append(ran.cpu_at(ran.exited_s) / ran.wall_s)
    for part, took_s in parts(events, found, ran, _bit_s(folder)).items():
        figures.parts_s[part].append(took_s)


def _error_s(finding: Finding | None, kind: str, events: list[dict[str, Any]]) -> float | None:
    if finding is None or finding.transition is None:
        return None
    seen_s = finding.transition.middle_s
    times = [event["at"] for event in events if event["event"] == kind]
    return min((abs(seen_s - at_s) for at_s in times), default=None)


def _bit_s(folder: Path) -> float:
    """When the fault was proved to have taken effect."""
    record = journal.read(folder / "journal.jsonl")
    told = [record.first(name) or {} for name in ("run", "plan")]
    _, times = replay(record, from_data(told[0]["experiment"]), from_data(told[1]["changes"]))
    return times.bit_s or times.ended_s


def parts(events: list[dict[str, Any]], found: dict[str, Finding], ran: Ran, bit_s: float) -> dict[str, float]:
    """Where the wall time of one run went, in seconds. Only the first is the system's."""
    at_s = {event["event"]: float(event["at"]) for event in events if event["event"] != "phase"}
    experiment = next(event for event in events if event["event"] == "run")["experiment"]
    hold_s, settle_s = (_field(experiment, name) for name in ("hold_min_s", "settle_s"))

    def last_s(phase: str, since_s: float) -> float:
        seen = [f.transition.to_s for f in found.values() if f.phase == phase and f.transition]
        return max([since_s, *seen])

    held_s = last_s("fault", bit_s + hold_s)
    recovered_s = last_s("recovery", at_s["undone"])
    settled_s = phase_s(events, "settle") + settle_s
    system_s = (held_s - at_s["do"]) + (recovered_s - at_s["undo"]) + settle_s
    return {
        HOLD: system_s,
        "start-up, to the first phase": phase_s(events, "baseline") - ran.spawned_s,
        "baseline": _first(events, "snapshot") - phase_s(events, "baseline"),
        "link": at_s["linked"] - _first(events, "snapshot"),
        "rehearsal": at_s["rehearsed"] - at_s["linked"],
        "ledger and guardian, to the do": at_s["do"] - at_s["rehearsed"],
        "seen to settled": phase_s(events, "settle") - recovered_s + at_s["undo"] - held_s,
        "stays gone, last readings": phase_s(events, "end") - settled_s,
        "judging, documents, exit": ran.exited_s - phase_s(events, "end"),
    }


def _first(events: list[dict[str, Any]], name: str) -> float:
    return float(next(event["at"] for event in events if event["event"] == name))


def _field(data: dict[str, Any], name: str) -> float:
    return float(data.get(name, data.get("fields", {}).get(name)))


def rows_a(figures: Figures) -> list[tuple[str, str, str, str]]:
    """The table of (a)."""
    everything = [error_s for errors in figures.errors_s.values() for error_s in errors]
    rows = []
    for name, errors in [*figures.errors_s.items(), ("all", everything)]:
        p50, p99 = (percentile(errors, p) * 1000 for p in (50, 99))
        goal = "p99 <= 25 ms" if name == "all" else ""
        rows.append((f"(a) error of {name}", f"p50 {p50:.1f} ms, p99 {p99:.1f} ms", f"{len(errors)} transitions", goal))
    share, whole = median(figures.cpu_sampling), median(figures.cpu_whole)
    rows.append(("(a) CPU of the runner", f"{share:.1%} of a core", "median, first phase to last", "<= 5 %"))
    rows.append(("(a) CPU, whole process", f"{whole:.1%} of a core", "with start-up and documents", ""))
    return rows


def rows_b(figures: Figures) -> list[tuple[str, str, str, str]]:
    """The table of (b)."""
    ours = [sum(values) for values in zip(*(v for k, v in figures.parts_s.items() if k != HOLD), strict=True)]
    wall = [one + other for one, other in zip(ours, figures.parts_s[HOLD], strict=True)]
    told = f"of {median(wall):.2f} s, {median(wall) / median(figures.parts_s[HOLD]):.2f} times the system's"
    rows = [("(b) leader-lock, ours", f"{median(ours):.2f} s", told, "<= 1 s")]
    rows += [(f"    {part}", f"{median(values):.2f} s", "", "") for part, values in figures.parts_s.items()]
    times = median(ours) / median(figures.yardstick_s)
    rows.append(
        ("    invoke --list of one task", f"{median(figures.yardstick_s):.2f} s", f"ours is {times:.1f} of it", "")
    )
    held = sum(code == 0 for code in figures.codes)
    return [*rows, ("    runs that held", f"{held} of {len(figures.codes)}", "", "")]

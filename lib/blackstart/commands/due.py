"""What `chaos.due` does: holds the calendar against the records of the runs, and runs what is due."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from blackstart.base import clock, writer
from blackstart.base.errors import EXIT_HELD, BadFlag
from blackstart.base.printable import table
from blackstart.base.secrets.redact import Redactor
from blackstart.commands import json_output, suite
from blackstart.commands.answer import answering
from blackstart.commands.run import variant_of
from blackstart.commands.schedule_file import Drill, load
from blackstart.evidence import manifest, runs
from blackstart.model import flags, verdict
from blackstart.model.verdict import Verdict
from blackstart.suites import discovery, systems

# Of these something was learned; a run that is inconclusive, or was refused, is still to be done.
_DONE = (Verdict.HELD, Verdict.BROKE, Verdict.NOT_RESTORED)


@dataclass(frozen=True)
class Entry:
    """A drill of the calendar: since when it is due (None: it is not), when next, and the last run that counts."""

    drill: Drill
    found: discovery.Found
    due: datetime | None
    next: datetime | None
    last: str = ""


@answering()
def due(redactor: Redactor, options: Mapping[str, Any], schedule: str, run: bool) -> int:
    """List what is due, longest due first, and what comes next; or run what is due, whatever becomes of one."""
    task = f"chaos.due --run --schedule={schedule}"
    if run:
        with json_output.of_suite(options, redactor, task) as last:
            return _run(redactor, options, schedule, task, last)
    if options.get("json"):
        raise BadFlag("--json: the calendar's list is no result; give it with --run, or leave it out")
    entries, late = _entries(flags.read(options), schedule)
    later = sorted((one for one in entries if not one.due), key=lambda one: str(one.next or "~"))
    writer.page(
        *table([_row(one) for one in (*late, *later)], ("drill", "target", "when", "last run"), writer.columns())
    )
    return EXIT_HELD


def _run(redactor: Redactor, options: Mapping[str, Any], schedule: str, task: str, last: json_output.JsonOutput) -> int:
    given = flags.read(options)
    _, late = _entries(given, schedule)
    if not late:
        writer.line("nothing is due")
        return last.ended(EXIT_HELD)
    jobs = [suite.Job(one.found, one.drill.variant, _flags(one.drill, options)) for one in late]
    return suite.run_all(redactor, jobs, given, task, last, keep_going=True)


def _entries(given: flags.Flags, schedule: str) -> tuple[list[Entry], list[Entry]]:
    """All of the calendar, and what of it is due, longest due first."""
    heads = _heads(Path(given.reports))
    entries = [_entry(drill, heads, clock.utc_now()) for drill in load(Path(schedule))]
    return entries, sorted((one for one in entries if one.due), key=lambda one: str(one.due))


def _flags(drill: Drill, options: Mapping[str, Any]) -> flags.Flags:
    """The drill's own, where the operator says nothing else."""
    own = {"target": drill.target or None, "without": drill.without or None}
    return flags.read({**own, **{name: value for name, value in options.items() if value is not None}})


def _row(entry: Entry) -> tuple[str, ...]:
    when = f"due since {entry.due:%Y-%m-%d %H:%M}" if entry.due else "no more"
    if not entry.due and entry.next:
        when = f"next {entry.next:%Y-%m-%d %H:%M}"
    return entry.drill.title, entry.drill.target or "any", when, entry.last or "none"


def _entry(drill: Drill, heads: Sequence[tuple[Mapping[str, Any], Verdict]], now: datetime) -> Entry:
    found = discovery.find(drill.experiment, drill.scenario)
    variant_of(found, {"variant": drill.variant}, ())
    began, told = max(
        ((str(head["began"]), f"{str(head['began'])[:16].replace('T', ' ')}, {came_to.shown}")
         for head, came_to in heads if _is_of(head, drill, found) and (came_to != Verdict.HELD or _whole(head, drill))),
        default=("", ""),
    )  # fmt: skip
    since = drill.last_due(now)
    done = since is not None and began >= clock.utc_iso(since)
    return Entry(drill, found, None if done else since, drill.next_due(now), told)


def _is_of(head: Mapping[str, Any], drill: Drill, found: discovery.Found) -> bool:
    """Whether a run was of this drill, on its target, and of no defect of a lab's."""
    words = str(head.get("again", "")).split()
    if found.shipped:
        same = f"{systems.of(found.suite).collection}.{found.name}" in words
    else:
        same = (head.get("experiment_file") or {}).get("path") == str(found.path.absolute())
        same = same and (not found.scenario or f"--scenario={found.name}" in words)
    varied = {one for one in found.variants if {f"--{one}", f"--variant={one}"}.intersection(words)}
    target, given = head["target"], (head.get("flags") or {}).get("target")
    where = not drill.target or drill.target in (given, target.get("name"), target.get("file"))
    return same and where and varied == set(filter(None, (drill.variant,))) and not target.get("mutant")


def _whole(head: Mapping[str, Any], drill: Drill) -> bool:
    """Whether a run left nothing out but what the calendar leaves out itself."""
    left_out = (head.get("experiment") or {}).get("left_out") or {}
    return set(left_out) <= set(drill.without.split(","))


def _heads(reports: Path) -> list[tuple[Mapping[str, Any], Verdict]]:
    """The runs that count, each with what its journal begins with and the verdict that was sealed."""
    made: list[tuple[Mapping[str, Any], Verdict]] = []
    for folder in runs.beneath(reports):
        head = runs.head(folder)
        try:
            came_to = verdict.of(json.loads(manifest.small(folder / manifest.NAME))["verdict"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it was killed, or its seal can't be read: to be done again
        if came_to in _DONE and isinstance(head.get("target"), dict) and "began" in head:
            made.append((head, came_to))
    return made

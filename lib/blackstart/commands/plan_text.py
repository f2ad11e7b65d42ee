"""What an experiment would do, for people: `chaos.plan`."""

import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from blackstart.base.durations import shown
from blackstart.base.printable import short_paths, table
from blackstart.controls.steps.shell import describe, to_shell
from blackstart.evidence import history
from blackstart.evidence.journal import Record
from blackstart.model.change import Change
from blackstart.model.expect import Expectation
from blackstart.model.experiment import Check
from blackstart.model.plan import Plan
from blackstart.model.step import Step
from blackstart.safety.preflight import guard_rails
from blackstart.safety.processes import identity
from blackstart.verdict.checks.catalogue import apply
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.monitors import BITE_WITHIN_S

_HEADERS = ("service", "where", "what happens", "at most", "undone by", "reached at")
_WHOLE_WORDS: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}  # a path can be copied
_WIDEST = (None, 40, 40, None, 50, 40)
_LONGEST_STEP = 160
_LONGEST_LINE = 400


def show(
    plan: Plan,
    came_by: str = "",
    environment: Mapping[str, str] | None = None,
    *,
    full: bool = False,
    abort: tuple[str, tuple[Step, ...]] = ("", ()),
) -> list[str]:
    """Lines: the blast radius as a table, each change with its undo and proofs, and what is expected when.

    What guard rails would refuse stands below the table; `came_by` is SSH_CONNECTION, `environment` that of the steps.
    Shell that is too long to be read, and long paths in the table, stand in short, but for `full`. `abort` is what a
    failure would be followed by, in words and in steps.
    """
    target, experiment = plan.target, plan.experiment
    parts = [
        f"{experiment.name} on {target.name} ({target.api or 'no api'}), from {target.why}",
        " ".join(experiment.hypothesis.split()),
        "",
        *table(_blast_radius(plan, full), _HEADERS, maxcolwidths=list(_WIDEST), **_WHOLE_WORDS),
        *_refusals(plan, came_by, environment),
    ]
    parts += ["", "before the baseline", *_steps("do", experiment.prepare, full)] if experiment.prepare else []
    parts += ["", *table([(s.name, s.when) for s in plan.schedule], ("stretch", "in force"))] if plan.schedule else []
    for change in plan.changes:
        parts += ["", change.what, *_steps("do", change.do, full), *_steps("undo", change.undo, full)]
        parts += [f"  bites when  {condition}" for condition in change.bites]
        parts += [f"  gone when   {condition}" for condition in change.gone]
    parts += ["", plan.drives] if plan.drives else []
    told, steps = abort
    parts += ["", told, *_steps("abort", steps, full)] if steps else []
    rows = [
        (phase, expectation.name, _text(expectation))
        for phase, expectations in (
            ("baseline", experiment.baseline),
            ("fault", experiment.during),
            ("recovery", experiment.recovery),
            ("drain", experiment.drained),
            ("always", experiment.always),
        )
        for expectation in expectations
    ]
    rows += [("check", check.name, expected(check)) for check in experiment.checks]
    expectations = table(rows, ("phase", "expectation", "what must be seen"), maxcolwidths=[None, None, 100])
    return [*parts, "", *expectations, "", "Nothing was touched."]


def _blast_radius(plan: Plan, full: bool) -> list[tuple[str, ...]]:
    """One row for each change, and one for each service that stays untouched; what is typed stands whole below."""
    brief: Callable[[str], str] = str if full else short_paths
    rows: list[tuple[str, ...]] = []
    for name, service in sorted(plan.target.services.items()):
        reached = ", ".join(dict.fromkeys(filter(None, (service.address, service.url)))) or "-"
        changes = [change for change in plan.changes if change.service == name]
        if not changes:
            rows.append((name, brief(_where(plan, name)), "nothing", "-", "-", reached))
        for change in changes:
            undo = brief("; ".join(_short(step) for step in change.undo))
            rows.append((name, brief(_where(plan, name)), change.what, shown(longest_s(plan, change)), undo, reached))
    return rows


def longest_s(plan: Plan, change: Change) -> float:
    """How long the change is in force at most, in seconds, before somebody begins to undo it."""
    for stretch in plan.schedule:
        if any(plan.changes[number] is change for number in stretch.changes):
            return stretch.to_s - stretch.from_s
    bites_s = max(BITE_WITHIN_S, plan.hands_within_s)
    held_s = plan.holds_s if plan.holds_s is not None else bites_s + plan.experiment.hold_max_s
    return min(held_s, change.lease_s, plan.experiment.total_max_s)


def _where(plan: Plan, name: str) -> str:
    control = plan.controls.get(name)
    if control is not None:
        return f"{control.reach() or 'this machine'}, {control.identity()}"
    return ", ".join(f"{key} {value}" for key, value in plan.target.services[name].control.items()) or "no control"


def _short(step: Step) -> str:
    """In a few words; cut between words, so that no path in it is half a path."""
    words = _as_the_run_would(describe(step)).split(" ")
    kept = words[:1]
    while len(kept) < len(words) and len(" ".join(words[: len(kept) + 1])) <= _LONGEST_STEP:
        kept = words[: len(kept) + 1]
    return " ".join(kept) + (" ..." if len(kept) < len(words) else "")


def _refusals(plan: Plan, came_by: str, environment: Mapping[str, str] | None) -> list[str]:
    found = guard_rails.objections(plan, came_by, environment)
    if not found:
        return []
    words = ", ".join(dict.fromkeys(f'"{objection.word}"' for objection in found if objection.word))
    lines = [f"Would not be started: {objection.what}." for objection in found]
    return ["", *lines, *([f"To allow it in the target file: allow = [{words}]"] if words else [])]


def _steps(verb: str, steps: tuple[Step, ...], full: bool) -> list[str]:
    lines: list[str] = []
    for step in steps:
        shell = _as_the_run_would(to_shell(step))
        if len(shell) > _LONGEST_LINE and not full:
            shell = f"{_short(step)} (in short; {len(shell)} characters of shell with --full)"
        lines += [f"  {verb:<11} {line}" for line in shell.split("\n")]
    return lines


def _as_the_run_would(text: str) -> str:
    """A lease names the process that asks for it: that will be the run, and not the one that plans."""
    mine = re.escape(str(os.getpid())), re.escape(identity.started(os.getpid()) or "")
    text = re.sub(rf'("pid": ?){mine[0]}\b', r"\1PID-OF-THE-RUN", text)
    return re.sub(rf'("started": ?)"{mine[1]}"', r'\1"START-OF-THE-RUN"', text)


def expected(check: Check) -> str:
    """What a check wants to see: it says so itself, of a run of which there is nothing yet."""
    return apply(check, _nothing()).expected or check.check


@cache
def _nothing() -> Recorded:
    return Recorded(history.none(), Record(()))


def _text(expectation: Expectation) -> str:
    limit = f" within {expectation.within_s:g} s" if expectation.within_s else ""
    lasting = f" for {expectation.for_s:g} s" if expectation.for_s else ""
    needs = f"; needs {expectation.requires}" if expectation.requires else ""
    return f"{expectation.when} {expectation.condition}{limit}{lasting}{needs}"

"""What an experiment would do, for people: `chaos.plan`."""

from __future__ import annotations

from tabulate import tabulate

from blackstart.expect import Expectation
from blackstart.machines import to_shell
from blackstart.model import Step
from blackstart.planning import Plan


def show(plan: Plan) -> str:
    """The blast radius as a table, each change with its undo and proofs, and what is expected when."""
    target, experiment = plan.target, plan.experiment
    parts = [
        f"{experiment.name} on {target.name} ({target.api or 'no api'}), from {target.why}",
        experiment.hypothesis,
        "",
        tabulate(_blast_radius(plan), headers=("service", "at", "controlled by", "what happens to it")),
    ]
    for change in plan.changes:
        parts += ["", change.what, *_steps("do", change.do), *_steps("undo", change.undo)]
        parts += [f"  bites when  {condition}" for condition in change.bites]
        parts += [f"  gone when   {condition}" for condition in change.gone]
    rows = [
        (phase, expectation.name, _told(expectation))
        for phase, expectations in (
            ("baseline", experiment.baseline),
            ("fault", experiment.during),
            ("recovery", experiment.recovery),
            ("always", experiment.always),
        )
        for expectation in expectations
    ]
    rows += [("check", check.name, check.check) for check in experiment.checks]
    parts += ["", tabulate(rows, headers=("phase", "expectation", "what must be seen")), "", "Nothing was touched."]
    return "\n".join(parts)


def _blast_radius(plan: Plan) -> list[tuple[str, str, str, str]]:
    rows = []
    for name, service in sorted(plan.target.services.items()):
        control = ", ".join(f"{key} {value}" for key, value in service.control.items())
        what = "; ".join(change.what for change in plan.changes if change.service == name)
        rows.append((name, service.address, control or "nothing", what or "nothing"))
    return rows


def _steps(verb: str, steps: tuple[Step, ...]) -> list[str]:
    return [f"  {verb:<11} {line}" for step in steps for line in to_shell(step).splitlines()]


def _told(expectation: Expectation) -> str:
    limit = f" within {expectation.within_s:g} s" if expectation.within_s else ""
    lasting = f" for {expectation.for_s:g} s" if expectation.for_s else ""
    return f"{expectation.when} {expectation.condition}{limit}{lasting}"

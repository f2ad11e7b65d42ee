"""`chaos.plan`: what would be done, shown before anything is."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blackstart.base import writer
from blackstart.base.errors import NotDeclared
from blackstart.base.secrets.redact import Redactor
from blackstart.commands import left_out
from blackstart.commands.answer import answering
from blackstart.commands.plan_text import show
from blackstart.commands.run import choose, declared, variant_of
from blackstart.engine import fleets, planning, safe_state
from blackstart.model import flags
from blackstart.model.verdict import Verdict
from blackstart.safety.preflight import freeze, ssh_origin
from blackstart.suites import discovery


@answering()
def plan(
    redactor: Redactor, name: str, options: Mapping[str, Any], variants: Sequence[str] = (), scenario: str = ""
) -> int:
    """Print what an experiment would do, or each scenario of a specification; touches nothing."""
    given = flags.read(options)
    every = discovery.in_specification(Path(name)) if name.endswith(".isl") and not scenario else ()
    for found in every or [discovery.find(name, scenario)]:
        _show(redactor, found, given, variant_of(found, options, variants), full=bool(options.get("full")))
    if frozen := freeze.look(os.environ):
        writer.page(redactor(f"it would be refused now: {frozen}"))
    return Verdict.HELD.exit_code


def _show(redactor: Redactor, found: discovery.Found, given: flags.Flags, variant: str, *, full: bool) -> None:
    target, given = choose(found, given, redactor)
    experiment = fleets.drawn(declared(found, target, given, variant), target, given)
    made = planning.make(experiment, target)
    abort = safe_state.text(target, given), safe_state.planned(target, given)
    lines = show(made, ssh_origin.came_by(), os.environ, full=full, abort=abort)
    try:
        left_out.refuse([(experiment, left_out.lacking(experiment, target))], target)
    except NotDeclared as refusal:
        lines[-1:-1] = [str(refusal).replace("Not started:", "Would not be started:"), *refusal.lines, ""]
    writer.page(*map(redactor, lines))

"""`chaos.plan`: what would be done, shown before anything is."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from blackstart.base import writer
from blackstart.base.secrets.redact import Redactor
from blackstart.commands.answer import answering
from blackstart.commands.plan_text import show
from blackstart.commands.run import choose, declared, variant_of
from blackstart.engine import planning, safe_state
from blackstart.model import flags
from blackstart.model.verdict import Verdict
from blackstart.safety.preflight import ssh_origin
from blackstart.suites import discovery


@answering()
def plan(redactor: Redactor, name: str, options: Mapping[str, Any], variants: Sequence[str] = ()) -> int:
    """Print what an experiment would do; touches nothing."""
    given = flags.read(options)
    found = discovery.find(name)
    variant = variant_of(found, options, variants)
    target, given = choose(found, given, redactor)
    made = planning.make(declared(found, target, given, variant), target)
    full, last = bool(options.get("full")), safe_state.planned(target, given)
    lines = show(made, ssh_origin.came_by(), os.environ, full=full, abort=last)
    writer.page(*map(redactor, lines))
    return Verdict.HELD.exit_code

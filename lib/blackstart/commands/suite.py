"""All experiments of a suite in order, with one table at the end."""

from collections.abc import Mapping
from typing import Any

from blackstart.base import writer
from blackstart.base.errors import Refused
from blackstart.base.secrets.redact import Redactor
from blackstart.base.state import invoke
from blackstart.commands import suite_summary
from blackstart.commands.answer import answering
from blackstart.commands.run import flag_words, run_one
from blackstart.model import flags
from blackstart.model.flags import Flags
from blackstart.model.verdict import Verdict
from blackstart.safety.heal.elsewhere import heal_command
from blackstart.suites import discovery, systems

_ENDS = (Verdict.NOT_RESTORED.exit_code, *suite_summary.SIGNALLED)


@answering()
def suite(redactor: Redactor, name: str, options: Mapping[str, Any], keep_going: bool) -> int:
    """Run a suite in its order; stops at the first failure unless told to go on. Returns its exit code.

    Whatever it was told: what ended by a signal was meant to end, and what is not restored is not broken any further.
    """
    given = flags.read(options)
    rows: list[suite_summary.Row] = []
    codes: list[int] = []
    stopped = ""
    for found in in_order(name):
        if codes and (codes[-1] in _ENDS or (codes[-1] and not keep_going)):
            rows.append((found.name, "not run", suite_summary.why_not(stopped, codes[-1])))
            continue
        stopped = found.name
        row, code = _one_of_suite(found, given, redactor)
        rows.append(row)
        codes.append(code)
    worst = suite_summary.worst(codes)
    title = f"{systems.of(name).collection}.suite"
    once_more = " ".join([invoke(), title, *flag_words(given), *(["--keep-going"] if keep_going else [])])
    for line in suite_summary.lines(title, rows, worst, once_more):
        writer.line(redactor(line))
    if Verdict.NOT_RESTORED.exit_code in codes:  # said already, but what mends it is the last line
        writer.line("NOT RESTORED. Mend it now with:")
        writer.line(heal_command())
    return worst


def _one_of_suite(found: discovery.Found, given: Flags, redactor: Redactor) -> tuple[tuple[str, str, str], int]:
    try:
        result = run_one(found, given, redactor)
    except Refused as refusal:
        writer.error(redactor(str(refusal)))
        return (found.name, Verdict.REFUSED, ""), Verdict.REFUSED.exit_code
    return (found.name, result.judgement.verdict, str(result.evidence.path)), result.exit_code


def in_order(name: str) -> list[discovery.Found]:
    """The experiments of a suite in the order that its descriptor declares, the rest after them."""
    order = systems.of(name).order
    return sorted(
        discovery.shipped(name), key=lambda f: (order.index(f.name) if f.name in order else len(order), f.name)
    )

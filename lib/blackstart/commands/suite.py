"""All experiments of a suite in order, with one table at the end."""

import contextlib
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from blackstart.base import writer
from blackstart.base.errors import BlackstartError, NotAvailable, NotShown, Refused
from blackstart.base.secrets.redact import Redactor
from blackstart.base.state import invoke
from blackstart.commands import json_output, left_out, suite_summary
from blackstart.commands.answer import Terminated, answering, interrupted, refused
from blackstart.commands.run import choose, declared, flag_words, run_one
from blackstart.model import flags
from blackstart.model.flags import Flags
from blackstart.model.verdict import Verdict
from blackstart.safety.heal.elsewhere import heal_command
from blackstart.safety.preflight import freeze
from blackstart.suites import discovery, systems

_ENDS = (Verdict.NOT_RESTORED.exit_code, *suite_summary.SIGNALLED)


@answering()
def suite(redactor: Redactor, name: str, options: Mapping[str, Any], keep_going: bool) -> int:
    """Run a suite in its order, then the variants that the target can show. Returns its exit code.

    It stops at the first failure unless told to go on. Whatever it was told: what ended by a signal was meant to end,
    what is not restored is not broken any further, what PAUSE_ON_FAIL has paused is in no state to be tested, and
    where a freeze refuses one, it would refuse them all.
    """
    task = f"{systems.of(name).collection}.suite"
    with json_output.of_suite(options, redactor, task) as last:
        given = flags.read(options)
        jobs = _with_variants(in_order(name), given)
        _refuse_undeclared(redactor, jobs, given)
        return run_all(redactor, jobs, given, task, last, keep_going)


@answering()
def specification(redactor: Redactor, file: str, options: Mapping[str, Any]) -> int:
    """Run all scenarios of a specification in its order, whatever becomes of one. Returns the exit code of all."""
    task = f"chaos.run {shlex.quote(file)}"
    with json_output.of_suite(options, redactor, task) as last:
        drills = discovery.in_specification(Path(file)) or [discovery.find(file)]
        given = flags.read(options)
        return run_all(redactor, _with_variants(drills, given), given, task, last, keep_going=True)


class Job(NamedTuple):
    """One drill of several, with the flags that are its own."""

    found: discovery.Found
    variant: str
    given: Flags


def _with_variants(drills: Sequence[discovery.Found], given: Flags) -> list[Job]:
    """Each drill, then the variants of each."""
    return [
        *(Job(found, "", given) for found in drills),
        *(Job(found, variant, given) for found in drills for variant in found.variants),
    ]


def _refuse_undeclared(redactor: Redactor, jobs: Sequence[Job], given: Flags) -> None:
    """What is wrong with the target of all, and what any must be told by it, is said once, before the first one. What
    else is wrong is told by the drill itself. Raises Refused."""
    target, given = choose(jobs[0].found, given, redactor)
    needed = []
    for found, variant, _ in jobs:
        with contextlib.suppress(BlackstartError):
            experiment = declared(found, target, given, variant)
            needed.append((experiment, left_out.lacking(experiment, target)))
    left_out.refuse(needed, target)


def run_all(
    redactor: Redactor, jobs: Sequence[Job], given: Flags, task: str, last: json_output.JsonOutput, keep_going: bool
) -> int:
    """Run them in order, with one table at the end; `task` with the flags `given` runs them again. `last` is told."""
    rows: list[suite_summary.Row] = []
    codes: list[int] = []
    stopped = ""
    for found, variant, own in jobs:
        title = f"{found.name} --{variant}" if variant else found.name
        if why := _why_not(stopped, codes, last, keep_going):
            rows.append((title, "not run", why))
            last.left_out(title, f"not run: {why}")
            continue
        try:
            verdict, where, code = _one_of_suite(Job(found, variant, own), redactor, title, last)
        except (NotShown, NotAvailable) as lacking:
            # The drill itself says the whole, with the lines to write.
            rows.append((title, suite_summary.NOT_SHOWN, redactor(str(lacking.args[0]).partition("\n")[0])))
            last.left_out(title, f"{suite_summary.NOT_SHOWN}: {rows[-1][2]}")
            continue
        stopped = title
        rows.append((title, verdict, where))
        codes.append(code)
    worst = suite_summary.worst(codes)
    on = ["--keep-going"] if keep_going and task.endswith(".suite") else []
    once_more = " ".join([invoke(), task, *flag_words(given), *on])
    for line in suite_summary.lines(task, rows, worst, once_more, last.ends()):
        writer.line(redactor(line))
    if Verdict.NOT_RESTORED.exit_code in codes:  # said already, but what mends it is the last line
        writer.line("NOT RESTORED. Mend it now with:")
        writer.line(heal_command())
    return last.ended(worst)


def _why_not(stopped: str, codes: Sequence[int], last: json_output.JsonOutput, keep_going: bool) -> str:
    """Why no more are run after the one that `stopped`; "" where it goes on."""
    code = codes[-1] if codes else 0
    if code not in _ENDS and (paused := last.paused_by()):
        return paused
    if code == Verdict.REFUSED.exit_code and (frozen := _frozen()):
        return frozen  # the one before was refused for it, which is said once
    return suite_summary.why_not(stopped, code) if code in _ENDS or (code and not keep_going) else ""


def _frozen() -> str:
    """By which switch everything is refused now; "" where none is set."""
    try:
        return str(freeze.look(os.environ) or "")
    except Refused as unread:
        return str(unread)


def _one_of_suite(job: Job, redactor: Redactor, title: str, last: json_output.JsonOutput) -> tuple[str, str, int]:
    """Its verdict, evidence and exit code. What this target can't show raises NotShown, a variant also NotAvailable."""
    try:
        result = run_one(job.found, job.given, redactor, job.variant)
    except Refused as refusal:
        if isinstance(refusal, NotShown) or (job.variant and isinstance(refusal, NotAvailable)):
            raise
        refused(redactor(str(refusal)))
        last.left_out(title, str(refusal), Verdict.REFUSED)
        return Verdict.REFUSED, "", Verdict.REFUSED.exit_code
    except (KeyboardInterrupt, Terminated) as signalled:  # before its run, or after it: the suite tells the rest
        code = interrupted(signalled)
        last.interrupted(title, code)
        return "interrupted", "", code
    return suite_summary.verdict_with(result.judgement), str(result.evidence.path), last.ran(result, title)


def in_order(name: str) -> list[discovery.Found]:
    """The experiments of a suite in the order that its descriptor declares, the rest after them."""
    order = systems.of(name).order
    return sorted(
        discovery.shipped(name), key=lambda f: (order.index(f.name) if f.name in order else len(order), f.name)
    )

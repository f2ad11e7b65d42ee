"""What the tasks do: from options to a run and its exit code. The one place where refusals become messages."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tabulate import tabulate

from blackstart import discover, flags, outlet, planning, reading, suite_closing, user_experiment
from blackstart.choose import TARGET_FLAGS, beside_trading, target_for
from blackstart.console import Console
from blackstart.engine import Run
from blackstart.errors import BadFlag, BlackstartError, Refused
from blackstart.flags import Flags, secrets_of_run
from blackstart.judging import Result
from blackstart.model import Experiment
from blackstart.plan import Plan
from blackstart.redact import Redactor
from blackstart.safety import abort, guard_rails, lock, way_in
from blackstart.safety import heal as healing
from blackstart.safety.far import heal_command
from blackstart.state import invoke
from blackstart.suites import systems
from blackstart.target import Target
from blackstart.vault import SecretPlaceholders
from blackstart.verdicts import Verdict


def run(name: str, options: Mapping[str, Any], variants: Sequence[str] = ()) -> int:
    """Run one experiment; returns the exit code."""

    def act(redactor: Redactor) -> int:
        given = flags.read(options)
        found = discover.find(name)
        return run_one(found, given, redactor, variant_of(found, options, variants)).exit_code

    return answering(act)


def run_one(found: discover.Found, given: Flags, redactor: Redactor, variant: str = "") -> Result:
    """From a found experiment to its result; what a dead run left broken is mended first. Raises Refused."""
    if not found.shipped:
        with contextlib.suppress(BlackstartError):  # what an older run of it left broken may need its classes
            discover.load(found)
    healing.leftovers(lambda text: outlet.line(redactor(text)), Path(given.reports))
    target, given = choose(found, given, redactor)
    lock.refuse_held([planning.identity_of(target)])  # what another run has broken is not broken for us
    plan = planning.make(declared(found, target, given, variant), target)
    source = user_experiment.source(found)
    guard_rails.refuse(plan, way_in.came_by(), os.environ)
    console = Console(given.noninteractive, redactor)
    refuse_hands_off(plan, given)
    console.say(f"target: {target.name} ({target.api or 'no api'}), from {target.why}")
    will = [*(change.what for change in plan.changes), *filter(None, (plan.drives, abort.text(target, given)))]
    for what in will:
        console.say(f"will: {what}")
    if console.interactive and will and not console.ask(f"Run {plan.experiment.name} on {target.name}?"):
        raise Refused("the operator did not say yes")
    reading.load(plan.probes(), ("plumbum",) if plan.changes else ())
    once_more = again(found, given, variant)
    result = Run(plan, given, console, redactor, again=once_more, experiment_file=source).execute()
    if result.judgement.verdict != Verdict.REFUSED:
        console.plain(f"run again: {once_more}")
    if result.judgement.verdict == Verdict.NOT_RESTORED:
        console.plain(
            f"NOT RESTORED. Mend it by hand (sh {result.evidence.heal_script}), or now with:\n{heal_command()}"
        )
    return result


def choose(found: discover.Found, given: Flags, redactor: Redactor) -> tuple[Target, Flags]:
    """The target that is meant, its secrets known to the redactor, and the flags that are of use there. Raises Refused,
    also where no abort could be run."""
    target, given = beside_trading(allowing(target_for(discover.kind_of(found), given), given), given)
    _learn(redactor, target, given)
    abort.refuse_missing(target, given)
    return target, given


def declared(found: discover.Found, target: Target, given: Flags, variant: str = "") -> Experiment:
    """The experiment as its file declares it for this target, with the operator's own hold and load, if there are."""
    experiment = discover.declare(found, target, given, variant)
    experiment = replace(
        experiment,
        hold_min_s=max(experiment.hold_min_s, given.hold_s),
        total_max_s=min(experiment.total_max_s, given.total_max_s),
    )
    if not given.k6:
        return experiment
    from blackstart.own_load import with_k6  # noqa: PLC0415  (most runs have none)

    return with_k6(experiment, given.k6)


def allowing(target: Target, given: Flags) -> Target:
    """The target, allowing what `--allow` names besides what its file does."""
    return replace(target, allow=(*target.allow, *given.allowed))


def refuse_hands_off(plan: Plan, given: Flags) -> None:
    """A change that only a hand can make can't be part of an unattended run."""
    by_hand = [change.what for change in plan.changes if change.undo_by_hand]
    if by_hand and given.noninteractive:
        raise Refused(
            f"{', '.join(by_hand)} can only be done by hand on {plan.target.name}, and NONINTERACTIVE=1 means that "
            "nobody is there. Give the service a control that a machine has ([services.NAME] control) in a target file."
        )


def _learn(redactor: Redactor, target: Target, given: Flags) -> None:
    redactor.learn_environment()
    SecretPlaceholders(secrets_of_run(target, given), redactor.learn)
    services = target.services.values()
    for text in (given.redis_url, given.database_url, target.api, target.prometheus, target.proxy):
        redactor.learn_url(text)
    for text in (*(service.dsn for service in services), *(service.url for service in services)):
        redactor.learn_url(text)
    # Headers are secrets whatever the variables behind them are called.
    headers = [target.headers, *(route.get("headers", {}) for route in target.routes.values())]
    for reference in (value for table in headers if isinstance(table, dict) for value in table.values()):
        if str(reference).startswith("env:"):
            redactor.learn(os.environ.get(reference[4:], ""))


def variant_of(found: discover.Found, options: Mapping[str, Any], variants: Sequence[str]) -> str:
    """The one that is asked for, by its own switch or as `--variant NAME`. Raises BadFlag for one it does not have."""
    chosen = [variant for variant in variants if options.get(variant.replace("-", "_"))]
    chosen += [options["variant"]] if options.get("variant") else []
    if len(set(chosen)) > 1:
        raise BadFlag(f"--{' and --'.join(chosen)} exclude each other")
    if chosen and chosen[0] not in found.variants:
        has = f"its variants: {', '.join(found.variants)}" if found.variants else "it has none"
        raise BadFlag(f'{found.name} has no variant "{chosen[0]}" ({has})')
    return chosen[0] if chosen else ""


def again(found: discover.Found, given: Flags, variant: str) -> str:
    """The command that runs the same experiment again, with the same flags; secrets stay in the environment."""
    task = (
        f"{systems.of(found.suite).collection}.{found.name}"
        if found.shipped
        else f"chaos.run {shlex.quote(str(found.path))}"
    )
    switch = f"--{variant}" if found.shipped else f"--variant={shlex.quote(variant)}"
    return " ".join([invoke(), task, *flag_words(given), *([switch] if variant else [])])


def flag_words(given: Flags) -> list[str]:
    words: list[str] = []
    ignored = TARGET_FLAGS if given.target else ()
    for name in sorted(given.given.difference(ignored)):
        value = getattr(given, name)
        if value is True:
            words.append(f"--{flags.option_name(name)}")
        elif value is not False and not ("://" in str(value) and "@" in str(value)):  # a password
            text = f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
            words.append(f"--{flags.option_name(name)}={shlex.quote(text)}")
    return words


_ENDS = (Verdict.NOT_RESTORED.exit_code, *suite_closing.SIGNALLED)


def suite(name: str, options: Mapping[str, Any], keep_going: bool) -> int:
    """Run a suite in its order; stops at the first failure unless told to go on. Returns its exit code.

    Whatever it was told: what ended by a signal was meant to end, and what is not restored is not broken any further.
    """

    def act(redactor: Redactor) -> int:
        given = flags.read(options)
        rows: list[suite_closing.Row] = []
        codes: list[int] = []
        stopped = ""
        for found in in_order(name):
            if codes and (codes[-1] in _ENDS or (codes[-1] and not keep_going)):
                rows.append((found.name, "not run", suite_closing.why_not(stopped, codes[-1])))
                continue
            stopped = found.name
            row, code = _one_of_suite(found, given, redactor)
            rows.append(row)
            codes.append(code)
        worst = suite_closing.worst(codes)
        title = f"{systems.of(name).collection}.suite"
        once_more = " ".join([invoke(), title, *flag_words(given), *(["--keep-going"] if keep_going else [])])
        outlet.line(redactor(suite_closing.text(title, rows, worst, once_more)))
        if Verdict.NOT_RESTORED.exit_code in codes:  # said already, but what mends it is the last line
            outlet.line(f"NOT RESTORED. Mend it now with:\n{heal_command()}")
        return worst

    return answering(act)


def _one_of_suite(found: discover.Found, given: Flags, redactor: Redactor) -> tuple[tuple[str, str, str], int]:
    try:
        result = run_one(found, given, redactor)
    except Refused as refusal:
        print(redactor(str(refusal)), file=sys.stderr, flush=True)
        return (found.name, Verdict.REFUSED, ""), Verdict.REFUSED.exit_code
    return (found.name, result.judgement.verdict, str(result.evidence.path)), result.exit_code


def in_order(name: str) -> list[discover.Found]:
    """The experiments of a suite in the order that its descriptor declares, the rest after them."""
    order = systems.of(name).order
    return sorted(
        discover.shipped(name), key=lambda f: (order.index(f.name) if f.name in order else len(order), f.name)
    )


def plan(name: str, options: Mapping[str, Any], variants: Sequence[str] = ()) -> int:
    """Print what an experiment would do; touches nothing."""
    from blackstart.plan_view import show  # noqa: PLC0415

    def act(redactor: Redactor) -> int:
        given = flags.read(options)
        found = discover.find(name)
        variant = variant_of(found, options, variants)
        target, given = choose(found, given, redactor)
        made = planning.make(declared(found, target, given, variant), target)
        full, last = bool(options.get("full")), abort.planned(target, given)
        outlet.page(redactor(show(made, way_in.came_by(), os.environ, full=full, abort=last)))
        return Verdict.HELD.exit_code

    return answering(act)


def list_experiments() -> int:
    """Print every experiment there is."""

    def act(redactor: Redactor) -> int:
        rows = [(f.name, f.suite or "yours", f.says) for f in discover.everything()]
        outlet.page(tabulate(rows, headers=("experiment", "suite", "says"), maxcolwidths=[None, None, 90]))
        return Verdict.HELD.exit_code

    return answering(act)


def crashed(error: Exception, redactor: Redactor) -> int:
    """Tell of a mistake that nobody foresaw, its secrets masked. A run that had begun has restored by then."""
    print(redactor("".join(traceback.format_exception(error))), file=sys.stderr)
    told = "This is a mistake in Blackstart or in the experiment's file, and no verdict."
    told += " What is broken now, if anything is: invoke chaos.status"
    print(redactor(f"{type(error).__name__}: {error}\n{told}"), file=sys.stderr, flush=True)
    return Verdict.INCONCLUSIVE.exit_code


def answering(act: Callable[[Redactor], int]) -> int:
    """Call it; an error of ours becomes one clear message without traceback, and its exit code."""
    redactor = Redactor()
    redactor.learn_environment()
    with _an_output():
        return _answer(act, redactor)


@contextlib.contextmanager
def _an_output() -> Iterator[None]:
    """A job that closed its standard output (`>&-`) is a job that reads the exit code only."""
    if sys.stdout is not None:
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def _answer(act: Callable[[Redactor], int], redactor: Redactor) -> int:
    try:
        return act(redactor)
    except Refused as refusal:
        print(redactor(str(refusal)), file=sys.stderr, flush=True)
        return Verdict.REFUSED.exit_code
    except BlackstartError as error:
        print(redactor(str(Refused(str(error)))), file=sys.stderr, flush=True)
        return Verdict.REFUSED.exit_code
    except Exception as error:  # a mistake of ours, or in a user's file: what it says may hold a secret
        return crashed(error, redactor)


__all__ = ["answering", "list_experiments", "plan", "run", "run_one", "suite"]

"""From options to a run of one experiment. What its exit code is, `engine.run` decides."""

import contextlib
import json
import os
import shlex
import socket
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from blackstart.base import writer
from blackstart.base.console import Console
from blackstart.base.errors import BadFlag, BlackstartError, Refused
from blackstart.base.live import Row
from blackstart.base.secrets import references
from blackstart.base.secrets.placeholders import SecretPlaceholders
from blackstart.base.secrets.places import in_flags
from blackstart.base.secrets.redact import Redactor
from blackstart.base.state import invoke
from blackstart.commands import json_output, learning, left_out, risk, user_experiment, webhook
from blackstart.commands.answer import answering, before_anything
from blackstart.commands.choose_target import TARGET_FLAGS, beside_trading, target_for
from blackstart.controls import docker_host
from blackstart.controls.steps.shell import describe
from blackstart.engine import fleets, lock_names, planning, safe_state
from blackstart.engine.run import Run
from blackstart.evidence import signing
from blackstart.loads.k6_override import with_k6
from blackstart.model import flags
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags, secrets_of_run
from blackstart.model.plan import Plan
from blackstart.model.step import HttpCall, Step
from blackstart.model.target import Target
from blackstart.model.verdict import Verdict
from blackstart.probes import read
from blackstart.reports import result_json
from blackstart.safety.heal import heal as healing
from blackstart.safety.heal.elsewhere import heal_command_of, status_command
from blackstart.safety.preflight import freeze, guard_rails, service_lock, ssh_origin
from blackstart.suites import discovery, systems
from blackstart.verdict.from_folder import Result


@answering()
def run(
    redactor: Redactor, name: str, options: Mapping[str, Any], variants: Sequence[str] = (), scenario: str = ""
) -> int:
    """Run one experiment; returns the exit code."""
    with json_output.of_run(options, redactor, name) as last:
        given = flags.read(options)
        found = discovery.find(name, scenario)
        return last.ran(run_one(found, given, redactor, variant_of(found, options, variants)))


def _with(step: Step) -> str:
    body = step.body if isinstance(step, HttpCall) else None
    return f" {json.dumps(body)}" if body is not None else ""


def _head(found: discovery.Found) -> dict[str, Any]:
    """What the journal says of the file that declared the experiment, and of a specification what is written there."""
    source = user_experiment.source(found)
    if not found.scenario:
        return {"experiment_file": source}
    from blackstart.suites import specified  # noqa: PLC0415  (no other run loads a grammar)

    return {"experiment_file": source, **specified.told(found.path, found.name, source["sha256"])}


def run_one(found: discovery.Found, given: Flags, redactor: Redactor, variant: str = "") -> Result:
    """From a found experiment to its result; what a dead run left broken is mended first. Raises Refused."""
    if not found.shipped:
        with contextlib.suppress(BlackstartError):  # what an older run of it left broken may need its classes
            discovery.load(found)
    healing.leftovers(lambda text: writer.line(redactor(text)), Path(given.reports))
    freeze.refuse(os.environ)
    signing.from_environ(os.environ)  # a key that can't sign is told of before anything is touched
    log = Console(True, redactor)
    log.quiet = given.quiet
    with log.live(lambda: [Row(f"looking at the target of {found.name}; nothing is touched yet")]):
        plan, given = _planned(found, given, redactor, variant)
    target, experiment, head = plan.target, plan.experiment, _head(found)
    console = Console(given.noninteractive, redactor)
    console.quiet = given.quiet and given.noninteractive  # who is asked is told what about
    refuse_hands_off(plan, given)
    console.say(f"target: {target.name} ({target.api or 'no api'}), from {target.why}")
    if unused := docker_host.unused(plan.controls.values(), os.environ):
        console.say(unused)
    will = [f"{describe(step)}{_with(step)}, which is not undone" for step in plan.experiment.prepare]
    will += [*plan.whats, *filter(None, (plan.drives, safe_state.text(target, given)))]
    for what in will:
        console.say(f"will: {what}")
    for name, criteria in experiment.left_out.items():
        console.say(f"left out by choice: {name} ({', '.join(criteria)})")
    if costs := risk.text(plan):
        console.say(f"risk: {costs}")
    with before_anything():
        if console.interactive and will and not console.ask(f"Run {plan.experiment.name} on {target.name}?"):
            raise Refused("the operator did not say yes")
    console.quiet = given.quiet and not plan.by_hand  # who has to do something by hand must be told
    freeze.refuse(os.environ)  # the answer may have taken long
    # What calls an API takes a while to load: too long where somebody waits for a pause.
    calls = ("blackstart.controls.steps.http_call",) if given.pause_on_fail else ()
    read.load(plan.probes(), (*(("plumbum",) if plan.changes else ()), *calls))
    once_more = again(found, given, variant)
    made = Run(plan, given, console, redactor, again=once_more, **head)
    result = made.execute()
    _tell_webhook(result, given, redactor, console)
    wants_to_end = result.exit_code != result.judgement.verdict.exit_code  # there was a signal
    nothing_more = (Verdict.REFUSED, Verdict.NOT_RESTORED)  # of the latter what mends it is to be the last line, soon
    if console.interactive and result.judgement.verdict not in nothing_more and not wants_to_end:
        learning.ask(console, result.evidence, redactor)
    if result.judgement.verdict == Verdict.NOT_RESTORED:
        if made.guardian.goes_on:
            told = "Remove the cause: the guardian, a process of this run, goes on trying and mends it then."
            console.plain(f"{told} How it stands: {status_command()}")
        by_hand = f"by hand: sh {result.evidence.heal_script}"
        console.plain(f"NOT RESTORED. Once the cause is removed, mend it ({by_hand}), or now with:")
        console.plain(heal_command_of(plan.changes, str(found.path.absolute())))
    return result


def _planned(found: discovery.Found, given: Flags, redactor: Redactor, variant: str) -> tuple[Plan, Flags]:
    """What is to be done, to which target, and the flags that are of use there. Raises Refused."""
    target, given = choose(found, given, redactor)
    service_lock.refuse_held([lock_names.of_target(target)])  # what another run has broken is not broken for us
    experiment = fleets.drawn(declared(found, target, given, variant), target, given)
    left_out.refuse([(experiment, left_out.lacking(experiment, target))], target)
    plan = planning.make(experiment, target)
    guard_rails.refuse(plan, ssh_origin.came_by(), os.environ)
    return plan, given


def _tell_webhook(result: Result, given: Flags, redactor: Redactor, console: Console) -> None:
    """Of what broke or is not restored, where a webhook is named; that it could not be told is one line."""
    if given.webhook and result.judgement.verdict in webhook.TOLD_OF:
        try:
            told = result_json.of_run(json_output.view_of(result), result.exit_code)
            place = redactor(socket.gethostname()), redactor(webhook.job_url(os.environ))
            message = result_json.message(redactor.scrub(told), *place)
        except Exception as error:  # whatever is wrong with a record, the run has its verdict
            console.plain(f"the webhook was not told: {type(error).__name__}: {error}")
            return
        if trouble := webhook.tell(given.webhook, message):
            console.plain(trouble)


def choose(found: discovery.Found, given: Flags, redactor: Redactor) -> tuple[Target, Flags]:
    """The target that is meant, its secrets known to the redactor, and the flags that are of use there. Raises Refused,
    also where no abort could be run."""
    target, given = beside_trading(allowing(target_for(discovery.kind_of(found), given), given), given)
    _learn(redactor, target, given)
    if not given.target and given.given.intersection(TARGET_FLAGS):
        guard_rails.refuse_nowhere(target)  # before a container is looked for that may not be there
    safe_state.refuse_missing(target, given)
    return target, given


def declared(found: discovery.Found, target: Target, given: Flags, variant: str = "") -> Experiment:
    """The experiment as its file declares it for this target, with the operator's own hold and load, if there are, and
    without what the operator leaves out."""
    experiment = discovery.declare(found, target, given, variant)
    if names := left_out.chosen(experiment, target, given):
        experiment = discovery.declare(found, left_out.without(target, names), given, variant)
        experiment = left_out.leaving_out(experiment, names)
    experiment = replace(
        experiment,
        hold_min_s=max(experiment.hold_min_s, given.hold_s),
        total_max_s=min(experiment.total_max_s, given.total_max_s),
    )
    return with_k6(experiment, given.k6, given.pods, target)


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
            redactor.learn(references.without_line_end(os.environ.get(reference[4:], "")))


def variant_of(found: discovery.Found, options: Mapping[str, Any], variants: Sequence[str]) -> str:
    """The one that is asked for, by its own switch or as `--variant NAME`. Raises BadFlag for one it does not have."""
    chosen = [variant for variant in variants if options.get(variant.replace("-", "_"))]
    chosen += [options["variant"]] if options.get("variant") else []
    if len(set(chosen)) > 1:
        raise BadFlag(f"--{' and --'.join(chosen)} exclude each other")
    if chosen and chosen[0] not in found.variants:
        has = f"its variants: {', '.join(found.variants)}" if found.variants else "it has none"
        raise BadFlag(f'{found.name} has no variant "{chosen[0]}" ({has})')
    return chosen[0] if chosen else ""


def again(found: discovery.Found, given: Flags, variant: str) -> str:
    """The command that runs the same experiment again, with the same flags; secrets stay in the environment."""
    task = (
        f"{systems.of(found.suite).collection}.{found.name}"
        if found.shipped
        else f"chaos.run {shlex.quote(str(found.path))}"
    )
    if found.scenario and not found.shipped:
        task += f" --scenario={found.name}"
    switch = f"--{variant}" if found.shipped else f"--variant={shlex.quote(variant)}"
    return " ".join([*_switch(), invoke(), task, *flag_words(given), *([switch] if variant else [])])


def _switch() -> list[str]:
    """The freeze switch that was looked at: without it a run would not see what may have ended this one."""
    named = os.environ.get(freeze.NAMED, "")
    secret = "@" in named or in_flags({"freeze": named})
    value = f'"${freeze.NAMED}"' if secret else shlex.quote(named)
    return [f"{freeze.NAMED}={value}"] if named else []


def flag_words(given: Flags) -> list[str]:
    words: list[str] = []
    ignored = TARGET_FLAGS if given.target else ()
    for name in sorted(given.given.difference(ignored)):
        value = getattr(given, name)
        if value is True:
            words.append(f"--{flags.option_name(name)}")
        elif value is not False and not ("://" in str(value) and "@" in str(value) or in_flags({name: str(value)})):
            text = f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
            words.append(f"--{flags.option_name(name)}={shlex.quote(text)}")
    return words

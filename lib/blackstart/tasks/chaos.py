"""`chaos.*`: what there is, what would be done, what is broken, and its mending; beside them stand a suite's drills."""

from typing import Any

from invoke import Collection, task

from blackstart import commands
from blackstart.tasks._options import OPTIONS, experiment_task, finish, refuse_empty
from blackstart.tasks._suites import variants


@task(name="list")
def list_(c: Any) -> None:
    """Every experiment that can be run, with what its file says of it."""
    finish(commands.listing.list_experiments())


@task
def status(c: Any) -> None:
    """What is broken right now, since when, and who looks after it."""
    finish(commands.healing.status())


@task(
    help={"here": "also what was broken on another machine or in another network namespace",
          "forget": "give up this run: what can never be mended stays broken, and is tried no more",
          "reason": "why it is given up (needed with NONINTERACTIVE)",
          "from": "also the undo.json at this path, which no record of yours knows, once its commands are agreed to",
          "agree": "run the commands of --from without a question",
          "experiment": "the file of an experiment of your own, where the run was of one"},
    auto_shortflags=False,
)  # fmt: skip
def heal(
    c: Any,
    here: bool = False,
    forget: str | None = None,
    reason: str | None = None,
    from_: str | None = None,
    agree: bool = False,
    experiment: str | None = None,
) -> None:
    """Mend now what dead runs have left broken; runs that live are left alone."""
    refuse_empty(forget=forget, reason=reason, from_=from_, experiment=experiment)
    if forget or reason:
        finish(commands.healing.forget(forget or "", reason or ""))
    finish(commands.healing.heal(here, from_ or "", agree, experiment or ""))


@task(help={"reason": "why: everybody who is refused is told", "by": "who says so (you)"}, auto_shortflags=False)
def freeze(c: Any, reason: str, by: str | None = None) -> None:
    """No drill of any user of this machine begins from now on; what is broken right now is undone, as ever."""
    refuse_empty(reason=reason, by=by)
    finish(commands.freezing.freeze(reason, by or ""))


@task
def thaw(c: Any) -> None:
    """Drills may begin again."""
    finish(commands.freezing.thaw())


# What only something that is run comes to.
_OF_RESULTS = ("json", "webhook")


def _named(verb: str, doc: str, *switches: str) -> Any:
    def act(options: dict[str, Any]) -> int:
        command = {"plan": commands.plan.plan, "run": commands.run.run}[verb]
        name, scenario = options.pop("experiment"), options.pop("scenario", None) or ""
        if verb == "run" and name.endswith(".isl") and not scenario:
            return commands.suite.specification(name, options)
        return command(name, options, known, scenario)

    known, own = variants(), ("variant", "scenario")
    common = [option for option in OPTIONS if verb == "run" or option not in _OF_RESULTS]
    return experiment_task(verb, doc, act, [*known, *switches], "experiment", own, common)


def _init() -> Any:
    def act(options: dict[str, Any]) -> int:
        name, kind, force = (options.pop(own) for own in ("name", "kind", "force"))
        return commands.init.init(options, name or "", kind or "", bool(force))

    says = {"force": "overwrite a file that is there", "name": "what the target is called (its kind)",
            "kind": "which kind of system it is, where it does not show that itself"}  # fmt: skip
    doc = "Write a target file of what runs here, with where each value came from; touches nothing else."
    common = ("api", "redis_container", "postgres_container", "noninteractive")
    return experiment_task("init", doc, act, ("force",), values=("name", "kind"), common=common, says=says)


def _wait() -> Any:
    def act(options: dict[str, Any]) -> int:
        return commands.waiting.wait(options)

    doc = "Wait until the system to be drilled says that it is ready, for WAIT_READY_TIMEOUT at most; touches nothing."
    common = ("target", "api", "wait_ready_timeout", "noninteractive")
    return experiment_task("wait", doc, act, common=common)


def _due() -> Any:
    def act(options: dict[str, Any]) -> int:
        run, schedule = bool(options.pop("run")), options.pop("schedule") or "schedule.toml"
        return commands.due.due(options, schedule, run)

    says = {"run": "run what is due, longest due first", "schedule": "the calendar of drills (schedule.toml)"}
    doc = "What the calendar of drills says is due, held against the runs there are; --run runs it."
    return experiment_task("due", doc, act, ("run",), values=("schedule",), says=says)


namespace = Collection(
    "chaos",
    list_,
    status,
    heal,
    freeze,
    thaw,
    _init(),
    _wait(),
    _due(),
    _named("plan", "What an experiment would do, to what, and how it would be undone; touches nothing.", "full"),
    _named("run", "Run an experiment by name (NAME, SUITE/NAME) or file."),
)

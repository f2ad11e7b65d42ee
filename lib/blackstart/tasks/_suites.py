"""Makes the tasks of the suites from their folders: one folder, one collection; one file, one task.

Reads the descriptors, and the names and first lines of the experiments; imports none of them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from invoke import Collection

from blackstart import commands
from blackstart.model.system import System
from blackstart.suites import systems
from blackstart.suites.source import About, experiments, scenarios, specifications
from blackstart.suites.source import commands as own_commands
from blackstart.tasks._options import experiment_task

# What a command that is no drill can be told besides what is its own.
_OF_COMMANDS = ("target", "noninteractive", "assume_link", "allow", "reports")


def collections() -> Iterator[Any]:
    """A collection for every suite, with a task for each experiment and each command of its own, and two for all."""
    for system in map(systems.of, systems.kinds()):
        made = Collection(system.collection)
        for path, told in experiments(systems.folder(system.kind)).items():
            made.add_task(_task(system, path, told))
        for name in [name for path in specifications(systems.folder(system.kind)) for name in scenarios(path)]:
            made.add_task(_scenario_task(system, name))
        for path, told in own_commands(systems.folder(system.kind)).items():
            made.add_task(_command_task(system, path, told))
        made.add_task(_suite_task(system))
        made.add_task(_run_task(system))
        yield made


def _task(system: System, path: Path, told: About) -> Any:
    name = path.stem.replace("_", "-")

    def act(options: dict[str, Any]) -> int:
        return commands.run.run(f"{system.kind}/{name}", options, told.variants)

    return experiment_task(name, told.doc, act, told.variants)


def _scenario_task(system: System, name: str) -> Any:
    def act(options: dict[str, Any]) -> int:
        return commands.run.run(f"{system.kind}/{name}", options)

    return experiment_task(name, f"The scenario {name} of the suite's specification.", act)


def _command_task(system: System, path: Path, told: About) -> Any:
    name = path.stem.replace("_", "-")

    def act(options: dict[str, Any]) -> int:
        own = {option: options.pop(option.replace("-", "_"), None) for option in (*told.switches, *told.values)}
        return commands.suite_command.run(system.kind, name, options, own)

    says = {**told.switches, **told.values}
    return experiment_task(name, told.doc, act, [*told.switches], "", [*told.values], _OF_COMMANDS, says)


def _suite_task(system: System) -> Any:
    def act(options: dict[str, Any]) -> int:
        return commands.suite.suite(system.kind, options, keep_going=bool(options.pop("keep_going", False)))

    doc = "All experiments of the suite in order, with one summary table."
    return experiment_task("suite", doc, act, ("keep-going",))


def _run_task(system: System) -> Any:
    def act(options: dict[str, Any]) -> int:
        scenario = options.pop("scenario", None)
        if scenario is None:
            return commands.suite.suite(system.kind, options, keep_going=True)
        return commands.run.run(f"{system.kind}/{scenario}", options)

    example = system.order[-1] if system.order else "NAME"
    return experiment_task("run", f"One scenario by name (--scenario {example}), or all.", act, values=("scenario",))


def variants() -> list[str]:
    """The variants of all shipped experiments, each once."""
    every = [told for kind in systems.kinds() for told in experiments(systems.folder(kind)).values()]
    return list(dict.fromkeys(variant for told in every for variant in told.variants))

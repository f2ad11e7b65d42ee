"""Finds experiments: shipped ones, the user's files, and installed packages. Adding one is adding a file.

Looked for in this order: `./experiments/*.py`, the folders that `BLACKSTART_PATH` names, the shipped suites, and
packages that installed distributions name under the entry point group `blackstart.experiments`.
"""

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from blackstart.base.errors import BadExperiment, BlackstartError, did_you_mean
from blackstart.base.user_files import load_file, mistake_in
from blackstart.dsl.slug import slug
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites import systems
from blackstart.suites.source import (
    About,
    about,
    commands,
    experiments,
    files,
    own_folders,
    scenarios,
    specifications,
    target_named,
)

RESERVED = ("init", "list", "plan", "run", "heal", "status", "suite")


@dataclass(frozen=True)
class Found:
    """An experiment's file: `name` as it is typed, `suite` (a user's own: ""), its first line, its variants. Of a
    specification it is one `scenario`."""

    name: str
    suite: str
    path: Path
    module: str
    says: str
    variants: tuple[str, ...] = ()
    scenario: bool = False

    @property
    def shipped(self) -> bool:
        """Whether it is one of ours, with a task of its own."""
        return self.module.startswith("blackstart.suites.")


def shipped(suite: str) -> list[Found]:
    """The experiments of one shipped suite, without importing any."""
    folder = systems.folder(suite)
    module = f"blackstart.suites.{folder.name}"
    drills = [_found(path, suite, f"{module}.{path.stem}", told) for path, told in experiments(folder).items()]
    return [*drills, *_scenarios(folder, suite, module)]


def command(suite: str, name: str) -> Found:
    """A shipped suite's own command of that name."""
    folder = systems.folder(suite)
    path = folder / f"{name.replace('-', '_')}.py"
    return _found(path, suite, f"blackstart.suites.{folder.name}.{path.stem}", commands(folder)[path])


def everything() -> Iterator[Found]:
    """All experiments there are, the user's own first."""
    for folder in own_folders():
        yield from _in(folder, "")
        yield from _scenarios(folder, "", "")
    for kind in systems.kinds():
        yield from shipped(kind)
    for point in entry_points(group="blackstart.experiments"):
        try:
            spec = importlib.util.find_spec(point.value)
        except (ImportError, ValueError) as error:
            yield Found(point.name, point.name, Path(point.value), point.value, f"(can't be found: {error})")
            continue
        for place in (spec.submodule_search_locations or []) if spec else []:
            yield from _in(Path(place), point.name, f"{point.value}.")


def _in(folder: Path, suite: str, package: str = "") -> Iterator[Found]:
    """The experiments among a folder's files; what only has injectors is none."""
    for path in files(folder):
        told = about(path)
        if told.declares or not told.injectors:
            yield _found(path, suite, f"{package}{path.stem}" if package else "", told)


def _scenarios(folder: Path, suite: str, module: str) -> Iterator[Found]:
    for path in specifications(folder):
        for name in scenarios(path):
            yield _scenario(name, path, suite, f"{module}.{path.stem}" if module else "")


def in_specification(path: Path) -> list[Found]:
    """The scenarios of a specification, in its order, as it is read to be run. Raises BadSpec."""
    from blackstart.dsl import lower  # noqa: PLC0415  (listing and healing load no grammar)
    from blackstart.suites.injectors import Own  # noqa: PLC0415  (nor do they need these)

    return [_scenario(name, path) for name in lower.names(path, Own())]


def _scenario(name: str, path: Path, suite: str = "", module: str = "") -> Found:
    return Found(name, suite, path, module, f"A scenario of {path.name}.", scenario=True)


def _found(path: Path, suite: str, module: str, told: About | None = None) -> Found:
    told = told or about(path)
    return Found(path.stem.replace("_", "-"), suite, path, module, told.says, told.variants)


def kind_of(found: Found) -> str:
    """The kind of target that it is for: its suite, or what its own Experiment says. "" where that can't be told."""
    if found.shipped or found.scenario:
        return found.suite
    named = target_named(found.path)
    if named:
        return named
    made = getattr(load(found), "experiment", None)
    return made.target if isinstance(made, Experiment) else found.suite


def find(name_or_file: str, scenario: str = "") -> Found:
    """The experiment of that name (`leader-lock`, `trader/leader-lock`) or file; of a specification, the scenario.
    Raises BadExperiment."""
    if name_or_file.endswith(".isl"):
        return _one_scenario(Path(name_or_file), scenario)
    if scenario:
        raise BadExperiment(f"{name_or_file} has no scenarios: only a specification has (spec.isl)")
    if name_or_file.endswith(".py"):
        path = Path(name_or_file)
        if not path.is_file():
            raise BadExperiment(f"no file {name_or_file}")
        return _found(path, "", "")
    matches = [found for found in everything() if name_or_file in (found.name, f"{found.suite}/{found.name}")]
    if not matches:
        suite = name_or_file.partition("/")[0] if "/" in name_or_file else ""
        every = list(everything())
        known = [found.name for found in every if found.suite == suite] if suite else []
        known = known or [found.name for found in every]
        raise BadExperiment(f'no experiment "{name_or_file}".{did_you_mean(name_or_file, known)}')
    if len(matches) > 1:
        places = ", ".join(str(found.path) for found in matches)
        raise BadExperiment(f'"{name_or_file}" is the name of {len(matches)} experiments ({places}); name the file')
    return matches[0]


def _one_scenario(path: Path, scenario: str) -> Found:
    if not path.is_file():
        raise BadExperiment(f"no file {path}")
    there = in_specification(path)
    names = [found.name for found in there]
    wanted = slug(scenario)
    if scenario and wanted not in names:
        raise BadExperiment(f'{path} has no scenario "{scenario}".{did_you_mean(wanted, names)}')
    if not scenario and len(there) != 1:
        raise BadExperiment(
            f"{path} has {len(there)} scenarios; name one with --scenario ({', '.join(names) or 'none'})"
        )
    return there[names.index(wanted)] if scenario else there[0]


def declare(found: Found, target: Target, flags: Flags, variant: str = "") -> Experiment:
    """The experiment in a file, for this target. The file has `experiment`, an Experiment or a function of
    (target, flags, variant) that makes one. Raises BadExperiment that says what is wrong with the file."""
    if found.name in RESERVED:
        raise BadExperiment(f'{found.path}: "{found.name}" is the name of a command; rename the file')
    if found.scenario:
        from blackstart.dsl import lower  # noqa: PLC0415  (listing and healing load no grammar)
        from blackstart.suites.injectors import Own  # noqa: PLC0415  (nor do they need these)

        return replace(lower.experiment(found.path, found.name, target, Own()), link=systems.links(target))
    made = getattr(load(found), "experiment", None)
    if callable(made):
        try:
            made = made(target, flags, variant)
        except BlackstartError:
            raise
        except Exception as error:
            raise BadExperiment(f"{found.path}: {mistake_in(error)}") from error
    elif variant:
        raise BadExperiment(f"{found.name} has no variant {variant}")
    if not isinstance(made, Experiment):
        raise BadExperiment(f"{found.path} does not define `experiment` (an Experiment, or a function that makes one)")
    return made


def load(found: Found, sha256: str = "") -> ModuleType:
    """Import an experiment's file. Raises BadExperiment that names the line of a mistake. A specification has no code:
    what stands for it is empty."""
    if found.scenario:
        return ModuleType(found.name)
    if not found.module:
        return load_file(str(found.path), sha256)
    try:
        return importlib.import_module(found.module)
    except Exception as error:
        raise BadExperiment(f"{found.path}: {mistake_in(error)}") from error

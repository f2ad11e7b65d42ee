"""What criteria are told by and only the target's file can say: demanded beforehand, or left out by choice.

A drill that could only end inconclusive for want of it is not started.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from blackstart.base.errors import BadExperiment, BadFlag, NotDeclared, NotShown, did_you_mean
from blackstart.base.state import invoke
from blackstart.model.declaration import FACTS, Declaration
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites import systems

Needs = Mapping[str, tuple[str, ...]]


def chosen(experiment: Experiment, target: Target, given: Flags) -> tuple[str, ...]:
    """Those of the experiment's needs that the operator leaves out. Raises BadFlag for a name that means nothing for
    any system: a variable may be meant for another one, and NotShown where nothing of this one would be left."""
    every = {name for kind in systems.kinds() for name in systems.of(kind).declarations}
    known = every.union(experiment.needs)
    for name in given.left_out:
        if name not in known:
            raise BadFlag(f'{given.called("without")}: nothing is called "{name}".{did_you_mean(name, known)}')
    names = tuple(name for name in experiment.needs if name in given.left_out)
    whole = [name for name in names if not experiment.needs[name]]
    if whole:
        raise NotShown(
            f"nothing of {experiment.name} is left without {' and '.join(whole)}, which {_by(given)} leaves out"
        )
    return names


def without(target: Target, names: Iterable[str]) -> Target:
    """The target as one that says nothing of these."""
    for name in names:
        target = _unsaid(target, name, _declaration(target, name))
    return target


def leaving_out(experiment: Experiment, names: Collection[str]) -> Experiment:
    """The experiment whose criteria that are told by these take nothing away from *held*."""
    return replace(experiment, left_out={name: experiment.needs[name] for name in names})


def lacking(experiment: Experiment, target: Target) -> Needs:
    """What it still needs, of what the target does not say. Nothing is needed for criteria that are left out anyhow."""
    gone = {criterion for criteria in experiment.left_out.values() for criterion in criteria}
    return {
        name: criteria
        for name, criteria in experiment.needs.items()
        if name not in experiment.left_out
        and not says(target, name, _declaration(target, name))
        and not (criteria and gone.issuperset(criteria))
    }


def refuse(needed: Sequence[tuple[Experiment, Needs]], target: Target) -> None:
    """Raises NotDeclared where any of these lacks something, with the lines to write and the file to write them to."""
    needed = [(experiment, needs) for experiment, needs in needed if needs]
    names = list(dict.fromkeys(name for _, needs in needed for name in needs))
    if not names:
        return
    told = {name: _declaration(target, name) for name in names}
    means = " and ".join(f"{one.means} ({name})" for name, one in told.items())
    which = ", ".join(dict.fromkeys(experiment.name for experiment, _ in needed))
    raise NotDeclared(
        f"{which} must be told {means}, and {target.name} does not say it. Write the lines below into "
        f"{_file(target)}{_choice(needed)}",
        _lines(told.values(), target),
    )


def says(target: Target, name: str, one: Declaration) -> bool:
    """Whether the target says what that declaration is about."""
    if one.service:
        return bool(one.service in target.services and target.services[one.service].dsn)
    return name in target.facts if one.table == FACTS else one.table in target.routes


def _unsaid(target: Target, name: str, one: Declaration) -> Target:
    if one.service in target.services:
        unsaid = replace(target.services[one.service], dsn="")
        return replace(target, services={**target.services, one.service: unsaid})
    if one.table == FACTS:
        return replace(target, facts={fact: told for fact, told in target.facts.items() if fact != name})
    return replace(target, routes={key: route for key, route in target.routes.items() if key != one.table})


def _has_heading(target: Target, one: Declaration) -> bool:
    """Whether the target's file has the table already: TOML takes a heading once."""
    return bool(target.file) and (one.service in target.services or (one.table == FACTS and bool(target.facts)))


def _choice(needed: Sequence[tuple[Experiment, Needs]]) -> str:
    """How the rest is run without them, where there is a rest."""
    names, criteria, whole = [], [], []
    for experiment, needs in needed:
        enough = [name for name in needs if not _covered(name, needs)]
        names += enough
        whole += [experiment.name for name in enough if not needs[name]]
        criteria += [criterion for name in enough for criterion in needs[name]]
    if not criteria and len(needed) == len(whole) == 1:
        return ""
    what = [*(f"all of {name}" for name in dict.fromkeys(whole)), *dict.fromkeys(criteria)]
    return f"; or leave out what is told by it ({', '.join(what)}): --without {','.join(dict.fromkeys(names))}"


def _covered(name: str, needs: Needs) -> bool:
    """Whether leaving another one out leaves out all that is told by this one."""
    return any(
        other != name and (not criteria or (needs[name] and set(needs[name]) < set(criteria)))
        for other, criteria in needs.items()
    )


def _lines(told: Iterable[Declaration], target: Target) -> list[str]:
    tables: dict[str, list[str]] = {}
    for one in told:
        heading = f"[{one.table}]" + (" # it is there already: write below it" if _has_heading(target, one) else "")
        tables.setdefault(heading, []).append(one.line)
    return [line for heading, lines in tables.items() for line in (heading, *lines)]


def _file(target: Target) -> str:
    if target.file:
        path = Path(target.file)
        return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    path, made = Path("targets", f"{target.name}.toml"), f"--target {target.name}"
    how = f"`{invoke()} chaos.init` writes one of what runs here; then {made}"
    if path.exists():
        of = target.why.partition(";")[0]
        how = f"it is there, and was not read, since the target is made of {of}: {made} reads it"
    return f"{path} ({how})"


def _by(given: Flags) -> str:
    return f"{given.called('without')} {given.without}".replace("WITHOUT ", "WITHOUT=")


def _declaration(target: Target, name: str) -> Declaration:
    known = target.system.declarations
    if name not in known:
        raise BadExperiment(
            f'it needs "{name}", of which nobody knows how a target says it.{did_you_mean(name, known)}'
        )
    return known[name]

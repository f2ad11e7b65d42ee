"""From the faults of a schedule to its stretches; a schedule that could not be kept, or proved, is refused."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from typing import Any

from blackstart.base.errors import BadExperiment
from blackstart.model.change import Change
from blackstart.model.experiment import Experiment
from blackstart.model.reading import Probe
from blackstart.model.schedule import BETWEEN_S, At, Stretch
from blackstart.verdict.monitors import BITE_WITHIN_S

_PHASES = ("baseline", "fault", "recovery", "settle", "drain", "end", "between")


def stretches(experiment: Experiment, planned: Sequence[tuple[Change, ...]]) -> tuple[Stretch, ...]:
    """The stretches of a schedule, in order of their beginnings; none where its faults are injected together.

    `planned` are the changes of each fault. Raises BadExperiment.
    """
    scheduled = [fault for fault in experiment.faults if isinstance(fault, At)]
    if not scheduled:
        return ()
    if len(scheduled) < len(experiment.faults):
        raise _bad(experiment, "some of its faults have a time, and others none: give each its At(...)")
    made, number = [], 0
    for at, changes in zip(scheduled, planned, strict=True):
        numbers = tuple(range(number, number + len(changes)))
        made.append(Stretch(at.called, at.at_s, at.at_s + at.hold_s, numbers))
        number += len(changes)
    made.sort(key=lambda stretch: (stretch.from_s, stretch.to_s))
    _refuse(experiment, scheduled, made, [change for changes in planned for change in changes])
    return tuple(made)


def in_force_s(experiment: Experiment, fault: Any, exact_s: float | None) -> float:
    """How long the run may need what the fault makes, at most, in seconds: until it bites, for the hold (`exact_s` of
    all of its faults, where one has such), and as long as an undo before its own may take; never above ten minutes."""
    if isinstance(fault, At):
        held_s = fault.hold_s
    else:
        held_s = BITE_WITHIN_S + experiment.hold_max_s if exact_s is None else exact_s
    return min(held_s + experiment.undo_timeout_s, Change.lease_s)


def told_apart(changes: Sequence[Change]) -> list[Change]:
    """The changes, where those of two stretches look in the same place for something else: under names of their own."""
    known: dict[str, Probe] = {}

    def own(number: int, probe: Probe) -> Probe:
        named = is_dataclass(probe) and any(field.name == "name" for field in fields(probe))
        if known.setdefault(probe.name, probe) == probe or not named:
            return probe
        other: Any = replace(probe, name=f"{probe.name}_{number + 1}")  # type: ignore[type-var]
        return other if known.setdefault(other.name, other) == other else probe

    return [
        replace(
            change,
            bites=tuple(one.on(lambda probe, n=number: own(n, probe)) for one in change.bites),  # type: ignore[misc]
            gone=tuple(one.on(lambda probe, n=number: own(n, probe)) for one in change.gone),  # type: ignore[misc]
        )
        for number, change in enumerate(changes)
    ]


def _refuse(experiment: Experiment, faults: Sequence[At], made: Sequence[Stretch], changes: Sequence[Change]) -> None:
    if not changes:
        raise _bad(experiment, "its schedule has no fault")
    names = [stretch.name for stretch in made]
    if twice := sorted({name for name in names if names.count(name) > 1 or name in _PHASES}):
        raise _bad(
            experiment, f"two stretches, or a stretch and a phase, are named {', '.join(twice)}; name them apart"
        )
    for at in faults:
        if getattr(at.fault, "hold_s", None) is not None:
            raise _bad(experiment, f"{at.fault.describe()} says itself how long it holds: use stop, and At(hold_s=...)")
    if by_hand := [change.what for change in changes if change.undo_by_hand]:
        raise _bad(experiment, f"{', '.join(by_hand)} is done by hand, and no hand keeps to a schedule")
    last_s = max(stretch.to_s for stretch in made)
    if last_s >= experiment.total_max_s:
        raise _bad(experiment, f"its schedule takes {last_s:g} s, and the run may take {experiment.total_max_s:g} s")
    for stretch in made:
        for change in (changes[number] for number in stretch.changes):
            if stretch.to_s - stretch.from_s >= change.lease_s:
                raise _bad(experiment, f"{stretch.name} may last {change.lease_s:g} s at most")
    for service in dict.fromkeys(change.service for change in changes):
        _refuse_overlap(experiment, service, [s for s in made if service in {changes[n].service for n in s.changes}])


def _refuse_overlap(experiment: Experiment, service: str, made: Sequence[Stretch]) -> None:
    for one, other in pairwise(made):
        if other.from_s < one.to_s + BETWEEN_S:
            raise _bad(
                experiment,
                f"{other.name} ({other.when}) begins before {one.name} ({one.when}) is over and proved undone, and "
                f"both are faults of {service}: leave {BETWEEN_S:g} s between them",
            )


def _bad(experiment: Experiment, what: str) -> BadExperiment:
    return BadExperiment(f"{experiment.name}: {what}")

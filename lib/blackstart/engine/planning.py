"""From an experiment and a target to what would be done, as data. Reads what is there; touches nothing."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import blackstart
from blackstart import controls
from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadExperiment, Damaged, Refused
from blackstart.engine import lock_names, scheduling
from blackstart.model.change import Change
from blackstart.model.expect import Expectation
from blackstart.model.experiment import Experiment
from blackstart.model.injector import lost_means, without_user
from blackstart.model.plan import Plan
from blackstart.model.reading import Probe
from blackstart.model.schedule import At
from blackstart.model.step import Command
from blackstart.model.target import Target
from blackstart.reports import observed
from blackstart.suites import systems


def make(experiment: Experiment, target: Target) -> Plan:
    """The plan. Raises Refused (BadTarget, BadExperiment) where the target can't have this experiment."""
    # An experiment that says nothing of a LIVE mode must not be the way around it.
    forbidding = (one for one in systems.forbidding(target) if one not in experiment.refuse_if)
    bound = bind(replace(experiment, refuse_if=(*experiment.refuse_if, *forbidding)), target)
    bound = replace(bound, hold_max_s=max(bound.hold_min_s, bound.hold_max_s))
    planned: list[tuple[Change, ...]] = []
    flows = experiment.traffic is not None and experiment.traffic.flows == "throughout"
    exact = [fault for fault in experiment.faults if not isinstance(fault, At)]
    holds = [fault.hold_s for fault in exact if getattr(fault, "hold_s", None) is not None]
    for fault in experiment.faults:
        made = fault.plan(replace(target, in_force_s=scheduling.in_force_s(bound, fault, max(holds, default=None))))
        if not made and not (isinstance(fault, At) and fault.fault is None):
            raise Refused(f"{fault.describe()} changes nothing on {target.name}")
        planned.append(tuple(map(proved_in_use, made) if flows else made))
    schedule = scheduling.stretches(experiment, planned)
    changes = [change for made in planned for change in made]
    changes = scheduling.told_apart(changes) if schedule else changes
    for change in changes:
        if not change.bites or not change.gone:
            raise Refused(f'"{change.what}" has no proof that it takes effect or is undone')
    bound = replace(bound, stop_if=(*bound.stop_if, *lost_means(changes)))
    _sensible(bound, changes)
    _can_be_recorded(bound, changes)
    touched = [target.services[name] for name in dict.fromkeys(c.service for c in changes) if name in target.services]
    found = {service.name: controls.resolved(service) for service in touched if service.control}
    bound = replace(bound, link=(*bound.link, *_known_links(bound, target, changes)))
    places = (*lock_names.of_services(touched, target, found), lock_names.of_target(target))
    return Plan(bound, target, tuple(changes), places, max(holds, default=None), found, schedule)


def proved_in_use(change: Change) -> Change:
    """The change, refused at its rehearsal where its proxy carries nothing. Only for runs whose load flows by then."""
    probes = [condition.probe for condition in change.gone]
    places: dict[tuple[str, str], None] = dict.fromkeys(probe.place() for probe in probes if hasattr(probe, "place"))
    env = {"PYTHONPATH": str(Path(blackstart.__file__).parents[1])}
    steps = [
        Command((sys.executable, "-m", "blackstart.faults._carried", without_user(api), proxy), env=env)
        for api, proxy in places
    ]
    return replace(change, rights=(*change.rights, *steps))


def _known_links(experiment: Experiment, target: Target, changes: Sequence[Change]) -> tuple[Any, ...]:
    """What is known of this kind of target, for the services of which the experiment itself proves nothing."""
    proved = {proof.service for proof in experiment.link}
    unproved = {change.service for change in changes} - proved
    return tuple(proof for proof in systems.links(target) if proof.service in unproved) if unproved else ()


def bind(experiment: Experiment, target: Target) -> Experiment:
    """The experiment with every probe bound to the target."""
    return _each_probe(experiment, lambda probe: probe.bind(target))


def with_history(experiment: Experiment, path: Path) -> Experiment:
    """The experiment with every probe that follows the run's own load told where its history is."""
    return _each_probe(experiment, lambda probe: probe.at_history(path) if hasattr(probe, "at_history") else probe)


def _each_probe(experiment: Experiment, change: Callable[[Probe], Probe]) -> Experiment:
    def expectations(items: tuple[Any, ...]) -> tuple[Expectation, ...]:
        return tuple(replace(item, condition=item.condition.on(change)) for item in items)

    return replace(
        experiment,
        baseline=expectations(experiment.baseline),
        during=expectations(experiment.during),
        recovery=expectations(experiment.recovery),
        drained=expectations(experiment.drained),
        always=expectations(experiment.always),
        stop_if=tuple(item.on(change) for item in experiment.stop_if),
        refuse_if=tuple(item.on(change) for item in experiment.refuse_if),
        collect=tuple(change(probe) for probe in experiment.collect),
        collect_before=tuple(change(probe) for probe in experiment.collect_before),
        watch=tuple(change(probe) for probe in experiment.watch),
    )


def _sensible(experiment: Experiment, changes: Sequence[Change]) -> None:
    """Refuse what could only end in confusion: readings mixed up by their names, waits that can't be waited for."""
    phases = (
        experiment.baseline, experiment.during, experiment.recovery, experiment.drained, experiment.always
    )  # fmt: skip
    conditions = [e.condition for phase in phases for e in phase] + list(experiment.stop_if)
    conditions += [condition for change in changes for condition in (*change.bites, *change.gone)]
    named: dict[str, Probe] = {}
    for probe in [probe for condition in conditions for probe in condition.probes] + list(experiment.watch):
        if named.setdefault(probe.name, probe) != probe:
            raise _bad(experiment, f'two different probes are named "{probe.name}"; give one another name')
    names = [e.name for phase in phases for e in phase] + [check.name for check in experiment.checks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _bad(experiment, f"two expectations are named {', '.join(twice)}; give one another name")
    if not (any(phases[1:]) or experiment.checks):
        raise _bad(experiment, "it expects nothing, so nothing could come of it")
    for row in experiment.evidence_rows:
        if why := observed.wrong(row):
            raise _bad(experiment, f'the row "{row.text}" of its evidence can never be told: {why}')
    if not changes and experiment.traffic is None:
        tables = "[orders], [plans] or [requests] in the target's file"
        raise _bad(experiment, f"it breaks nothing and sends no load: give it a fault, or say where to send ({tables})")
    for expectation in (*experiment.baseline, *experiment.drained):
        if expectation.when != "eventually":
            which = "baseline" if expectation in experiment.baseline else "end of what the load left"
            raise _bad(experiment, f"{expectation.name}: the {which} is waited for; say eventually(...)")
    for expectation in experiment.always:
        if expectation.when == "eventually":
            raise _bad(experiment, f"{expectation.name}: an eventually(...) belongs to `during` or `recovery`")


def _can_be_recorded(experiment: Experiment, changes: Sequence[Change]) -> None:
    """Whether guardian, `chaos.heal` and the judge will be able to rebuild it, asked before they have to."""
    try:
        from_data(to_data(experiment))
        from_data(to_data(tuple(changes)))
    except (TypeError, Damaged) as error:
        raise _bad(experiment, f"it can't be recorded: {error}") from error


def _bad(experiment: Experiment, what: str) -> BadExperiment:
    return BadExperiment(f"{experiment.name}: {what}")

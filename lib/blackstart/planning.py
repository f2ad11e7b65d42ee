"""From an experiment and a target to what would be done, as data. Reads what is there; touches nothing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from blackstart import controls
from blackstart.codec import from_data, to_data
from blackstart.control import Control
from blackstart.errors import BadExperiment, Damaged, Refused
from blackstart.expect import Condition, Expectation
from blackstart.means import lost_means, proved_in_use
from blackstart.model import Ask, Change, Experiment, Probe
from blackstart.systems import known
from blackstart.target import Service, Target

_LOOPBACK = re.compile(r"(?<![\w.:-])(127\.0\.0\.1|\[::1\]|0\.0\.0\.0|\[::\]):(?=\d)")


@dataclass(frozen=True)
class Plan:
    """An experiment bound to a target: absolute addresses, planned changes, and the identities that must be locked.

    `controls` are those of the touched services, exactly as found; a service that is only touched from outside (its
    proxy, its port) may have none.
    """

    experiment: Experiment
    target: Target
    changes: tuple[Change, ...]
    identities: tuple[str, ...]
    holds_s: float | None
    controls: Mapping[str, Control] = field(default_factory=dict)

    @property
    def services(self) -> tuple[str, ...]:
        """The services that will be touched, each once."""
        return tuple(dict.fromkeys(change.service for change in self.changes))

    @property
    def by_hand(self) -> bool:
        """Whether an undo needs a person."""
        return any(change.undo_by_hand for change in self.changes)

    @property
    def drives(self) -> str:
        """The load that will be sent, in words; empty where there is none. It is no change, but it leaves its mark."""
        if self.experiment.traffic is None:
            return ""
        load = self.experiment.traffic.load
        if load.kind == "commands":
            where = f"on {load.host} " if load.host else ""
            return f"run `{shlex.join(load.argv)}` {where}for each request of the load {load.name}"
        return f"send the load {load.name} ({load.kind.replace('_', ' ')}) to {self.target.api or self.target.name}"

    @property
    def hands_within_s(self) -> float:
        """How long a person is given to make the changes that only a person can make; 0 where there are none."""
        asked = [step.timeout_s for change in self.changes for step in change.do if isinstance(step, Ask)]
        return max(asked, default=0.0)

    def probes(self) -> list[Probe]:
        """Every probe that is read from the baseline on, each once."""
        experiment = self.experiment
        expectations = experiment.baseline + experiment.during + experiment.recovery + experiment.always
        probes = [expectation.condition.probe for expectation in expectations] + list(experiment.watch)
        return list({probe.name: probe for probe in probes}.values())


def make(experiment: Experiment, target: Target) -> Plan:
    """The plan. Raises Refused (BadTarget, BadExperiment) where the target can't have this experiment."""
    # An experiment that says nothing of a LIVE mode must not be the way around it.
    forbidding = (one for one in known.forbidding(target) if one not in experiment.refuse_if)
    bound = bind(replace(experiment, refuse_if=(*experiment.refuse_if, *forbidding)), target)
    bound = replace(bound, hold_max_s=max(bound.hold_min_s, bound.hold_max_s))
    changes: list[Change] = []
    flows = experiment.traffic is not None and experiment.traffic.flows == "throughout"
    holds = [fault.hold_s for fault in experiment.faults if getattr(fault, "hold_s", None) is not None]
    for fault in experiment.faults:
        planned = fault.plan(target)
        if not planned:
            raise Refused(f"{fault.describe()} changes nothing on {target.name}")
        changes.extend(map(proved_in_use, planned) if flows else planned)
    for change in changes:
        if not change.bites or not change.gone:
            raise Refused(f'"{change.what}" has no proof that it takes effect or is undone')
    bound = replace(bound, stop_if=(*bound.stop_if, *lost_means(changes)))
    _sensible(bound, changes)
    _can_be_recorded(bound, changes)
    touched = [target.services[name] for name in dict.fromkeys(c.service for c in changes) if name in target.services]
    found = {service.name: controls.resolved(service) for service in touched if service.control}
    # Whatever name it is called by in whatever target: two runs on one thing must meet at one lock.
    identities = [found[one.name].identity() for one in touched if one.name in found]
    identities += [_place(one, target) for one in touched if one.address or one.name not in found]
    bound = replace(bound, link=(*bound.link, *_known_links(bound, target, changes)))
    places = (*identities, identity_of(target))
    return Plan(bound, target, tuple(changes), places, max(holds, default=None), found)


def _known_links(experiment: Experiment, target: Target, changes: Sequence[Change]) -> tuple[Any, ...]:
    """What is known of this kind of target, for the services of which the experiment itself proves nothing."""
    proved = {proof.service for proof in experiment.link}
    unproved = {change.service for change in changes} - proved
    return tuple(proof for proof in known.links(target) if proof.service in unproved) if unproved else ()


def identity_of(target: Target) -> str:
    """The one name of a target on this machine, for the lock that keeps two runs apart, however it is written."""
    return f"target:{_one_name(target.api.rstrip('/')) or target.name}"


def _place(service: Service, target: Target) -> str:
    place = _one_name(service.address)
    return f"address:{place}" if place else f"service:{target.name}/{service.name}"


def _one_name(address: str) -> str:
    return _LOOPBACK.sub("localhost:", address.lower())


def bind(experiment: Experiment, target: Target) -> Experiment:
    """The experiment with every probe bound to the target."""
    return _each_probe(experiment, lambda probe: probe.bind(target))


def with_history(experiment: Experiment, path: Path) -> Experiment:
    """The experiment with every probe that follows the run's own load told where its history is."""
    return _each_probe(experiment, lambda probe: probe.at_history(path) if hasattr(probe, "at_history") else probe)


def _each_probe(experiment: Experiment, change: Callable[[Probe], Probe]) -> Experiment:
    def condition(item: Condition) -> Condition:
        return replace(item, probe=change(item.probe))

    def expectations(items: tuple[Any, ...]) -> tuple[Expectation, ...]:
        return tuple(replace(item, condition=condition(item.condition)) for item in items)

    return replace(
        experiment,
        baseline=expectations(experiment.baseline),
        during=expectations(experiment.during),
        recovery=expectations(experiment.recovery),
        always=expectations(experiment.always),
        stop_if=tuple(condition(item) for item in experiment.stop_if),
        refuse_if=tuple(condition(item) for item in experiment.refuse_if),
        collect=tuple(change(probe) for probe in experiment.collect),
        watch=tuple(change(probe) for probe in experiment.watch),
    )


def _sensible(experiment: Experiment, changes: Sequence[Change]) -> None:
    """Refuse what could only end in confusion: readings mixed up by their names, waits that can't be waited for."""
    phases = (experiment.baseline, experiment.during, experiment.recovery, experiment.always)
    conditions = [e.condition for phase in phases for e in phase] + list(experiment.stop_if)
    conditions += [condition for change in changes for condition in (*change.bites, *change.gone)]
    named: dict[str, Probe] = {}
    for probe in [condition.probe for condition in conditions] + list(experiment.watch):
        if named.setdefault(probe.name, probe) != probe:
            raise _bad(experiment, f'two different probes are named "{probe.name}"; give one another name')
    names = [e.name for phase in phases for e in phase] + [check.name for check in experiment.checks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _bad(experiment, f"two expectations are named {', '.join(twice)}; give one another name")
    if not (experiment.during or experiment.recovery or experiment.always or experiment.checks):
        raise _bad(experiment, "it expects nothing, so nothing could come of it")
    for expectation in experiment.baseline:
        if expectation.when != "eventually":
            raise _bad(experiment, f"{expectation.name}: the baseline is waited for; say eventually(...)")
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

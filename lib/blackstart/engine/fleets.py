"""Faults of a service that runs on several hosts: on how many of them, and which, as the flags say."""

from dataclasses import replace
from typing import Any

from blackstart.faults.some import Some
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.schedule import At
from blackstart.model.target import Target


def drawn(experiment: Experiment, target: Target, flags: Flags) -> Experiment:
    """The experiment with each fault of such a service on some of its instances; one that says so itself stays."""
    return replace(experiment, faults=tuple(_drawn(fault, target, flags) for fault in experiment.faults))


def _drawn(fault: Any, target: Target, flags: Flags) -> Any:
    if isinstance(fault, At):
        return replace(fault, fault=_drawn(fault.fault, target, flags))
    if getattr(fault, "service", None) not in target.fleets:
        return fault
    many = flags.on_hosts
    return Some(fault, seed=flags.hosts_seed, **({"share": many} if isinstance(many, float) else {"count": many}))

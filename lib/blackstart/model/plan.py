"""What would be done: an experiment bound to a target, as data."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from blackstart.model.change import Change
from blackstart.model.control import Control
from blackstart.model.experiment import Experiment
from blackstart.model.reading import Probe
from blackstart.model.schedule import Stretch
from blackstart.model.step import Ask
from blackstart.model.target import Target


@dataclass(frozen=True)
class Plan:
    """An experiment bound to a target: absolute addresses, planned changes, and the identities that must be locked.

    `controls` are those of the touched services, exactly as found; a service that is only touched from outside (its
    proxy, its port) may have none. `schedule` says when each change is made and undone, where they have times of their
    own.
    """

    experiment: Experiment
    target: Target
    changes: tuple[Change, ...]
    identities: tuple[str, ...]
    holds_s: float | None
    controls: Mapping[str, Control] = field(default_factory=dict)
    schedule: tuple[Stretch, ...] = ()

    @property
    def services(self) -> tuple[str, ...]:
        """The services that will be touched, each once."""
        return tuple(dict.fromkeys(change.service for change in self.changes))

    def when(self, number: int) -> str:
        """When the change of that number is in force, as in "from T+5 s to T+30 s"; "" without a schedule."""
        return next((stretch.when for stretch in self.schedule if number in stretch.changes), "")

    @property
    def whats(self) -> tuple[str, ...]:
        """What will be changed, and when, where there is a schedule."""
        return tuple(", ".join(filter(None, (c.what, self.when(n)))) for n, c in enumerate(self.changes))

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
        if load.kind == "k6_pods":
            where = f"in the namespace {load.place.namespace} of {load.place.context}"
            to = load.api or self.target.api
            return f"make {load.pods} pods of {load.image} {where}, and send the load {load.name} from them to {to}"
        return f"send the load {load.name} ({load.says}) to {self.target.api or self.target.name}"

    @property
    def hands_within_s(self) -> float:
        """How long a person is given to make the changes that only a person can make; 0 where there are none."""
        asked = [step.timeout_s for change in self.changes for step in change.do if isinstance(step, Ask)]
        return max(asked, default=0.0)

    def probes(self) -> list[Probe]:
        """Every probe that is read from the baseline on, each once."""
        experiment = self.experiment
        expectations = experiment.baseline + experiment.during + experiment.recovery
        expectations += experiment.drained + experiment.always
        probes = [probe for expectation in expectations for probe in expectation.condition.probes]
        probes += experiment.watch
        return list({probe.name: probe for probe in probes}.values())

"""What a load needs in a cluster: made before it begins, and taken away after it, as durably as a fault is undone.

It is no fault: it neither bites nor recovers, so the record tells of it in words of its own, and judges only whether it
is gone.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from blackstart.engine.injection import Injection
from blackstart.engine.narrator import Narrator
from blackstart.engine.observer import Observer
from blackstart.evidence.events import EventName
from blackstart.evidence.folder import Folder
from blackstart.loads import K6Pods, k6_job
from blackstart.model.change import Change
from blackstart.model.experiment import Experiment
from blackstart.model.plan import Plan
from blackstart.safety.guardian.client import Guardian
from blackstart.safety.preflight import rehearsal
from blackstart.safety.processes.identity import boot_id

_LONGER_THAN_THE_RUN_S = 120.0
_TOLD = {EventName.DO: EventName.SET_UP} | {
    name: name for name in (EventName.STEP, EventName.UNDO_SAID, EventName.FOUND_UNDONE, EventName.GONE)
}


def of_run(experiment: Experiment, folder: Folder) -> Experiment:
    """The experiment, what its load needs named after this run."""
    traffic = experiment.traffic
    if traffic is None or not isinstance(traffic.load, K6Pods):
        return experiment
    return replace(experiment, traffic=replace(traffic, load=traffic.load.of_run(boot_id(), str(folder.path))))


def changes(plan: Plan, folder: Folder) -> tuple[Change, ...]:
    """What the load of that run needs; nothing where its process is all."""
    traffic = plan.experiment.traffic
    if traffic is None or not isinstance(traffic.load, K6Pods):
        return ()
    load = traffic.load.at(plan.target.api, plan.target.headers)
    return (k6_job.change(load, folder.run, plan.experiment.total_max_s + _LONGER_THAN_THE_RUN_S),)


class LoadSetup(Injection):
    """The changes for the load, which come after the plan's in the ledger."""

    def __init__(self, plan: Plan, folder: Folder, observer: Observer, narrator: Narrator, guardian: Guardian) -> None:
        own = replace(plan, changes=changes(plan, folder))
        super().__init__(own, folder, observer, narrator, guardian)
        self.first = len(plan.changes)

    def make(self, between: Callable[[], None]) -> None:
        """Make them, with the rights seen and the undo tried before. Raises Refused, or StepFailed where it fails."""
        for line in rehearsal.rehearse(self.plan.changes):
            self.observer.note(EventName.REHEARSED, message=line)
        self.inject(between, range(len(self.plan.changes)))

    def take_away(self) -> None:
        """Whatever was made; `outstanding` says what is not proved gone."""
        if self.outstanding:
            self.undo()
            self.confirm()

    def note(self, event: EventName, **facts: Any) -> None:
        """Into the record, without what would be taken for a fault's."""
        if event in _TOLD:
            self.observer.note(_TOLD[event], **facts)

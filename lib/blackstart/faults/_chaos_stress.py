"""What faults that use up the processors or the memory of pods share: a StressChaos in the main container of each."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from blackstart.base.errors import Refused, StepFailed
from blackstart.controls.kubernetes_answers import container_ids, main_container
from blackstart.controls.steps.local import carry_out
from blackstart.faults._chaos_mesh import Pods, pods_of
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.pod_stress import PodStress

_MB = 1024 * 1024
_LEAST_OF_CORES, _LEAST_OF_MB = 0.5, 0.9
# Of a limit: what the service needs for a moment. What is ended first, where even that is gone, is the stressor.
_MARGIN = 0.05
_ENDED_FIRST = 1000


@dataclass(frozen=True)
class StressedPods:
    """Pods whose main containers, all of one name, are to be put under stress."""

    pods: Pods
    container: str

    def cpu(self, what: str, load: float) -> Change:
        """So much of the processors that each may use, at least, is kept busy. It bites when half of that is."""
        cores = load * min(limit or self._processors for limit in self._limits("cpu"))
        workers = math.ceil(cores)
        stressor = {"workers": workers, "load": max(1, round(100 * cores / workers))}
        return self._change(what, {"cpu": stressor}, "cores", round(cores * _LEAST_OF_CORES, 3))

    def memory(self, what: str, mb: int | None) -> Change:
        """So many MB are held in each. It bites when nine tenths of that are.

        Raises Refused where that would leave the service less than a moment's needs, and where no number is given.
        """
        name, limit = self.pods.name, min(filter(None, self._limits("memory")), default=None)
        if mb is None:
            raise Refused(f"how much of their memory the pods of {name} use already can't be seen from here: give mb")
        if limit and mb * _MB > limit * (1 - _MARGIN):
            raise Refused(f"{mb} MB would leave {name} too little of its limit, {int(limit / _MB)} MB. Ask for less")
        stressor = {"workers": 1, "size": f"{mb}MB", "oomScoreAdj": _ENDED_FIRST}
        return self._change(what, {"memory": stressor}, "mb", int(mb * _LEAST_OF_MB))

    def _change(self, what: str, stressors: dict[str, Any], figure: Literal["cores", "mb"], least: float) -> Change:
        used = self._use(figure, f"{self.pods.name}_stress_{figure}")
        running = self._use("running", f"{self.pods.name}_stressed_pods")
        spec = {"containerNames": [self.container], "stressors": stressors}
        return self.pods.change(what, "StressChaos", spec, (used.at_least(least),), (running.is_(0),))

    def _use(self, figure: Literal["running", "cores", "mb"], name: str) -> PodStress:
        containers: dict[str, tuple[str, ...]] = {}
        for pod in self.pods.told:
            daemon = self.pods.daemons[pod["spec"]["nodeName"]]
            containers[daemon] = (*containers.get(daemon, ()), *container_ids([pod]))
        return PodStress(self.pods.home, tuple(containers.items()), figure, name)

    def _limits(self, resource: str) -> list[float | None]:
        """Of each container; None where one has none."""
        from lightkube.utils.quantity import parse_quantity  # noqa: PLC0415  (an extra, for who names a cluster)

        limits: list[float | None] = []
        for pod in self.pods.told:
            (found,) = [one for one in pod["spec"]["containers"] if one["name"] == self.container]
            limit = parse_quantity(((found.get("resources") or {}).get("limits") or {}).get(resource))
            limits.append(None if limit is None else float(limit))
        return limits

    @cached_property
    def _processors(self) -> int:
        """Of the least of their nodes."""
        try:
            said = [
                carry_out(self.pods.home.step("exec", self.pods.daemons[node], "--", "nproc")).stdout
                for node in self.pods.nodes
            ]
        except StepFailed as error:
            raise Refused(f"how many processors {self.pods.name} may use can't be seen: {error}") from error
        return min(map(int, said))


def stressed_pods(target: Target, name: str) -> StressedPods:
    """The service's pods. Raises Refused where Chaos Mesh can't get at them all."""
    pods = pods_of(target, name)
    containers = {str(main_container(pod).get("name", "")) for pod in pods.told}
    if len(containers) != 1:
        raise Refused(f"the pods of {name} have main containers of several names: {', '.join(sorted(containers))}")
    return StressedPods(pods, *containers)

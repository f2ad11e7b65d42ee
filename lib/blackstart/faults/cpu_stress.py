"""Take processor time away from a service: what it may use is kept busy by somebody else."""

import math
import shutil

from blackstart.base.codec import plain
from blackstart.faults import _cgroups, _chaos_mesh, _chaos_stress
from blackstart.faults._stress import ENDS_AFTER_S, Stressed, stressed
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.stress_use import StressUse

# Where waiting is not counted (not on Linux), a service that is busy itself keeps its fair share.
_LEAST = 0.5


@plain("fault.cpu_stress")
class CpuStress:
    """`load` (0.8 is 80 %) of the processors that the service may run on, and of the quota of its control group, is
    used by stress-ng, or, where there is none, by a process of our own. It bites when half of that is used by it, or by
    others while it waits for its turn. In pods of Kubernetes Chaos Mesh does it, where the cluster has it."""

    service: str
    load: float

    def __post_init__(self) -> None:
        if not 0 < self.load <= 1:
            raise ValueError(f"load must be above 0 and at most 1, as in 0.8 for 80 %, not {self.load}")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where the service's process is not on this machine, nor Chaos Mesh's to use."""
        if _chaos_mesh.in_served_pods(target, self.service):
            return (_chaos_stress.stressed_pods(target, self.service).cpu(self.describe(), self.load),)
        place = stressed(target, self.service, "cpu")
        cores = self.load * _cgroups.cores_of(place.pid)
        used = StressUse(place.record, "cores", f"{self.service}_stress_cores")
        return (place.change(self.describe(), self._argv(place, cores), used.at_least(round(cores * _LEAST, 3))),)

    def _argv(self, place: Stressed, cores: float) -> tuple[str, ...]:
        cpus = ",".join(map(str, _cgroups.cpus_of(place.pid)))
        workers = math.ceil(cores)
        found = shutil.which("stress-ng")
        if found is None:
            return place.own_stressor("cpu", workers, round(cores / workers, 4), cpus)
        load = str(max(1, round(100 * cores / workers)))
        pinned = ("--taskset", cpus) if cpus else ()
        argv = (found, "--cpu", str(workers), "--cpu-load", load, *pinned, "--timeout", f"{ENDS_AFTER_S}s")
        return (*argv, "--quiet")

    def describe(self) -> str:
        """As in "keep the processors of api busy to 80 %"."""
        return f"keep the processors of {self.service} busy to {self.load:.0%}".replace("%", " %")

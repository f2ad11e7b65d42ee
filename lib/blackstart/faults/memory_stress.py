"""Take memory away from a service: somebody else fills what its control group, or its machine, has."""

from typing import Any

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults import _cgroups, _chaos_mesh, _chaos_stress
from blackstart.faults._stress import Stressed, stressed
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.stress_use import StressUse

_MB = 1024 * 1024
_LEAST = 0.9
# Of a control group: what its service needs for a moment. What is ended first, where even that is gone, is ours.
_GROUP_MARGIN = 0.05


@plain("fault.memory_stress")
class MemoryStress:
    """`mb` megabytes are held, or as many as bring the use up to `share` (0.9 is 90 %) of the limit that the service
    lives under: its control group's, else the machine's memory. It bites when nine tenths of that are really held.

    The machine keeps `margin_mb`: nothing begins that would take it, and what runs ends by itself when others do. In
    pods of Kubernetes Chaos Mesh does it, where the cluster has it: `mb` in each.
    """

    service: str
    share: float | None = None
    mb: int | None = None
    margin_mb: int = 512

    def __post_init__(self) -> None:
        if (self.share is None) == (self.mb is None):
            raise ValueError("give either share, as in 0.9 for 90 %, or mb")
        if self.share is not None and not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, as in 0.9 for 90 %, not {self.share}")
        if (self.mb is not None and self.mb < 1) or self.margin_mb < 1:
            raise ValueError(f"mb and margin_mb must be above 0, not {self.mb} and {self.margin_mb}")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where it would leave too little, or the process is not on this machine."""
        if _chaos_mesh.in_served_pods(target, self.service):
            return (_chaos_stress.stressed_pods(target, self.service).memory(self.describe(), self.mb),)
        place = stressed(target, self.service, "memory")
        mb = self._wanted_mb(place)
        used = StressUse(place.record, "mb", f"{self.service}_stress_mb")
        argv = place.own_stressor("memory", mb, self.margin_mb)
        return (place.change(self.describe(), argv, used.at_least(int(mb * _LEAST))),)

    def _wanted_mb(self, place: Stressed) -> int:
        import psutil  # noqa: PLC0415  (declarations load nothing that looks)

        machine: Any = psutil.virtual_memory()
        total, left, whose = machine.total, machine.available, "this machine"
        margin: float = self.margin_mb * _MB
        limited = _cgroups.memory_limit(place.pid)
        if limited and limited[1] < total:
            group, total = limited
            left, whose = total - group.used_bytes(), f"the control group of {self.service}"
            margin = margin if group.holds_us() else total * _GROUP_MARGIN
        mb = self.mb if self.mb is not None else round((left - (1 - (self.share or 0.0)) * total) / _MB)
        if mb < 1:
            raise Refused(
                f"{whose} uses {1 - left / total:.0%} of its {total // _MB} MB of memory already: give a larger share"
            )
        for what, has, keeps in ((whose, left, margin), ("this machine", machine.available, self.margin_mb * _MB)):
            if has - mb * _MB < keeps:
                raise Refused(
                    f"{mb} MB more would leave {what} {max(0, int(has / _MB) - mb)} MB of memory, less than the "
                    f"margin of {int(keeps / _MB)} MB. Ask for less"
                )
        return mb

    def describe(self) -> str:
        """As in "fill the memory of api to 90 %" or "take 200 MB of memory beside api"."""
        if self.share is None:
            return f"take {self.mb} MB of memory beside {self.service}"
        return f"fill the memory of {self.service} to {self.share:.0%}".replace("%", " %")

"""What the stressors of Chaos Mesh really take in containers, as its daemon on their nodes sees it.

The daemon puts them into the container's control groups: a process of that name whose groups name the container is one.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from blackstart.base.codec import plain
from blackstart.base.errors import BlackstartError, StepTimedOut
from blackstart.controls.kubernetes_context import Context
from blackstart.controls.steps.local import carry_out
from blackstart.model.reading import Answer, Endpoint, Picked, Reader
from blackstart.probes.mixed_in import Bound
from blackstart.probes.visitor import HoldsNothing

_LEAST_AGE_S = 0.5
_FIGURES: Mapping[str, Callable[[Iterable[float]], float]] = {"running": sum, "cores": min, "mb": min}
_TICKS_PER_S = 100  # what Linux counts in towards programs, whatever the kernel's own
_LOOK = (
    'cut -d" " -f1 /proc/uptime; for id; do grep -l "$id" /proc/[0-9]*/cgroup 2>/dev/null | '
    'while IFS=/ read -r _ _ pid _; do case $(cat "/proc/$pid/comm" 2>/dev/null) in stress-ng*|memStress*) ;; '
    '*) continue ;; esac; echo "$id $(cut -d" " -f22 "/proc/$pid/stat") $(cut -d" " -f1,2 "/proc/$pid/schedstat") '
    '$(while read -r key kb _; do [ "$key" = VmRSS: ] && echo "$kb"; done <"/proc/$pid/status")"; done; done'
)


@plain("probe.pod_stress")
class PodStress(Bound):
    """In how many of the containers stressors run (`running`), and the least that they take in any of them: the `cores`
    that they have used on the average since they began, or waited for since others used them, or the `mb` of memory
    that they have now. Of one that has only begun nothing is told yet.

    `containers` are the pods of the daemons, in the namespace of the `place`, each with the ids on its node.
    """

    place: Context
    containers: tuple[tuple[str, tuple[str, ...]], ...]
    what: Literal["running", "cores", "mb"]
    name: str

    def endpoint(self) -> Endpoint:
        """The daemons; all figures come from one look."""
        return StressedContainers(self.place, self.containers)

    def pick(self, answer: Answer) -> Picked:
        """The figure."""
        if not answer.body:
            return "absent", None, answer.note
        return "value", answer.body[self.what], answer.note


@plain("endpoint.stressed_containers")
class StressedContainers:
    """One look at the stressors in all of these containers."""

    place: Context
    containers: tuple[tuple[str, tuple[str, ...]], ...]
    least_tick_s = 0.5

    def open(self) -> Reader:
        """A reader; nothing is held between reads."""
        return _Looker(self)

    def describe(self) -> str:
        """Whom it asks."""
        return f"what stressors use, by {', '.join(daemon for daemon, _ in self.containers)}"


class _Looker(HoldsNothing):
    def __init__(self, what: StressedContainers) -> None:
        self._what = what

    def read(self, timeout_s: float) -> Answer:
        found: list[dict[str, float]] = []
        for daemon, ids in self._what.containers:
            words = ("exec", daemon, "--", "sh", "-c", _LOOK, "look", *ids)
            try:
                said = carry_out(self._what.place.step(*words, timeout_s=timeout_s)).stdout
            except StepTimedOut as error:
                return Answer("timed_out", note=str(error))
            except BlackstartError as error:
                return Answer("unreadable", note=str(error))
            found += [used_in(one, said) for one in ids]
        if not all(found):
            return Answer("answer", note="a stressor has only begun")
        return Answer("answer", {what: _FIGURES[what](one[what] for one in found) for what in _FIGURES})


def used_in(container: str, said: str) -> dict[str, float]:
    """What the stressors of a container use, by the lines of a daemon; empty where they have only begun."""
    uptime, *lines = said.split("\n")
    rows = [line.split()[1:] for line in lines if line.startswith(container)]
    rows = [row for row in rows if len(row) == 4]  # one that ended meanwhile has fewer words
    if not rows:
        return {"running": 0, "cores": 0.0, "mb": 0}
    age_s = max(float(uptime) - int(row[0]) / _TICKS_PER_S for row in rows)
    if age_s < _LEAST_AGE_S:
        return {}
    took_s = sum(int(row[1]) + int(row[2]) for row in rows) / 1e9
    return {"running": 1, "cores": round(took_s / age_s, 3), "mb": sum(int(row[3]) for row in rows) // 1024}

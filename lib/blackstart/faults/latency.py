"""Make a service slow to answer: its proxy delays what passes."""

from collections.abc import Mapping
from typing import Literal

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults import _chaos_mesh
from blackstart.faults._proxied import proxy_route_to
from blackstart.faults._wire import positive
from blackstart.model.change import Change
from blackstart.model.target import Target

_MOST_DEVIATIONS = 1.9
# Of three round trips in a row, the quickest is still slower than this part of the mean in nine of ten looks.
_LEAST_OF_MEAN = 0.03


@plain("fault.latency")
class Latency:
    """`latency_ms` ± `jitter_ms` on all that passes in one direction. It bites when round trips are that slow.

    The jitter is uniform within its bounds; `normal` takes it as the standard deviation, `exponential` as the mean of
    what is added. It is drawn for `each` chunk that passes, or for each answer, whose pieces then have one delay.
    Toxiproxy itself knows only uniform jitter of each chunk. Pods of Kubernetes to which no proxy leads are delayed by
    Chaos Mesh: each packet that leaves them, with uniform jitter, where their nodes' kernel has netem.
    """

    service: str
    latency_ms: int
    jitter_ms: int = 0
    stream: Literal["downstream", "upstream"] = "downstream"
    distribution: Literal["uniform", "normal", "exponential"] = "uniform"
    each: Literal["chunk", "answer"] = "chunk"

    def __post_init__(self) -> None:
        if self.distribution == "exponential":
            positive(jitter_ms=self.jitter_ms)
            return
        positive(latency_ms=self.latency_ms)
        most = self.latency_ms if self.distribution == "uniform" else self.latency_ms / 2
        if not 0 <= self.jitter_ms < most:
            raise ValueError(f"jitter_ms must be from 0 to below {most:g}, not {self.jitter_ms}: else none may be seen")

    @property
    def usual_ms(self) -> float:
        """What nearly all that passes is delayed by, at least."""
        if self.distribution == "exponential":
            return self.latency_ms + self.jitter_ms * _LEAST_OF_MEAN
        return self.latency_ms - self.jitter_ms * (1 if self.distribution == "uniform" else _MOST_DEVIATIONS)

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where no proxy carries the service or nobody could measure it."""
        if _chaos_mesh.in_unproxied_pods(target, self.service):
            return (self._in_pods(target),)
        proxied = proxy_route_to(target, self.service)
        trip = proxied.route.round_trip("a delay")
        slow_ms = proxied.route.slower_by(trip, self.usual_ms)
        kind = self._unusual()
        if kind and not proxied.embedded:
            raise Refused(f"the fault proxy of {self.service} knows no delays with {_told(kind)}: use Blackstart's own")
        toxic = proxied.toxic("latency", self.stream, latency=self.latency_ms, jitter=self.jitter_ms, **kind)
        return (proxied.toxic_change(self.describe(), toxic, trip.at_least(slow_ms), trip.below(slow_ms)),)

    def _in_pods(self, target: Target) -> Change:
        pods, route = _chaos_mesh.network_of(target, self.service)
        trip = route.round_trip("a delay")
        slow_ms = route.slower_by(trip, self.usual_ms)
        if unusual := self._unusual() | ({"stream": self.stream} if self.stream == "upstream" else {}):
            raise Refused(f"Chaos Mesh knows no delays with {_told(unusual)}: use Blackstart's own proxy (proxy.start)")
        pods.refuse_without_queue(target, "netem", "delay", "1ms")
        delay = {"latency": f"{self.latency_ms}ms", "jitter": f"{self.jitter_ms}ms", "correlation": "0"}
        made = {"action": "delay", "direction": "to", "delay": delay}
        return pods.network(self.describe(), made, trip.at_least(slow_ms), trip.below(slow_ms))

    def _unusual(self) -> dict[str, str]:
        """What not everybody who delays can do."""
        usual = {"distribution": "uniform", "each": "chunk"}
        return {name: getattr(self, name) for name, word in usual.items() if getattr(self, name) != word}

    def describe(self) -> str:
        """As in "delay redis by 2000 ms ± 500 ms"."""
        jitter = f" ± {self.jitter_ms} ms" if self.jitter_ms else ""
        kind = "" if self.distribution == "uniform" else f" ({self.distribution})"
        return f"delay {self.service} by {self.latency_ms} ms{jitter}{kind}"


def _told(settings: Mapping[str, str]) -> str:
    return ", ".join(f'{name} = "{word}"' for name, word in settings.items())

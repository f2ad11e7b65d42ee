"""Narrow the wire to a service: its proxy lets only so many bytes per second through."""

from typing import Literal

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults import _chaos_mesh
from blackstart.faults._proxied import proxy_route_to
from blackstart.faults._wire import positive
from blackstart.model.change import Change
from blackstart.model.target import Target

# The largest packet must fit, as the kernel puts them together.
_LEAST_BUCKET_BYTES = 10_000
_TICKS_PER_S = 100


@plain("fault.bandwidth")
class Bandwidth:
    """`rate_kbytes_per_s` × 1000 bytes per second and connection, in one direction.

    It bites when what a Redis echoes comes back no faster. Pods of Kubernetes to which no proxy leads are narrowed by
    Chaos Mesh: all that leaves each of them together.
    """

    service: str
    rate_kbytes_per_s: int
    stream: Literal["downstream", "upstream"] = "downstream"

    def __post_init__(self) -> None:
        positive(rate_kbytes_per_s=self.rate_kbytes_per_s)

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where no proxy carries the service or it echoes nothing."""
        if _chaos_mesh.in_unproxied_pods(target, self.service):
            return (self._in_pods(target),)
        proxied = proxy_route_to(target, self.service)
        narrow, wide = proxied.route.narrowed(self.rate_kbytes_per_s * 1000)
        toxic = proxied.toxic("bandwidth", self.stream, rate=self.rate_kbytes_per_s)
        return (proxied.toxic_change(self.describe(), toxic, narrow, wide),)

    def _in_pods(self, target: Target) -> Change:
        pods, route = _chaos_mesh.network_of(target, self.service)
        narrow, wide = route.narrowed(self.rate_kbytes_per_s * 1000)
        if self.stream == "upstream":
            raise Refused("Chaos Mesh narrows what leaves pods, not what comes in: use Blackstart's own proxy")
        pods.refuse_without_queue(target, "tbf", "rate", "1mbit", "burst", "10kb", "latency", "1s")
        rate_bytes = self.rate_kbytes_per_s * 1000
        # Of packets: what flows between two ticks of a kernel, and a second's worth that waits.
        bucket_bytes = max(_LEAST_BUCKET_BYTES, rate_bytes // _TICKS_PER_S)
        width = {"rate": f"{rate_bytes}bps", "buffer": bucket_bytes, "limit": bucket_bytes + rate_bytes}
        return pods.network(self.describe(), {"action": "bandwidth", "bandwidth": width}, narrow, wide)

    def describe(self) -> str:
        """As in "narrow redis to 1 kB/s"."""
        return f"narrow {self.service} to {self.rate_kbytes_per_s} kB/s"

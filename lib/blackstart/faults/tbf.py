"""Narrow the wire of a service in the kernel: a token bucket (`tbf`), without a proxy on the way."""

from blackstart.base.codec import plain
from blackstart.faults import _queues
from blackstart.faults._wire import positive
from blackstart.model.change import Change
from blackstart.model.target import Target

# A bucket must hold the largest packet, and what flows between two ticks of a kernel that has 100 of them a second.
_TICKS_PER_S = 100
_QUEUED_MS = 1000


@plain("fault.tbf")
class Tbf:
    """`rate_kbytes_per_s` × 1000 bytes per second for all that leaves for the service's clients together.

    It bites when what a Redis echoes comes back no faster. Needs root.
    """

    service: str
    rate_kbytes_per_s: int

    def __post_init__(self) -> None:
        positive(rate_kbytes_per_s=self.rate_kbytes_per_s)

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused without root or tc, or where nobody could measure it."""
        point = _queues.leaving_point(target, self.service)
        rate_bytes = self.rate_kbytes_per_s * 1000
        narrow, wide = point.route.narrowed(rate_bytes)
        bucket_bytes = max(_queues.mtu_bytes(point, _queues.device_of(point)) + 64, rate_bytes // _TICKS_PER_S)
        slow = ("tbf", "rate", f"{rate_bytes * 8}bit", "burst", f"{bucket_bytes}b", "latency", f"{_QUEUED_MS}ms")
        return (_queues.change(point, self.describe(), slow, narrow, wide),)

    def describe(self) -> str:
        """As in "narrow packets of redis to 100 kB/s"."""
        return f"narrow packets of {self.service} to {self.rate_kbytes_per_s} kB/s"

"""Delay packets of a service in the kernel: for hosts that have `netem`, without a proxy on the way."""

from blackstart.base.codec import plain
from blackstart.faults import _queues
from blackstart.faults._wire import positive
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.wire import RoundTrip


@plain("fault.netem")
class Netem:
    """`delay_ms` ± `jitter_ms` on each packet that leaves for the service's clients, `loss_percent` of them lost.

    It bites when round trips are that slow. Needs root and a kernel with netem.
    """

    service: str
    delay_ms: int
    jitter_ms: int = 0
    loss_percent: float = 0.0

    def __post_init__(self) -> None:
        positive(delay_ms=self.delay_ms)
        if not 0 <= self.jitter_ms < self.delay_ms:
            raise ValueError(f"jitter_ms must be from 0 to below delay_ms, not {self.jitter_ms}: else none may be seen")
        if not 0 <= self.loss_percent < 100:
            raise ValueError(f"loss_percent must be from 0 to below 100, not {self.loss_percent}")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused without root or tc, or where the interface is not known or somebody else's."""
        point = _queues.leaving_point(target, self.service)
        line = point.route
        trip = RoundTrip(line.liveness() or line.port(), f"{self.service}_round_trip_ms")
        slow_ms = line.slower_by(trip, self.delay_ms - self.jitter_ms)
        jitter = (f"{self.jitter_ms}ms",) if self.jitter_ms else ()
        loss = ("loss", f"{self.loss_percent:g}%") if self.loss_percent else ()
        slow = ("netem", "delay", f"{self.delay_ms}ms", *jitter, *loss)
        return (_queues.change(point, self.describe(), slow, trip.at_least(slow_ms), trip.below(slow_ms)),)

    def describe(self) -> str:
        """As in "delay packets of redis by 100 ms, 1 % lost"."""
        jitter = f" ± {self.jitter_ms} ms" if self.jitter_ms else ""
        loss = f", {self.loss_percent:g} % lost" if self.loss_percent else ""
        return f"delay packets of {self.service} by {self.delay_ms} ms{jitter}{loss}"

"""Make a service slow to answer: its proxy delays what passes."""

from typing import Literal

from blackstart.base.codec import plain
from blackstart.faults._proxied import proxy_route_to
from blackstart.faults._wire import positive
from blackstart.model.change import Change
from blackstart.model.target import Target


@plain("fault.latency")
class Latency:
    """`latency_ms` ± `jitter_ms` on all that passes in one direction. It bites when round trips are that slow."""

    service: str
    latency_ms: int
    jitter_ms: int = 0
    stream: Literal["downstream", "upstream"] = "downstream"

    def __post_init__(self) -> None:
        positive(latency_ms=self.latency_ms)
        if not 0 <= self.jitter_ms < self.latency_ms:
            raise ValueError(
                f"jitter_ms must be from 0 to below latency_ms, not {self.jitter_ms}: else none may be seen"
            )

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where no proxy carries the service or nobody could measure it."""
        proxied = proxy_route_to(target, self.service)
        trip = proxied.route.round_trip("a delay")
        slow_ms = proxied.route.slower_by(trip, self.latency_ms - self.jitter_ms)
        toxic = proxied.toxic("latency", self.stream, latency=self.latency_ms, jitter=self.jitter_ms)
        return (proxied.toxic_change(self.describe(), toxic, trip.at_least(slow_ms), trip.below(slow_ms)),)

    def describe(self) -> str:
        """As in "delay redis by 2000 ms ± 500 ms"."""
        jitter = f" ± {self.jitter_ms} ms" if self.jitter_ms else ""
        return f"delay {self.service} by {self.latency_ms} ms{jitter}"

"""Narrow the wire to a service: its proxy lets only so many bytes per second through."""

from typing import Literal

from blackstart.base.codec import plain
from blackstart.faults._proxied import proxy_route_to
from blackstart.faults._wire import positive
from blackstart.model.change import Change
from blackstart.model.target import Target


@plain("fault.bandwidth")
class Bandwidth:
    """`rate_kbytes_per_s` × 1000 bytes per second and connection, in one direction.

    It bites when what a Redis echoes comes back no faster.
    """

    service: str
    rate_kbytes_per_s: int
    stream: Literal["downstream", "upstream"] = "downstream"

    def __post_init__(self) -> None:
        positive(rate_kbytes_per_s=self.rate_kbytes_per_s)

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where no proxy carries the service or it echoes nothing."""
        proxied = proxy_route_to(target, self.service)
        narrow, wide = proxied.route.narrowed(self.rate_kbytes_per_s * 1000)
        toxic = proxied.toxic("bandwidth", self.stream, rate=self.rate_kbytes_per_s)
        return (proxied.toxic_change(self.describe(), toxic, narrow, wide),)

    def describe(self) -> str:
        """As in "narrow redis to 1 kB/s"."""
        return f"narrow {self.service} to {self.rate_kbytes_per_s} kB/s"

"""Narrow the wire to a service: its proxy lets only so many bytes per second through."""

from __future__ import annotations

from typing import Literal

from blackstart.codec import plain
from blackstart.errors import Refused
from blackstart.faults._proxied import proxy_route_to
from blackstart.faults._wire import positive
from blackstart.model import Change
from blackstart.probes.wire import Throughput
from blackstart.target import Target

# Half a second's worth of the narrow wire, so that it shows; not so much that a wide one is busy with it.
_LEAST_BYTES, _MOST_BYTES = 16 * 1024, 8 * 1024 * 1024
# The first bytes pass before a narrow wire has begun to count.
_ABOVE = 1.5


@plain
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
        if proxied.route.speaks != "redis":
            raise Refused(
                f"nobody could see how much gets through to {self.service}: that is measured with a Redis that echoes"
            )
        rate_bytes = self.rate_kbytes_per_s * 1000
        size_bytes = min(max(rate_bytes // 2, _LEAST_BYTES), _MOST_BYTES)
        through = Throughput(
            proxied.route.address, size_bytes, f"{self.service}_bytes_per_s", proxied.route.service.dsn
        )
        narrow = round(rate_bytes * _ABOVE)
        toxic = proxied.toxic("bandwidth", self.stream, rate=self.rate_kbytes_per_s)
        return (proxied.toxic_change(self.describe(), toxic, through.at_most(narrow), through.above(narrow)),)

    def describe(self) -> str:
        """As in "narrow redis to 1 kB/s"."""
        return f"narrow {self.service} to {self.rate_kbytes_per_s} kB/s"

"""What the wire to a service is like: how long a round trip takes, how much gets through, how it comes and goes.

All of it is measured from outside, through the address that clients use, with traffic of our own: what a fault proxy or
a firewall rule is said to do counts for nothing until it is seen here.
"""

from dataclasses import replace
from typing import ClassVar, Literal, Self

from blackstart.base.codec import plain
from blackstart.model.protocols import read_redis
from blackstart.model.reading import Endpoint, Probe, Reader
from blackstart.model.target import Target
from blackstart.probes.mixed_in import AsAnswered, Bound
from blackstart.probes.wire_readers import EchoReader, FarewellReader, KnockingReader, Stopwatch


@plain("probe.round_trip")
class RoundTrip(AsAnswered):
    """Milliseconds until another probe's endpoint has answered: the least of up to three reads in a row.

    What has not answered within the read's time limit has taken at least that long, and that is what is read then. A
    connection that is refused or reset stays `unreachable`.
    """

    of: Probe
    name: str

    def bind(self, target: Target) -> Self:
        """With the inner probe's absolute address."""
        return replace(self, of=self.of.bind(target))

    def endpoint(self) -> Endpoint:
        """The inner endpoint, timed."""
        return Timed(self.of.endpoint())


@plain("endpoint.round_trip")
class Timed:
    """Another endpoint, answering with the milliseconds that its answer took."""

    inner: Endpoint

    @property
    def least_tick_s(self) -> float:
        """Three times that of the inner endpoint."""
        return 3 * float(getattr(self.inner, "least_tick_s", 0.02))

    def open(self) -> Reader:
        """A reader around the inner one."""
        return Stopwatch(self.inner.open())

    def describe(self) -> str:
        """`round trip of PING redis://localhost:6379`."""
        return f"round trip of {self.inner.describe()}"


@plain("probe.throughput")
class Throughput(Bound, AsAnswered):
    """Bytes per second that a Redis echoes to us (`PING` with a message of `size_bytes`).

    Measured over a second at most; where by then nothing has come back, it is 0. `dsn` (may be `env:NAME`) is only
    used for its password.
    """

    address: str
    size_bytes: int
    name: str
    dsn: str = ""

    def endpoint(self) -> Endpoint:
        """The echo."""
        return Echo(self.address, self.size_bytes, self.dsn)


@plain("endpoint.throughput")
class Echo:
    """A message that a Redis sends back, over a connection of its own."""

    address: str
    size_bytes: int
    dsn: str = ""
    # Each read fills the wire with traffic that is not the system's own.
    least_tick_s: ClassVar[float] = 0.5

    def open(self) -> Reader:
        """A reader; it holds nothing between reads. Raises BadTarget for a missing variable."""
        return EchoReader(self.address, self.size_bytes, read_redis(self.dsn) if self.dsn else None)

    def describe(self) -> str:
        """`echo of 65536 bytes at localhost:6379`."""
        return f"echo of {self.size_bytes} bytes at {self.address}"


@plain("probe.close_time")
class CloseTime(Bound, AsAnswered):
    """Milliseconds from the last byte of a farewell's answer to the end of the connection.

    The farewell is `QUIT` to a Redis, a request with `Connection: close` to an HTTP server. What has not ended within
    the read's time limit has taken at least that long.
    """

    address: str
    speaks: Literal["redis", "http"]
    name: str

    def endpoint(self) -> Endpoint:
        """The farewell."""
        return Farewell(self.address, self.speaks)


@plain("endpoint.close_time")
class Farewell:
    """A connection that is asked to be closed."""

    address: str
    speaks: Literal["redis", "http"]
    least_tick_s: ClassVar[float] = 0.2

    def open(self) -> Reader:
        """A reader; it holds nothing between reads."""
        return FarewellReader(self.address, self.speaks)

    def describe(self) -> str:
        """`farewell to localhost:6379`."""
        return f"farewell to {self.address}"


@plain("probe.comings")
class Comings(Bound, AsAnswered):
    """How often a port changed between taking connections and refusing them, within one read.

    It is knocked at every `every_ms` milliseconds, for `for_ms` at most. A connection that ends at once was not taken.
    A port that takes none is `unreachable`.
    """

    address: str
    every_ms: int
    for_ms: int
    name: str

    def endpoint(self) -> Endpoint:
        """The knocking."""
        return Knocking(self.address, self.every_ms, self.for_ms)


@plain("endpoint.comings")
class Knocking:
    """Connection after connection, each given a moment in which the other side may end it."""

    address: str
    every_ms: int
    for_ms: int
    least_tick_s: ClassVar[float] = 0.1

    def open(self) -> Reader:
        """A reader; it holds nothing between reads."""
        return KnockingReader(self.address, self.every_ms, self.for_ms)

    def describe(self) -> str:
        """`knocking at localhost:6379 every 25 ms`."""
        return f"knocking at {self.address} every {self.every_ms} ms"

"""Whether a TCP port takes connections."""

from dataclasses import replace
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget
from blackstart.base.sockets import Deadline, connect, parse_address
from blackstart.model.reading import Answer, Reader
from blackstart.model.target import Target
from blackstart.probes.mixed_in import AsAnswered
from blackstart.probes.visitor import Visitor


def service_address(target: Target, service: str) -> str:
    """`host:port` of a service. Raises BadTarget where the target does not give it."""
    address = target.service(service).address
    if not address:
        raise BadTarget(f'target "{target.name}": service "{service}" has no address, as in address = "localhost:6379"')
    parse_address(address)
    return address


class _TcpReader(Visitor):
    def _visit(self, deadline: Deadline, timeout_s: float) -> Answer:
        connect(self._host, self._port, deadline).close()
        return Answer("answer", "open")


@plain("endpoint.tcp")
class TcpConnect:
    """A TCP connection to `host:port`, opened and closed."""

    address: str
    # Each read is a new connection, and a frozen server's queue of them is short.
    least_tick_s: ClassVar[float] = 0.05

    def open(self) -> Reader:
        """A reader; it holds nothing between reads."""
        return _TcpReader(self.address)

    def describe(self) -> str:
        """`connect localhost:6379`."""
        return f"connect {self.address}"


@plain("probe.tcp")
class Tcp(AsAnswered):
    """`open` while a TCP port takes connections; `unreachable` or `timed_out` otherwise.

    The port is that of `service`, or `address` (`host:port`). A frozen server's port stays open: the kernel answers.
    """

    service: str = ""
    address: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if bool(self.service) == bool(self.address) and not self.name:
            raise ValueError('a TCP probe needs a service or an address, as in Tcp("redis") or Tcp(address="db:5432")')
        object.__setattr__(self, "name", self.name or f"port of {self.service or self.address}")

    def bind(self, target: Target) -> Self:
        """The probe with the service's address."""
        return replace(self, address=self.address or service_address(target, self.service))

    def endpoint(self) -> TcpConnect:
        """A connection to the address."""
        return TcpConnect(self.address)

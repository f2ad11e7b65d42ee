"""Whether PostgreSQL takes connections, asked as `pg_isready` does: no password is needed and nothing is logged in.

The protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html (StartupMessage, ErrorResponse).
"""

import struct
from dataclasses import replace
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.sockets import Deadline, NoAnswer, connect
from blackstart.model.protocols import user_of
from blackstart.model.reading import Answer, Reader
from blackstart.model.target import Target
from blackstart.probes.mixed_in import AsAnswered
from blackstart.probes.tcp import service_address
from blackstart.probes.visitor import Visitor

_PROTOCOL_3 = 196608
_TERMINATE = b"X\0\0\0\4"
_CANNOT_CONNECT_NOW = b"C57P03"
_HEAD_BYTES = 5
_MOST_BYTES = 64 * 1024


def _startup(user: str) -> bytes:
    body = struct.pack("!i", _PROTOCOL_3) + b"user\0" + user.encode() + b"\0database\0" + user.encode() + b"\0\0"
    return struct.pack("!i", len(body) + 4) + body


class _PingReader(Visitor):
    def __init__(self, address: str, user: str) -> None:
        super().__init__(address)
        self._startup = _startup(user)

    def _visit(self, deadline: Deadline, timeout_s: float) -> Answer:
        data = b""
        with connect(self._host, self._port, deadline) as sock:
            try:
                sock.settimeout(deadline.left_s())
                sock.sendall(self._startup)
                while (need := self._missing(data)) > 0:
                    sock.settimeout(deadline.left_s())
                    more = sock.recv(need)
                    if not more:
                        break
                    data += more
                sock.sendall(_TERMINATE)
            except TimeoutError as error:
                raise deadline.passed() from error
            except OSError as error:
                if not data:
                    raise NoAnswer("unreachable", f"the connection ended: {error.strerror or error}") from error
        if not data:
            raise NoAnswer("unreachable", "the connection ended without an answer")
        return self._understood(data)

    @staticmethod
    def _missing(data: bytes) -> int:
        """How many bytes are missing to the first message; at least its head."""
        if len(data) < _HEAD_BYTES:
            return _HEAD_BYTES - len(data)
        length = int(struct.unpack("!i", data[1:_HEAD_BYTES])[0]) + 1
        if data[:1] not in (b"R", b"E") or not _HEAD_BYTES <= length <= _MOST_BYTES:
            raise NoAnswer("malformed", f"not PostgreSQL: {data!r}")
        return length - len(data)

    @staticmethod
    def _understood(data: bytes) -> Answer:
        if data[:1] == b"R":
            return Answer("answer", "accepting")
        # Any other refusal (no such user, no such database) comes from a server that takes connections.
        fields = data[_HEAD_BYTES:].split(b"\0")
        message = next((field[1:] for field in fields if field[:1] == b"M"), b"").decode("utf-8", "replace")
        return Answer("answer", "rejecting" if _CANNOT_CONNECT_NOW in fields else "accepting", note=message)


@plain("endpoint.postgres_ping")
class PostgresPinged:
    """The first message of a PostgreSQL connection, which is then closed. The server logs a `user` it does not know."""

    address: str
    user: str = "postgres"
    # Each read makes the server start a process.
    least_tick_s: ClassVar[float] = 0.1

    def open(self) -> Reader:
        """A reader; it holds nothing between reads."""
        return _PingReader(self.address, self.user)

    def describe(self) -> str:
        """`ping postgres localhost:5432`."""
        return f"ping postgres {self.address}"


@plain("probe.postgres_ping")
class PostgresPing(AsAnswered):
    """`accepting` connections, or `rejecting` them while it starts, stops or recovers. A frozen one is `timed_out`."""

    service: str = "postgres"
    address: str = ""
    user: str = "postgres"
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"ping of {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the service's address, and the user of its dsn where there is one."""
        if self.address:
            return self
        service = target.service(self.service)
        return replace(self, address=service_address(target, self.service), user=user_of(service, self.user))

    def endpoint(self) -> PostgresPinged:
        """The ping."""
        return PostgresPinged(self.address, self.user)

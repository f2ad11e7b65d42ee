"""Whether Redis answers a PING, over one kept connection and without a client library."""

import socket
from dataclasses import replace
from typing import Self

from blackstart.base.codec import plain
from blackstart.base.secrets.redact import Redactor
from blackstart.base.sockets import Deadline, NoAnswer
from blackstart.base.urls.redis import RedisUrl
from blackstart.model import protocols
from blackstart.model.reading import Answer, Reader
from blackstart.model.target import Service, Target
from blackstart.probes import resp
from blackstart.probes.kept import KeptReader
from blackstart.probes.mixed_in import AsAnswered

_LINE_BYTES = 4096


def redis_dsn(service: Service) -> str:
    """The service's dsn (`redis://...` or `env:NAME`), or one made of its address. Raises BadTarget."""
    redis = protocols.redis_of(service)
    return service.dsn or redis.without_login()


class _PingReader(KeptReader):
    def __init__(self, redis: RedisUrl) -> None:
        super().__init__(redis.place.host, redis.place.port, redis.context())
        self._login = resp.login(redis)

    def _greet(self, sock: socket.socket, deadline: Deadline) -> None:
        reply = resp.ask(sock, self._login, deadline, _line) if self._login else b"+"
        if not reply.startswith(b"+"):
            # Without its password this Redis is not readable at all: no condition may take it for an outage.
            raise resp.refusal(reply[1:].decode("utf-8", "replace"))

    def _ask(self, sock: socket.socket, deadline: Deadline) -> Answer:
        line = resp.ask(sock, b"PING\r\n", deadline, _line)
        text = line[1:].decode("utf-8", "replace")
        if line.startswith(b"+"):
            return Answer("answer", text)
        if line.startswith(b"-"):
            # The first word is the code: LOADING, NOAUTH, MASTERDOWN. That it is full has none of its own.
            code = "MAXCLIENTS" if "max number of clients" in text else text.split(" ")[0]
            return Answer("answer", code, note=text)
        raise NoAnswer("malformed", f"not Redis: {line[:60]!r}")


def _line(data: bytes) -> bytes | None:
    if data.endswith(b"\r\n"):
        return data[:-2]
    if len(data) > _LINE_BYTES:
        raise NoAnswer("malformed", f"not Redis: {data[:60]!r}")
    return None


@plain("endpoint.redis_ping")
class RedisPinged:
    """PING over a kept connection. `dsn` may be `env:NAME`."""

    dsn: str

    def open(self) -> Reader:
        """A reader. Raises BadTarget for a dsn that is none or a missing variable."""
        return _PingReader(protocols.read_redis(self.dsn))

    def describe(self) -> str:
        """`PING redis://localhost:6379/0`, without the password."""
        return Redactor()(f"PING {self.dsn}")


@plain("probe.redis_ping")
class RedisPing(AsAnswered):
    """`PONG` from a Redis that serves; `LOADING` and other codes as they are, `MAXCLIENTS` where it takes no more. A
    frozen one is `timed_out`."""

    service: str = "redis"
    name: str = ""
    dsn: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"PING of {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the service's dsn."""
        return replace(self, dsn=self.dsn or redis_dsn(target.service(self.service)))

    def endpoint(self) -> RedisPinged:
        """PING."""
        return RedisPinged(self.dsn)

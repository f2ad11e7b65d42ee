"""Whether Redis answers a PING, over one kept connection and without a client library.

The protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

import select
import socket
import ssl
from dataclasses import replace
from typing import Self
from urllib.parse import unquote, urlsplit

from blackstart.codec import plain
from blackstart.errors import BadTarget
from blackstart.expect import Conditions
from blackstart.model import Answer, Reader, ReadingKind, Scalar
from blackstart.probes.sockets import Deadline, NoAnswer, connect, wrap_tls
from blackstart.redact import Redactor
from blackstart.target import Target, secret

_LINE_BYTES = 4096


def redis_dsn(target: Target, service: str) -> str:
    """The service's dsn (`redis://...` or `env:NAME`), or one made of its address. Raises BadTarget."""
    found = target.service(service)
    if found.dsn:
        _parse(secret(found.dsn))
        return found.dsn
    if found.address:
        return f"redis://{found.address}"
    raise BadTarget(f'target "{target.name}": service "{service}" has neither a dsn nor an address')


def _parse(dsn: str) -> tuple[str, int, bool]:
    try:
        parts = urlsplit(dsn)
        port = parts.port or 6379
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise BadTarget(f'"{Redactor()(dsn)}" must be a Redis URL, as in redis://localhost:6379/0')
    return parts.hostname, port, parts.scheme == "rediss"


def _command(*words: str) -> bytes:
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


class _PingReader:
    def __init__(self, dsn: str) -> None:
        self._host, self._port, tls = _parse(dsn)
        parts = urlsplit(dsn)
        self._tls = ssl.create_default_context() if tls else None
        self._auth = b""
        if parts.password:
            user = [unquote(parts.username)] if parts.username else []
            self._auth = _command("AUTH", *user, unquote(parts.password))
        self._sock: socket.socket | None = None
        self._poll = select.poll()

    def read(self, timeout_s: float) -> Answer:
        deadline = Deadline(timeout_s)
        try:
            if self._sock is not None and not self._poll.poll(0):
                answer = self._ping(self._sock, deadline)
                if answer is not None:
                    return answer
            self.close()
            answer = self._ping(self._open(deadline), deadline)
            if answer is None:
                raise NoAnswer("unreachable", "the connection ended without an answer")
            return answer
        except NoAnswer as failure:
            self.close()
            return Answer(failure.kind, note=failure.note)

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _open(self, deadline: Deadline) -> socket.socket:
        sock = connect(self._host, self._port, deadline)
        if self._tls is not None:
            sock = wrap_tls(sock, self._host, self._tls, deadline)
        self._sock = sock
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        if self._auth:
            reply = self._ask(sock, self._auth, deadline)
            if reply is not None and not reply.startswith(b"+"):
                # Without its password this Redis is not readable at all: no condition may take it for an outage.
                raise NoAnswer("malformed", f"AUTH: {reply[1:].decode('utf-8', 'replace')}")
        return sock

    def _ping(self, sock: socket.socket, deadline: Deadline) -> Answer | None:
        """The answer to PING; None where the connection ended before a byte of it had come."""
        line = self._ask(sock, b"PING\r\n", deadline)
        if line is None:
            return None
        text = line[1:].decode("utf-8", "replace")
        if line.startswith(b"+"):
            return Answer("answer", text)
        if line.startswith(b"-"):
            # The first word is the code: LOADING, NOAUTH, MASTERDOWN.
            return Answer("answer", text.split(" ")[0], note=text)
        raise NoAnswer("malformed", f"not Redis: {line[:60]!r}")

    @staticmethod
    def _ask(sock: socket.socket, request: bytes, deadline: Deadline) -> bytes | None:
        data = b""
        try:
            sock.settimeout(deadline.left_s())
            sock.sendall(request)
            while not data.endswith(b"\r\n"):
                sock.settimeout(deadline.left_s())
                more = sock.recv(_LINE_BYTES)
                data += more
                if not more and not data:
                    return None
                if not more or len(data) > _LINE_BYTES:
                    raise NoAnswer("malformed", f"not Redis: {data[:60]!r}")
        except TimeoutError as error:
            raise deadline.passed() from error
        except OSError as error:
            if not data:
                return None
            raise NoAnswer("malformed", f"answer cut short: {error.strerror or error}") from error
        return data[:-2]


@plain("endpoint.redis_ping")
class RedisPinged:
    """PING over a kept connection. `dsn` may be `env:NAME`."""

    dsn: str

    def open(self) -> Reader:
        """A reader. Raises BadTarget for a dsn that is none or a missing variable."""
        return _PingReader(secret(self.dsn))

    def describe(self) -> str:
        """`PING redis://localhost:6379/0`, without the password."""
        return Redactor()(f"PING {self.dsn}")


@plain("probe.redis_ping")
class RedisPing(Conditions):
    """`PONG` from a Redis that serves; `LOADING` and other codes as they are. A frozen one is `timed_out`."""

    service: str = "redis"
    name: str = ""
    dsn: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"PING of {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the service's dsn."""
        return replace(self, dsn=self.dsn or redis_dsn(target, self.service))

    def endpoint(self) -> RedisPinged:
        """PING."""
        return RedisPinged(self.dsn)

    def pick(self, answer: Answer) -> tuple[ReadingKind, Scalar, str]:
        """The reply."""
        return "value", answer.body, answer.note

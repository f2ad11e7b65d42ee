"""Redis commands with one simple reply, asked over a kept connection and without a client library.

Loading the library takes longer than all that a drill asks of Redis; what has lists and maps in its replies (INFO,
CLIENT LIST), or needs TLS, is left to it. The protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

import re
import socket
from urllib.parse import unquote, urlsplit

from blackstart.model import Answer
from blackstart.probes.sockets import Deadline, NoAnswer, Stale, connect

_ONE_REPLY = frozenset(
    ("DBSIZE", "EXISTS", "GET", "HGET", "HLEN", "LINDEX", "LLEN", "SCARD", "STRLEN", "TTL", "XLEN", "ZCARD")
)
_PLAIN_DSN = re.compile(r"redis://([^/?#@]*@)?[^/?#@]+(/[0-9]*)?", re.ASCII)
_MAX_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_REFUSALS = ("NOAUTH", "WRONGPASS", "NOPERM")


def is_plain(dsn: str, command: tuple[str, ...]) -> bool:
    """Whether this command on this dsn can be asked here."""
    return command[0].upper() in _ONE_REPLY and _PLAIN_DSN.fullmatch(dsn) is not None


def encoded(*words: str) -> bytes:
    """A command as it goes over the wire."""
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class PlainReader:
    """Asks one command over and over. `dsn` has its real password here, and is plain (see `is_plain`)."""

    def __init__(self, dsn: str, command: tuple[str, ...]) -> None:
        parts = urlsplit(dsn)
        self._host, self._port = parts.hostname or "", parts.port or 6379
        self._hello: list[bytes] = []
        if parts.password:
            user = [unquote(parts.username)] if parts.username else []
            self._hello.append(encoded("AUTH", *user, unquote(parts.password)))
        if parts.path.strip("/"):
            self._hello.append(encoded("SELECT", parts.path.strip("/")))
        self._request = encoded(*command)
        self._sock: socket.socket | None = None

    def read(self, timeout_s: float) -> Answer:
        """The reply: bytes, a number, or None for what does not exist."""
        deadline = Deadline(timeout_s)
        try:
            return Answer("answer", self._asked(deadline))
        except NoAnswer as failure:
            self.close()
            return Answer(failure.kind, note=failure.note)

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _asked(self, deadline: Deadline) -> bytes | int | None:
        if self._sock is not None:
            try:
                return _ask(self._sock, self._request, deadline)
            except Stale:
                self.close()  # the other side had closed it while it was idle: ask again on a new one
        self._sock = connect(self._host, self._port, deadline)
        try:
            for request in self._hello:
                _ask(self._sock, request, deadline)
            return _ask(self._sock, self._request, deadline)
        except Stale as error:
            raise NoAnswer("unreachable", f"the connection ended without an answer: {error}") from error


def _ask(sock: socket.socket, request: bytes, deadline: Deadline) -> bytes | int | None:
    data = b""
    try:
        sock.settimeout(deadline.left_s())
        sock.sendall(request)
        while (reply := _reply(data)) is None:
            sock.settimeout(deadline.left_s())
            more = sock.recv(_CHUNK_BYTES)
            if not more:
                raise Stale("closed") if not data else NoAnswer("malformed", "answer cut short: closed")
            data += more
    except TimeoutError as error:
        raise deadline.passed() from error
    except OSError as error:
        why = error.strerror or str(error)
        raise (NoAnswer("malformed", f"answer cut short: {why}") if data else Stale(why)) from error
    return reply[0]


def _reply(data: bytes) -> tuple[bytes | int | None] | None:
    """The reply in `data`; None while it is not whole. Raises NoAnswer for an error and for what is not Redis."""
    line, end, rest = data.partition(b"\r\n")
    if not end:
        if len(data) > _CHUNK_BYTES:
            raise NoAnswer("malformed", f"not Redis: {data[:60]!r}")
        return None
    kind, text = line[:1], line[1:]
    if kind == b"-":
        raise _refused(text.decode("utf-8", "replace"))
    if kind == b"+":
        return (text,)
    if kind not in (b":", b"$") or not re.fullmatch(rb"-?[0-9]{1,19}", text):
        raise NoAnswer("malformed", f"not a simple reply of Redis: {line[:60]!r}")
    if kind == b":":
        return (int(text),)
    length = int(text)
    if length > _MAX_BYTES:
        raise NoAnswer("malformed", f"answer larger than {_MAX_BYTES} bytes")
    if length < 0:
        return (None,)
    return (rest[:length],) if len(rest) >= length + 2 else None


def _refused(text: str) -> NoAnswer:
    if text.startswith("LOADING"):
        return NoAnswer("unreachable", text)
    return NoAnswer("malformed", f"not let in: {text}" if text.startswith(_REFUSALS) else text)

"""Redis commands with one simple reply, asked over a kept connection and without a client library.

Loading the library takes longer than all that a drill asks of Redis; what has lists and maps in its replies (INFO,
CLIENT LIST) is left to it.
"""

import re
import socket

from blackstart.base.sockets import Deadline, NoAnswer
from blackstart.base.urls.redis import RedisUrl
from blackstart.model.reading import Answer
from blackstart.probes import resp
from blackstart.probes.kept import KeptReader

_ONE_REPLY = frozenset(
    ("DBSIZE", "EXISTS", "GET", "HGET", "HLEN", "LINDEX", "LLEN", "SCARD", "STRLEN", "TTL", "XLEN", "ZCARD")
)
_MAX_BYTES = 4 * 1024 * 1024


def is_plain(command: tuple[str, ...]) -> bool:
    """Whether this command can be asked here."""
    return command[0].upper() in _ONE_REPLY


class PlainReader(KeptReader):
    """Asks one plain command (see `is_plain`) over and over: bytes, a number, or None for what does not exist."""

    def __init__(self, redis: RedisUrl, command: tuple[str, ...]) -> None:
        super().__init__(redis.place.host, redis.place.port, redis.context())
        select = resp.command("SELECT", str(redis.database)) if redis.database else b""
        self._greetings = [request for request in (resp.login(redis), select) if request]
        self._request = resp.command(*command)

    def _greet(self, sock: socket.socket, deadline: Deadline) -> None:
        for request in self._greetings:
            resp.ask(sock, request, deadline, _reply)

    def _ask(self, sock: socket.socket, deadline: Deadline) -> Answer:
        return Answer("answer", resp.ask(sock, self._request, deadline, _reply)[0])


def _reply(data: bytes) -> tuple[bytes | int | None] | None:
    """The reply in `data`; None while it is not whole. Raises NoAnswer for an error and for what is not Redis."""
    line, end, rest = data.partition(b"\r\n")
    if not end:
        if len(data) > resp.CHUNK_BYTES:
            raise NoAnswer("malformed", f"not Redis: {data[:60]!r}")
        return None
    kind, text = line[:1], line[1:]
    if kind == b"-":
        raise resp.refusal(text.decode("utf-8", "replace"))
    if kind == b"+":
        return (text,)
    if kind not in (b":", b"$") or not re.fullmatch(rb"-?[0-9]{1,19}", text):
        raise NoAnswer("malformed", f"not a simple reply of Redis: {line[:60]!r}")
    if kind == b":":
        return (int(text),)
    length = int(text)
    if length > _MAX_BYTES:
        raise NoAnswer("unreadable", f"answer larger than {_MAX_BYTES} bytes")
    if length < 0:
        return (None,)
    return (rest[:length],) if len(rest) >= length + 2 else None

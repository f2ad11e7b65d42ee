"""Redis commands with a simple reply, asked over a kept connection and without a client library.

Loading the library takes longer than all that a drill asks of Redis; what has a text or a map to be read in its reply
(INFO, CLIENT LIST) is left to it.
"""

import re
import socket
from typing import Any

from blackstart.base.sockets import Deadline, NoAnswer
from blackstart.base.urls.redis import RedisUrl
from blackstart.model.reading import Answer
from blackstart.probes import resp
from blackstart.probes.kept import KeptReader

_SIMPLE = frozenset(
    ("CONFIG", "DBSIZE", "EXISTS", "GET", "HGET", "HLEN", "LINDEX", "LLEN", "SCARD", "STRLEN", "TTL", "XLEN", "ZCARD")
)
_MAX_BYTES = 4 * 1024 * 1024
_Value = bytes | int | list[Any] | None


def is_plain(command: tuple[str, ...]) -> bool:
    """Whether this command can be asked here."""
    return command[0].upper() in _SIMPLE


class PlainReader(KeptReader):
    """Asks one plain command (see `is_plain`) over and over: bytes, a number, None for what does not exist, or a list
    of these."""

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


def _reply(data: bytes) -> tuple[_Value] | None:
    """The reply in `data`; None while it is not whole. Raises NoAnswer for an error and for what is not Redis."""
    found = _value(data, 0)
    return None if found is None else (found[0],)


def _value(data: bytes, at: int) -> tuple[_Value, int] | None:
    """The value that begins there, and where it ends."""
    end = data.find(b"\r\n", at)
    if end < 0:
        if len(data) - at > resp.CHUNK_BYTES:
            raise NoAnswer("malformed", f"not Redis: {data[at : at + 60]!r}")
        return None
    kind, text, after = data[at : at + 1], data[at + 1 : end], end + 2
    if kind == b"-":
        raise resp.refusal(text.decode("utf-8", "replace"))
    if kind == b"+":
        return text, after
    if kind not in (b":", b"$", b"*") or not re.fullmatch(rb"-?[0-9]{1,19}", text):
        raise NoAnswer("malformed", f"not a simple reply of Redis: {data[at : min(end, at + 60)]!r}")
    number = int(text)
    if kind == b":":
        return number, after
    if number > _MAX_BYTES:
        raise NoAnswer("unreadable", f"answer larger than {_MAX_BYTES} bytes")
    if number < 0:
        return None, after
    if kind == b"*":
        return _listed(data, after, number)
    return (data[after : after + number], after + number + 2) if len(data) >= after + number + 2 else None


def _listed(data: bytes, at: int, count: int) -> tuple[_Value, int] | None:
    values = []
    for _ in range(count):
        found = _value(data, at)
        if found is None:
            return None
        value, at = found
        values.append(value)
    return values, at

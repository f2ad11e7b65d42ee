"""Redis's protocol without a client library: https://redis.io/docs/latest/develop/reference/protocol-spec/"""

import socket
from collections.abc import Callable
from typing import TypeVar

from blackstart.base.sockets import Deadline, NoAnswer, Stale
from blackstart.base.urls.redis import RedisUrl

CHUNK_BYTES = 64 * 1024
_ITS_OWN = ("BUSY", "CLUSTERDOWN", "MASTERDOWN", "MISCONF", "NOREPLICAS", "OOM", "READONLY", "TRYAGAIN")
_NOT_LET_IN = ("NOAUTH", "WRONGPASS", "NOPERM")
T = TypeVar("T")


def command(*words: str | bytes) -> bytes:
    """A command as it goes over the wire."""
    parts = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def login(redis: RedisUrl) -> bytes:
    """AUTH with its password, and its user where it has one; empty where it has no password."""
    return command("AUTH", *filter(None, (redis.user, redis.password))) if redis.password else b""


def refusal(text: str) -> NoAnswer:
    """What an error reply comes to. Of most the asker is the cause: no login, a key of another type, no such command.

    What the server can't do now is its own failure; while it loads, it is not there yet.
    """
    if text.startswith("LOADING"):
        return NoAnswer("unreachable", text)
    its_own = text.startswith(_ITS_OWN) or "max number of clients" in text
    told = f"not let in: {text}" if text.startswith(_NOT_LET_IN) else text
    return NoAnswer("malformed" if its_own else "unreadable", told)


def ask(sock: socket.socket, request: bytes, deadline: Deadline, understood: Callable[[bytes], T | None]) -> T:
    """What is understood of the reply, which is None as long as it is not whole.

    Raises NoAnswer; Stale where the connection ended before a byte of the reply had come.
    """
    data = b""
    try:
        sock.settimeout(deadline.left_s())
        sock.sendall(request)
        while (reply := understood(data)) is None:
            sock.settimeout(deadline.left_s())
            more = sock.recv(CHUNK_BYTES)
            if not more:
                raise Stale("closed") if not data else NoAnswer("malformed", "answer cut short: closed")
            data += more
    except TimeoutError as error:
        raise deadline.passed() from error
    except OSError as error:
        why = error.strerror or str(error)
        raise (NoAnswer("malformed", f"answer cut short: {why}") if data else Stale(why)) from error
    return reply

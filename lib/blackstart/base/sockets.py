"""Sockets with one time limit for everything: name lookup, connecting, sending and receiving."""

import ipaddress
import socket
import ssl
import struct
import threading
from typing import Any, Literal

from blackstart.base import clock
from blackstart.base.errors import BadTarget
from blackstart.base.trust import Tls
from blackstart.base.urls.parts import shown

SockAddress = tuple[Any, ...]
Silence = Literal["unreachable", "timed_out", "malformed", "unreadable"]
# Closing with a reset leaves no TIME_WAIT behind that could keep a server from binding the port.
# What is read where the other side speaks something else, or fails by itself.
_NO_TLS = frozenset((
    "WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "TLSV1_ALERT_INTERNAL_ERROR",
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC", "Closed before TLS handshake with data in recv buffer.",
))  # fmt: skip
# Which of the first two it is depends on the version of Python, and on whether our first words still reached it.
CLOSED = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class NoAnswer(Exception):
    """Why there is nothing to read, in the words of a reading; readers turn it into an Answer."""

    def __init__(self, kind: Silence, note: str) -> None:
        super().__init__(note)
        self.kind: Silence = kind
        self.note = note


class Stale(Exception):
    """A kept connection ended before a byte of the answer had come: an old story, worth one try on a new one."""


class Deadline:
    """The time limit of one reading."""

    __slots__ = ("_at_s", "_limit_s")

    def __init__(self, timeout_s: float) -> None:
        self._limit_s = timeout_s
        self._at_s = clock.now_s() + timeout_s

    def left_s(self) -> float:
        """Seconds that are left, above 0. Raises NoAnswer when there are none."""
        left_s = self._at_s - clock.now_s()
        if left_s <= 0:
            raise self.passed()
        return left_s

    def passed(self) -> NoAnswer:
        """What to raise when the time is over."""
        return NoAnswer("timed_out", f"no whole answer within {self._limit_s:g} s")


def parse_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[v6]:port`. Raises BadTarget that says what is wrong."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise BadTarget(f'the address "{shown(address)}" must be host:port, as in localhost:6379')
    return host, int(port)


def is_literal(host: str) -> bool:
    """Whether it is an address, and no name that has to be looked up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine and nothing else, told without asking a name server."""
    name = host.strip("[]").lower()
    if name in ("", "localhost", "ip6-localhost") or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or address.is_unspecified or bool(mapped and mapped.is_loopback)


def _numeric(host: str, port: int) -> list[tuple[int, SockAddress]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        return []
    return [(int(family), address) for family, _, _, _, address in found]


def resolve(host: str, port: int, deadline: Deadline) -> list[tuple[int, SockAddress]]:
    """Families and addresses of `host`. The system's lookup has no time limit, so it is waited for in a thread."""
    known = _numeric(host, port)
    if known:
        return known
    found: list[tuple[int, SockAddress]] = []
    problems: list[str] = []

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            problems.append(f"{host} has no address: {getattr(error, 'strerror', None) or error}")
            return
        found.extend((int(family), address) for family, _, _, _, address in entries)

    thread = threading.Thread(target=look_up, name=f"look up {host}", daemon=True)
    thread.start()
    thread.join(deadline.left_s())
    if found:
        return list(found)
    if problems:
        raise NoAnswer("unreachable", problems[0])
    raise NoAnswer("timed_out", f"looking up {host} took too long")


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A connected TCP socket. Raises NoAnswer: refused is unreachable, silence is timed_out."""
    addresses = resolve(host, port, deadline)
    failures: list[NoAnswer] = []
    for index, (family, address) in enumerate(addresses):
        try:
            # One address that swallows everything must not use up the time of the others.
            return _connect_one(family, address, deadline.left_s() / (len(addresses) - index))
        except NoAnswer as failure:
            failures.append(failure)
    # Silence at any address says less than a refusal does: it is what the whole comes to.
    failures.sort(key=lambda failure: failure.kind != "timed_out")
    raise failures[0]


def _connect_one(family: int, address: SockAddress, timeout_s: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        sock.connect(address)
        if sock.getsockname() == sock.getpeername():
            # A dead port in the ephemeral range can be given to us as our own end: we would talk to ourselves, and
            # hold the port that the server needs.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            raise ConnectionRefusedError("nothing listens there")
    except TimeoutError as error:
        sock.close()
        raise NoAnswer("timed_out", f"no connection to {address[0]}:{address[1]} within {timeout_s:.3g} s") from error
    except OSError as error:
        sock.close()
        raise NoAnswer("unreachable", f"{address[0]}:{address[1]}: {error.strerror or error}") from error
    return sock


def wrap_tls(sock: socket.socket, host: str, tls: Tls, deadline: Deadline) -> ssl.SSLSocket:
    """The socket under TLS. Raises NoAnswer: what our side can't agree to is unreadable."""
    try:
        sock.settimeout(deadline.left_s())
        return tls.context.wrap_socket(sock, server_hostname=host)
    except TimeoutError as error:
        sock.close()
        raise deadline.passed() from error
    except CLOSED as error:
        sock.close()
        raise NoAnswer("unreachable", "the connection was closed during the TLS handshake") from error
    except OSError as error:
        sock.close()
        raise _no_tls(error, tls) from error


def _no_tls(error: OSError, tls: Tls) -> NoAnswer:
    # What the two can't agree to (trust, a certificate of ours, versions) may as well be ours.
    kind: Silence = "malformed" if getattr(error, "reason", None) in _NO_TLS else "unreadable"
    return NoAnswer(kind, tls.refused(error))


def tls_failure(error: Exception, tls: Tls | None) -> NoAnswer | None:
    """What an error comes to that TLS is behind; None where it is not. In TLS 1.3 a server tells whom it does not let
    in only after the handshake."""
    beneath = error.__cause__ or error.__context__
    if tls is None or not isinstance(beneath, ssl.SSLError):
        return None
    return None if isinstance(beneath, CLOSED) else _no_tls(beneath, tls)

"""The first words with a broker of Kafka, before its client library comes to it.

That tries until its time is over, tells neither a refusal nor a wrong password from silence, and leaves a thread behind
where it finds no cluster.
"""

import ssl
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from socket import socket
from typing import Any

from kafka.errors import KafkaError
from kafka.net.sasl import get_sasl_mechanism

from blackstart.base.sockets import CLOSED, Deadline, NoAnswer, connect, wrap_tls
from blackstart.base.trust import Tls

# Numbers of the protocol: https://kafka.apache.org/protocol
_VERSIONS, _HANDSHAKE, _AUTHENTICATE = 18, 17, 36
_UNSUPPORTED_MECHANISM, _NO_LOGIN_HERE = 33, 34
_LONGEST = 1 << 20
_TLS_ALERT = b"\x15\x03"


def knock(host: str, port: int, deadline: Deadline, tls: Tls | None) -> None:
    """Raises NoAnswer where no Kafka answers there. It answers also who it would not let in."""
    with _line(host, port, deadline, tls) as line:
        line.ask(_VERSIONS, 0, b"")


def be_let_in(host: str, port: int, deadline: Deadline, tls: Tls | None, login: Mapping[str, Any]) -> None:
    """As `knock`, and with this login (arguments of kafka-python), or none. What is wrong with that is unreadable: it
    says nothing of the cluster."""
    with _line(host, port, deadline, tls) as line:
        line.ask(_VERSIONS, 0, b"")
        wanted = str(login.get("sasl_mechanism") or "PLAIN")
        try:
            told = line.ask(_HANDSHAKE, 1, struct.pack(">h", len(wanted)) + wanted.encode())
        except NoAnswer:
            if login:
                raise
            return  # one that has not learnt to be asked for a login wants none
        (code,) = struct.unpack_from(">h", told)
        offered = ", ".join(sorted(_texts(told[2:])))
        if code == _NO_LOGIN_HERE and login:
            raise NoAnswer("unreadable", "it wants no login at this port: begin its URL with kafka:// or ssl://")
        if code == _UNSUPPORTED_MECHANISM and login:
            raise NoAnswer("unreadable", f"it takes no login by {wanted}: sasl_mechanism may be {offered}")
        if code in (0, _UNSUPPORTED_MECHANISM) and not login:
            told_so = f"it wants a login (by {offered}): sasl_ssl://user:password@{host}:{port}, or sasl_plaintext://"
            raise NoAnswer("unreadable", told_so)
        if login:
            _log_in(line, get_sasl_mechanism(wanted)(host=host, **login))


def _log_in(line: "_Line", mechanism: Any) -> None:
    try:
        while not mechanism.is_done():
            token = mechanism.auth_bytes()
            told = line.ask(_AUTHENTICATE, 0, struct.pack(">i", len(token)) + token)
            code, length = struct.unpack_from(">hh", told)
            if code:
                raise NoAnswer("unreadable", told[4 : 4 + max(0, length)].decode("utf-8", "replace") or f"error {code}")
            mechanism.receive(told[4 + max(0, length) + 4 :])
    except (ValueError, KeyError, KafkaError) as error:  # of SCRAM: who answers does not know the password either
        raise NoAnswer("unreadable", f"its login can't be followed: {type(error).__name__}") from error
    if not mechanism.is_authenticated():
        raise NoAnswer("unreadable", "it did not take the login")


def _texts(data: bytes) -> Iterator[str]:
    """The elements of an array of texts."""
    (count,) = struct.unpack_from(">i", data)
    at = 4
    for _ in range(count):
        (length,) = struct.unpack_from(">h", data, at)
        yield data[at + 2 : at + 2 + length].decode("utf-8", "replace")
        at += 2 + length


@dataclass
class _Line:
    """One connection; a request and its answer at a time."""

    sock: socket
    where: str
    deadline: Deadline
    tls: Tls | None
    number: int = 6

    def ask(self, key: int, version: int, body: bytes) -> bytes:
        """The answer's body. Raises NoAnswer."""
        self.number += 1
        head = struct.pack(">hhih", key, version, self.number, -1)
        try:
            self.sock.settimeout(self.deadline.left_s())
            self.sock.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
            began = self._read(8)
            size, number = struct.unpack(">ii", began.ljust(8, b"\0"))
            if began.startswith(_TLS_ALERT) and not self.tls:
                raise NoAnswer("unreadable", "it wants TLS: begin its URL with ssl:// or sasl_ssl://")
            if began and (number != self.number or not 4 <= size <= _LONGEST):
                raise NoAnswer("malformed", f"not Kafka: {began!r}")
            rest = self._read(size - 4) if began else b""
        except TimeoutError as error:
            raise self.deadline.passed() from error
        except CLOSED as error:
            raise NoAnswer("unreachable", f"{self.where}: {error.strerror or error}") from error
        except ssl.SSLError as error:  # in TLS 1.3 a server tells whom it does not let in only after the handshake
            raise NoAnswer("unreadable", self.tls.refused(error) if self.tls else str(error)) from error
        except OSError as error:
            raise NoAnswer("unreachable", f"{self.where}: {error.strerror or error}") from error
        if not began or len(rest) < size - 4:
            raise NoAnswer("unreachable", f"{self.where} closed the connection without an answer")
        return rest

    def _read(self, size: int) -> bytes:
        read = b""
        while len(read) < size and (more := self.sock.recv(size - len(read))):
            read += more
        return read


@contextmanager
def _line(host: str, port: int, deadline: Deadline, tls: Tls | None) -> Iterator[_Line]:
    plain = connect(host, port, deadline)
    with wrap_tls(plain, host, tls, deadline) if tls else plain as sock:
        yield _Line(sock, f"{host}:{port}", deadline, tls)

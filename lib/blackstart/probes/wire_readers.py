"""The readers behind `blackstart.probes.wire`: they do the talking and look at the clock."""

import select
import socket
import struct
import threading

from blackstart.base import clock
from blackstart.base.sockets import Deadline, NoAnswer, connect
from blackstart.base.urls.redis import RedisUrl
from blackstart.model.reading import Answer, Reader
from blackstart.probes import resp
from blackstart.probes.visitor import Visitor

_MOST_READS = 3
# As long as this part of the time limit is not used up, one more read costs little and takes out a hiccup of ours.
_SPARE = 0.25
_ECHO_S = 1.0
_RECEIVE_BYTES = 256 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_MARGIN = 0.9
# A container's published port takes every connection, and ends it at once where nobody takes it inside.
_HANGS_UP_S = 0.02


class Stopwatch:
    """Times the reads of another reader."""

    def __init__(self, inner: Reader) -> None:
        self._inner = inner

    def read(self, timeout_s: float) -> Answer:
        """The least time of up to three reads, in ms."""
        began_s = clock.now_s()
        best_s, note = timeout_s, f"no answer within {timeout_s:g} s"
        for _ in range(_MOST_READS):
            sent_s = clock.now_s()
            answer = self._inner.read(max(0.001, timeout_s - (sent_s - began_s)))
            took_s = clock.now_s() - sent_s
            if answer.kind == "timed_out":
                break
            if answer.kind != "answer":
                return answer
            if took_s < best_s:
                best_s, note = took_s, ""
            if clock.now_s() - began_s > _SPARE * timeout_s:
                break
        return Answer("answer", round(best_s * 1000, 3), note=note)

    def close(self) -> None:
        """Close the inner reader."""
        self._inner.close()


class EchoReader(Visitor):
    """Sends a Redis a long PING and counts what comes back."""

    def __init__(self, address: str, size_bytes: int, redis: RedisUrl | None = None) -> None:
        super().__init__(address)
        self._login = resp.login(redis) if redis else b""
        self._request = resp.command(b"PING", b"x" * size_bytes)
        self._size_bytes = size_bytes

    def _visit(self, deadline: Deadline, timeout_s: float) -> Answer:
        with connect(self._host, self._port, deadline) as sock:
            if self._login:
                sock.settimeout(deadline.left_s())
                sock.sendall(self._login)
                _refuse_error(_receive(sock, deadline))
            began_s = clock.now_s()
            received, first = self._exchange(sock, began_s + min(_ECHO_S, timeout_s * _MARGIN))
            _refuse_error(first)
            # What is still under way must not arrive after we have gone.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            return Answer("answer", round(received / max(1e-6, clock.now_s() - began_s)))

    def _exchange(self, sock: socket.socket, until_s: float) -> tuple[int, bytes]:
        """Send and receive side by side, until all is back or the time is over."""
        sock.setblocking(False)
        unsent, received, first = memoryview(self._request), 0, b""
        while received < self._size_bytes and (left_s := until_s - clock.now_s()) > 0:
            readable, writable, _ = select.select([sock], [sock] if unsent else [], [], left_s)
            if writable:
                unsent = unsent[sock.send(unsent) :]
            if readable:
                data = sock.recv(_RECEIVE_BYTES)
                if not data:
                    raise NoAnswer("unreachable", "the connection ended in the middle of the echo")
                first = first or data
                received += len(data)
                if first.startswith(b"-"):
                    break
        return received, first


class FarewellReader(Visitor):
    """Asks for the connection's end, and waits for it."""

    def __init__(self, address: str, speaks: str) -> None:
        super().__init__(address)
        request = f"GET / HTTP/1.1\r\nHost: {address}\r\nUser-Agent: blackstart\r\nConnection: close\r\n\r\n"
        self._request = b"QUIT\r\n" if speaks == "redis" else request.encode()

    def _visit(self, deadline: Deadline, timeout_s: float) -> Answer:
        with connect(self._host, self._port, deadline) as sock:
            sock.settimeout(deadline.left_s())
            sock.sendall(self._request)
            last_s: float | None = None
            try:
                while _receive(sock, deadline):
                    last_s = clock.now_s()
            except NoAnswer:
                if last_s is None:
                    raise
            if last_s is None:
                raise NoAnswer("unreachable", "the connection ended without an answer")
            return Answer("answer", round((clock.now_s() - last_s) * 1000, 3))


class KnockingReader(Visitor):
    """Connects again and again, and counts how often it went otherwise than before."""

    def __init__(self, address: str, every_ms: int, for_ms: int) -> None:
        super().__init__(address)
        self._every_s, self._for_s = every_ms / 1000, for_ms / 1000

    def _visit(self, deadline: Deadline, timeout_s: float) -> Answer:
        now_s = clock.now_s()
        until_s = now_s + min(self._for_s, timeout_s * _MARGIN)
        seen: list[bool] = []
        pause = threading.Event()  # never set: it waits until the next knock is due
        while now_s < until_s:
            next_s = now_s + self._every_s
            seen.append(self._taken(max(0.001, until_s - now_s)))
            pause.wait(max(0.0, min(next_s, until_s) - clock.now_s()))
            now_s = clock.now_s()
        if not any(seen):
            raise NoAnswer("unreachable", f"{len(seen)} connections in a row were not taken")
        return Answer("answer", sum(a != b for a, b in zip(seen, seen[1:], strict=False)))

    def _taken(self, timeout_s: float) -> bool:
        try:
            with connect(self._host, self._port, Deadline(timeout_s)) as sock:
                sock.settimeout(min(_HANGS_UP_S, self._every_s / 2))
                return sock.recv(1) != b""
        except TimeoutError:
            return True  # it waits for us to speak
        except (NoAnswer, OSError):
            return False


def _receive(sock: socket.socket, deadline: Deadline) -> bytes:
    try:
        sock.settimeout(deadline.left_s())
        return sock.recv(_RECEIVE_BYTES)
    except TimeoutError as error:
        raise deadline.passed() from error


def _refuse_error(reply: bytes) -> None:
    # Without its password it echoes nothing, and no condition may take that for a narrow wire.
    if reply.startswith(b"-"):
        raise resp.refusal(reply[1:100].decode("utf-8", "replace").strip())

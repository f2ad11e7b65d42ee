"""Reading over and over through one connection that is kept open."""

import select
import socket

from blackstart.base.sockets import Deadline, NoAnswer, Stale, connect, tls_failure, wrap_tls
from blackstart.base.trust import Tls
from blackstart.model.reading import Answer


class KeptReader:
    """A reader that connects when it has to. A kind of it says what is asked, and what is said first."""

    def __init__(self, host: str, port: int, tls: Tls | None = None) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._sock: socket.socket | None = None
        self._poll = select.poll()

    def read(self, timeout_s: float) -> Answer:
        """One answer within `timeout_s`, connecting included."""
        deadline = Deadline(timeout_s)
        try:
            return self._exchange(deadline)
        except NoAnswer as failure:
            # A late answer to this request must not be taken for the answer to the next.
            self.close()
            return Answer(failure.kind, note=failure.note)

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _exchange(self, deadline: Deadline) -> Answer:
        if self._sock is not None:
            try:
                if not self._poll.poll(0):
                    return self._ask(self._sock, deadline)
            except Stale:
                pass  # the other side had closed it while it was idle: ask again on a new connection
            self.close()
        try:
            return self._ask(self._open(deadline), deadline)
        except Stale as error:
            ended = NoAnswer("unreachable", f"the connection ended without an answer: {error}")
            raise tls_failure(error, self._tls) or ended from error

    def _open(self, deadline: Deadline) -> socket.socket:
        sock = connect(self._host, self._port, deadline)
        if self._tls is not None:
            sock = wrap_tls(sock, self._host, self._tls, deadline)
        self._sock = sock
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._greet(sock, deadline)
        return sock

    def _greet(self, sock: socket.socket, deadline: Deadline) -> None:
        """What has to be said on a new connection. Raises NoAnswer, Stale."""

    def _ask(self, sock: socket.socket, deadline: Deadline) -> Answer:
        """Ask once. Raises NoAnswer; Stale where the connection ended before a byte of the answer had come."""
        raise NotImplementedError

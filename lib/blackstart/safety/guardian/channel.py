"""Lines of JSON over a socket pair: how a run and its guardian talk.

What one side has sent, the other can read even after the sender was killed: the kernel keeps it.
"""

import contextlib
import json
import select
import socket
import threading
from typing import Any

_SEND_TIMEOUT_S = 5.0
_CHUNK_BYTES = 64 * 1024
Message = dict[str, Any]


class Wire:
    """One end. `closed` is true once the other end is gone; sending then does nothing and says so."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.closed = False
        self._lock = threading.Lock()
        self._rest = b""
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        sock.settimeout(_SEND_TIMEOUT_S)

    def fileno(self) -> int:
        """For poll."""
        return self.sock.fileno()

    def send(self, **message: Any) -> bool:
        """Whether the message left: False when nobody is there, or nobody has read for a long time."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                self.sock.sendall(line)
            except OSError:  # also TimeoutError
                return False
        return True

    def receive(self, timeout_s: float = 0.0) -> list[Message]:
        """What has come, complete messages only. Waits for the first bytes at most `timeout_s`."""
        data = self._rest
        while not self.closed and self._poll.poll(timeout_s * 1000):
            timeout_s = 0.0
            try:
                chunk = self.sock.recv(_CHUNK_BYTES)
            except OSError:  # a reset is an end
                chunk = b""
            self.closed = not chunk
            data += chunk
        *lines, self._rest = data.split(b"\n")
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        """Let go of this end. Idempotent."""
        with contextlib.suppress(OSError):
            self.sock.close()
        self.closed = True

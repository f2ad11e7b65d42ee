"""One socket of a connection, and what becomes of the bytes that come from it."""

import asyncio
import socket
import struct
from collections.abc import Callable
from time import monotonic
from typing import Protocol, cast

from blackstart.proxy.pipeline import Pipeline
from blackstart.proxy.stage import Ending, HangUp
from blackstart.proxy.timers import Timer, TimerQueue

# Kept for an upstream that is still being dialled; then the client has to wait.
EARLY_BYTES = 64 * 1024
# Kept for a receiver that reads slowly; enough that a bulk transfer does not stop and go.
WRITE_BUFFER_BYTES = 256 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST and drops what was not sent


class Joined(Protocol):
    """What two halves make together: the connection, or a test."""

    @property
    def over(self) -> bool:
        """Whether it has ended, or is about to."""
        ...

    def made(self, half: "Half") -> None:
        """One of the two sockets is there."""

    def lost(self) -> None:
        """One of the two sockets is gone."""

    def hang_up(self, how: HangUp) -> None:
        """End both halves in that way."""


class Half(asyncio.Protocol):
    """Reads one socket. Without toxics what it reads goes straight to the `write` of the peer's transport.

    It is also the `Ends` of the pipeline that works on what it reads.
    """

    __slots__ = (
        "_choked", "_early", "_paused", "_peer_full", "_timer", "connection", "direction", "dropped_bytes", "ended",
        "finished", "peer", "pipeline", "received_bytes", "sink", "transport", "up", "write",
    )  # fmt: skip

    peer: "Half"

    def __init__(self, connection: Joined, direction: str) -> None:
        self.connection, self.direction = connection, direction
        self.transport: asyncio.Transport | None = None
        self.write: Callable[[bytes], None] = self._keep_early
        self.sink: Callable[[bytes], None] = self._discard
        self.pipeline: Pipeline | None = None
        self.received_bytes = self.dropped_bytes = 0
        self.up = self.ended = self.finished = False
        self._early: list[bytes | Ending] | None = None
        self._timer: Timer | None = None
        self._choked = self._paused = self._peer_full = False

    # ------------------------------------------------------------ called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self.connection.made(self)

    def data_received(self, data: bytes) -> None:
        self.received_bytes += len(data)
        self.sink(data)

    def eof_received(self) -> bool:
        self._end(Ending.EOF)
        return True  # the other direction may go on: half-close is carried

    def pause_writing(self) -> None:
        self.peer._peer_full = True
        self.peer._regulate()

    def resume_writing(self) -> None:
        self.peer._peer_full = False
        self.peer._regulate()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.write = self.peer._discard
        self.peer.route()
        if self.ended and not self.connection.over:
            self.connection.hang_up(HangUp.RESET)  # it broke off after its FIN: the peer's data has nowhere to go
        self._end(Ending.RESET if exc is not None else Ending.EOF)
        self.connection.lost()

    # ------------------------------------------------------------ called by the connection

    def connected(self) -> None:
        """The transport is there: send what came too early for it."""
        assert self.transport is not None
        self.up = True
        self.write = self.transport.write
        self.resume_writing()  # before it may say again that it has enough
        early, self._early = self._early or [], None
        for item in early:
            if isinstance(item, Ending):
                self.peer.finish(item)
            else:
                self.transport.write(item)
        self.peer.route()

    def route(self) -> None:
        """Send what is read from here to the pipeline, or to the peer where there are no stages."""
        if self.pipeline is not None and not self.pipeline.stages:
            self.dropped_bytes += self.pipeline.dropped_bytes
            self.pipeline = None
            self._silence()
        if self.ended:
            self.sink = self._discard
        else:
            self.sink = self.peer.write if self.pipeline is None else self.pipeline.feed

    def staged(self, timers: TimerQueue) -> Pipeline:
        """The pipeline that works on what is read from here, made where there was none."""
        if self.pipeline is None:
            self.pipeline = Pipeline(self, self.direction, monotonic)
            self._timer = Timer(timers, self.pipeline.run_due)
        return self.pipeline

    def leave(self, how: HangUp) -> None:
        """Close this socket in that way."""
        self.sink = self._discard
        self._silence()
        if self.transport is None:
            return
        if how is HangUp.CLOSE:
            self.transport.close()
            return
        if how is HangUp.RESET:
            self._close_by_reset()
        self.transport.abort()

    @property
    def sent_bytes(self) -> int:
        """How much of what was read from here has been handed to the peer's kernel."""
        kept = self.pipeline.held_bytes + self.pipeline.dropped_bytes if self.pipeline is not None else 0
        peer = self.peer
        if peer.transport is not None:
            kept += peer.transport.get_write_buffer_size()
        return self.received_bytes - self.dropped_bytes - kept - peer._early_bytes()

    # ------------------------------------------------------------ the ends of the pipeline

    def deliver(self, chunk: bytes) -> None:
        """Send to the peer what the stages let through."""
        self.peer.write(chunk)

    def finish(self, ending: Ending) -> None:
        """End the direction towards the peer."""
        if ending is Ending.RESET:
            self.connection.hang_up(HangUp.RESET)
            return
        if ending is Ending.CLOSE:
            self.ended, self.sink = True, self._discard
        peer = self.peer
        if not peer.up:
            peer._keep_early(ending)
            return
        self.finished = True
        if peer.finished:
            self.connection.hang_up(HangUp.CLOSE)
        elif peer.transport is not None and not peer.transport.is_closing():
            peer.transport.write_eof()
        if ending is Ending.CLOSE:
            peer._end(Ending.EOF)  # what the peer has said still goes its way; what it says now does not

    def hang_up(self, how: HangUp) -> None:
        """End the whole connection."""
        self.connection.hang_up(how)

    def wake(self, at: float) -> None:
        """Wake the stages at that time."""
        if self._timer is not None:
            self._timer.set(at)

    def choke(self, choked: bool) -> None:
        """The stages hold too much, or can take more again."""
        self._choked = choked
        self._regulate()

    # ------------------------------------------------------------ inside

    def _close_by_reset(self) -> None:
        assert self.transport is not None
        try:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        except OSError:
            if not self.transport.is_closing():  # else it is closed already, and there is nothing left to reset
                raise

    def _silence(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None

    def _end(self, ending: Ending) -> None:
        if self.ended or self.connection.over:
            return
        self.ended = True
        self.sink = self._discard
        if self.pipeline is not None:
            self.pipeline.end(ending)
        else:
            self.finish(ending)

    def _regulate(self) -> None:
        pause = self._peer_full or self._choked
        if pause == self._paused or self.ended or self.transport is None or self.transport.is_closing():
            return
        self._paused = pause
        if pause:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _keep_early(self, item: bytes | Ending) -> None:
        if self._early is None:
            self._early = []
        self._early.append(item)
        if self._early_bytes() > EARLY_BYTES:
            self.pause_writing()

    def _early_bytes(self) -> int:
        return sum(len(item) for item in self._early or () if not isinstance(item, Ending))

    def _discard(self, chunk: bytes) -> None:
        self.dropped_bytes += len(chunk)

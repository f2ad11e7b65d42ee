"""One endpoint under sampling: when it is read next, and what becomes of its answers."""

from __future__ import annotations

import contextlib
import math
import threading
from typing import Protocol

from blackstart.base import clock
from blackstart.model.reading import (
    Answer,
    Endpoint,
    Joining,
    NonBlockingReader,
    Probe,
    Reader,
    Reading,
    ReadingKind,
    Scalar,
)
from blackstart.probes.read import picked, short


class Pace(Protocol):
    """What the samplers of endpoints are told by the run's sampler."""

    tick_s: float
    origin_s: float
    read_timeout_s: float
    failures: list[str]

    def deliver(self, endpoint: str, readings: list[Reading], tick_s: float) -> None:
        """Take the readings of one read."""
        ...

    def attach(self, member: EndpointSampler) -> None:
        """Wait for its answers together with others' from now on, until it is detached, if that can be done."""
        ...


class EndpointSampler:
    """Reads one endpoint on the grid of its ticks, in a thread of its own, until it is told to end.

    While the multiplexer has it (see `multiplexer`), its thread sleeps, and the multiplexer's reads in its place.
    """

    def __init__(self, ident: str, endpoint: Endpoint, probes: tuple[Probe, ...], pace: Pace) -> None:
        self.ident = ident
        self.probes = probes
        self.ended = False
        self.attached = False
        self.nonblocking: NonBlockingReader | None = None
        self.pace = pace
        self._endpoint = endpoint
        self._reader: Reader | None = None
        self.eased_tick_s = 0.0
        self._least_tick_s = float(getattr(endpoint, "least_tick_s", 0.0))
        self._free_s = clock.now_s()
        self._last_slot_s = -math.inf
        self._slot_s: float | None = None
        self._slot_tick_s = 0.0
        self._seen = Answer("answer")
        self._picked_by: tuple[Probe, ...] = ()
        self._picked: list[tuple[str, ReadingKind, Scalar, str]] = []
        self._alarm = threading.Lock()
        self._alarm.acquire()
        self.thread = threading.Thread(target=self._run, name=f"sampler {ident}", daemon=True)

    def serves(self, endpoint: Endpoint) -> bool:
        """Whether one read of both will do. Then what the other wants is read from the next one on."""
        if endpoint == self._endpoint:
            return True
        joined = self._endpoint.joined(endpoint) if isinstance(self._endpoint, Joining) else None
        if joined is None:
            return False
        self._endpoint, reader = joined, self._reader
        if reader is not None:
            joined.tell(reader)
        return True

    def _run(self) -> None:
        self._free()
        try:
            # What the multiplexer has is not touched here, not even at the end: it is detached first.
            while self.attached or not self.ended:
                wait_s = threading.TIMEOUT_MAX if self.attached else self.slot_s() - clock.now_s()
                if wait_s > 0:
                    # A bare lock: a Condition that all share would make the threads queue for it at each tick.
                    self._alarm.acquire(timeout=wait_s)
                    continue
                self._read_once(self.take_slot())
                if self.nonblocking is not None and self.nonblocking.ready():
                    self.pace.attach(self)
        finally:
            self.close()

    def wake(self) -> None:
        """Let the thread look again at the tick, at its end, or at whether it is detached."""
        with contextlib.suppress(RuntimeError):  # it is awake already
            self._alarm.release()

    def detach(self, at_once: bool) -> None:
        """Let its own thread read again: `at_once`, or at the next slot."""
        if at_once:
            self._last_slot_s = -math.inf
            self._free()
        self.attached = False
        self.wake()

    def tick_s(self) -> float:
        """The tick in force for this endpoint: never faster than it can bear, or than it needs to be."""
        return max(self.pace.tick_s, self._least_tick_s, self.eased_tick_s)

    def slot_s(self) -> float:
        """When the next slot is, by `clock.now_s()`: the first since the last read ended, and a tick after its own.

        It moves when the tick does; slots that pass during a slow read are skipped.
        """
        tick_s = self.tick_s()
        if self._slot_s is None or self._slot_tick_s != tick_s:
            self._slot_s, self._slot_tick_s = self._next_slot(tick_s), tick_s
        return self._slot_s

    def take_slot(self) -> float:
        """Begin to read in the slot that is due. Returns the tick."""
        tick_s, slot_s, now_s = self.tick_s(), self.slot_s(), clock.now_s()
        # A read that comes long after its slot counts from when it was made: the rate stays polite.
        self._last_slot_s = slot_s if now_s - slot_s < tick_s / 2 else now_s
        return tick_s

    def _next_slot(self, tick_s: float) -> float:
        if math.isinf(self._last_slot_s):
            return self._free_s
        # The slack absorbs the rounding of the division.
        earliest_s = max(self._free_s, self._last_slot_s + tick_s * 0.999)
        origin_s = self.pace.origin_s
        return origin_s + math.ceil((earliest_s - origin_s) / tick_s) * tick_s

    def _read_once(self, tick_s: float) -> None:
        sent_s = clock.now_s()
        answer = self._answer()
        self.deliver(answer, sent_s, clock.now_s(), tick_s)

    def deliver(self, answer: Answer, sent_s: float, answered_s: float, tick_s: float) -> None:
        """Give an answer to all probes, and their readings to whoever waits for them."""
        readings = [
            Reading(name, kind, sent_s, answered_s, value, note) for name, kind, value, note in self._pick(answer)
        ]
        # A read that ends after the end is nobody's any more.
        if readings and not self.ended:
            self.pace.deliver(self.ident, readings, tick_s)
        self._free()

    def _pick(self, answer: Answer) -> list[tuple[str, ReadingKind, Scalar, str]]:
        """What each probe sees in it. Picking is pure: bytes that were the last answer too are not looked at again."""
        probes, seen = self.probes, self._seen
        same = answer.body.__class__ is bytes and answer.body == seen.body and answer.status == seen.status
        if not same or answer.kind != seen.kind or probes is not self._picked_by:
            self._picked = [(probe.name, *picked(probe, answer)) for probe in probes]
            self._picked_by, self._seen = probes, answer
        return self._picked

    def _free(self) -> None:
        self._free_s, self._slot_s = clock.now_s(), None

    def _answer(self) -> Answer:
        try:
            if self._reader is None:
                self._reader = self._endpoint.open()
                self.nonblocking = self._reader if isinstance(self._reader, NonBlockingReader) else None
            return self._reader.read(self.pace.read_timeout_s)
        except Exception as error:  # a user's reader may raise anything, and must not end the thread in silence
            return self.failed(error)

    def failed(self, error: BaseException) -> Answer:
        """What an exception of the reader comes to; the reader is closed, and opened anew for the next read."""
        self.close()
        return Answer("unreadable", note=f"the reader failed: {short(error)}")

    def close(self) -> None:
        """Close the reader. Idempotent."""
        reader, self._reader, self.nonblocking = self._reader, None, None
        if reader is None:
            return
        try:
            reader.close()
        except Exception as error:  # as above; a connection that can't be closed is let go
            self.pace.failures.append(f"{self.ident}: closing failed: {short(error)}")

"""Continuous readings: one thread per endpoint, each read once per tick and its answer given to all its probes."""

from __future__ import annotations

import contextlib
import json
import math
import threading
from collections.abc import Callable, Iterable

from blackstart import clock
from blackstart.codec import to_data
from blackstart.model import Answer, Endpoint, Probe, Reader, Reading

OnReadings = Callable[[str, list[Reading], float], None]


def reading_of(probe: Probe, answer: Answer, sent_s: float, answered_s: float) -> Reading:
    """What `probe` sees in `answer`. A probe that fails at it makes a `malformed` reading, not an exception."""
    if answer.kind != "answer":
        return Reading(probe.name, answer.kind, sent_s, answered_s, note=answer.note)
    try:
        kind, value, note = probe.pick(answer)
    except Exception as error:  # a user's probe may raise anything
        return Reading(probe.name, "malformed", sent_s, answered_s, note=f"the probe failed: {_short(error)}")
    return Reading(probe.name, kind, sent_s, answered_s, value if kind == "value" else None, note)


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


class _Follower:
    """Reads one endpoint on the grid of its ticks until it is told to end."""

    def __init__(self, ident: str, endpoint: Endpoint, probes: tuple[Probe, ...], owner: Sampler) -> None:
        self.ident = ident
        self.probes = probes
        self.ended = False
        self._endpoint = endpoint
        self._owner = owner
        self._reader: Reader | None = None
        self._last_slot_s = -math.inf
        self._alarm = threading.Lock()
        self._alarm.acquire()
        self.thread = threading.Thread(target=self._run, name=f"sampler {ident}", daemon=True)

    def _run(self) -> None:
        try:
            while (tick_s := self._wait()) is not None:
                self._read_once(tick_s)
        finally:
            self._close()

    def tick_s(self) -> float:
        """The tick in force for this endpoint: never faster than it can bear."""
        return max(self._owner.tick_s, float(getattr(self._endpoint, "least_tick_s", 0.0)))

    def _wait(self) -> float | None:
        """Wait for the next slot of the grid, which moves when the tick does. None when it is over."""
        begun_s = clock.now_s()
        while not self.ended:
            tick_s = self.tick_s()
            slot_s, now_s = self._next_slot(begun_s, tick_s), clock.now_s()
            if now_s >= slot_s:
                # A read that comes long after its slot counts from when it was made: the rate stays polite.
                self._last_slot_s = slot_s if now_s - slot_s < tick_s / 2 else now_s
                return tick_s
            # A bare lock: a Condition that all share would make the threads queue for it at each tick.
            self._alarm.acquire(timeout=slot_s - now_s)
        return None

    def wake(self) -> None:
        """Let it look again at the tick, or at its end."""
        with contextlib.suppress(RuntimeError):  # it is awake already
            self._alarm.release()

    def _next_slot(self, begun_s: float, tick_s: float) -> float:
        """The first slot from `begun_s` on, a tick after the last: those that passed during a slow read are skipped."""
        if math.isinf(self._last_slot_s):
            return begun_s
        # The slack absorbs the rounding of the division.
        earliest_s = max(begun_s, self._last_slot_s + tick_s * 0.999)
        origin_s = self._owner.origin_s
        return origin_s + math.ceil((earliest_s - origin_s) / tick_s) * tick_s

    def _read_once(self, tick_s: float) -> None:
        sent_s = clock.now_s()
        answer = self._answer()
        answered_s = clock.now_s()
        probes = self.probes
        readings = [reading_of(probe, answer, sent_s, answered_s) for probe in probes]
        # A read that ends after the end is nobody's any more.
        if readings and not self.ended:
            self._owner.deliver(self.ident, readings, tick_s)

    def _answer(self) -> Answer:
        try:
            if self._reader is None:
                self._reader = self._endpoint.open()
            return self._reader.read(self._owner.read_timeout_s)
        except Exception as error:  # a user's reader may raise anything, and must not end the thread in silence
            self._close()
            return Answer("malformed", note=f"the reader failed: {_short(error)}")

    def _close(self) -> None:
        reader, self._reader = self._reader, None
        if reader is None:
            return
        try:
            reader.close()
        except Exception as error:  # as above; a connection that can't be closed is let go
            self._owner.failures.append(f"{self.ident}: closing failed: {_short(error)}")


class Sampler:
    """Reads the endpoints of all probes at a common tick, and hands each reading over in the thread that made it.

    `on_readings(endpoint, readings, tick_s)` is called right after each read, from one thread per endpoint. What it
    raises is kept in `failures`; the sampling goes on. `max_rate_hz` is the most that one endpoint is read.
    """

    def __init__(
        self,
        probes: Iterable[Probe],
        on_readings: OnReadings,
        tick_s: float = 0.2,
        max_rate_hz: float = 5.0,
        read_timeout_s: float = 2.0,
    ) -> None:
        self._lock = threading.Lock()
        self.read_timeout_s = read_timeout_s
        self.failures: list[str] = []
        self.origin_s = clock.now_s()
        self._on_readings = on_readings
        self._least_tick_s = 1.0 / max_rate_hz
        self._followers: dict[str, _Follower] = {}
        self._running = False
        self.tick_s = max(tick_s, self._least_tick_s)
        self.watch(probes)

    def set_tick(self, tick_s: float) -> float:
        """Change the tick at once; the tick that results is not below what `max_rate_hz` allows."""
        with self._lock:
            self.tick_s = max(tick_s, self._least_tick_s)
            for follower in self._followers.values():
                follower.wake()
            return self.tick_s

    def start(self) -> None:
        """Begin to read. Idempotent."""
        with self._lock:
            if not self._running:
                self._running = True
                self.origin_s = clock.now_s()
                for follower in self._followers.values():
                    follower.thread.start()

    def watch(self, probes: Iterable[Probe]) -> None:
        """Read these probes too. Equal ones are read once; ValueError where two different ones have one name."""
        with self._lock:
            for probe in probes:
                self._watch_one(probe)

    def _watch_one(self, probe: Probe) -> None:
        for follower in self._followers.values():
            same = [known for known in follower.probes if known.name == probe.name]
            if same and same[0] == probe:
                return
            if same:
                raise ValueError(f'two different probes are called "{probe.name}"; give one of them another name')
        endpoint = probe.endpoint()
        key = json.dumps(to_data(endpoint), sort_keys=True)
        known_follower = self._followers.get(key)
        if known_follower is not None:
            known_follower.probes = (*known_follower.probes, probe)
            return
        ident, taken = endpoint.describe(), {follower.ident for follower in self._followers.values()}
        if ident in taken:
            ident = next(name for n in range(2, len(taken) + 3) if (name := f"{ident} #{n}") not in taken)
        follower = self._followers[key] = _Follower(ident, endpoint, (probe,), self)
        if self._running:
            follower.thread.start()

    def unwatch(self, names: Iterable[str]) -> None:
        """Stop reading the probes with these names. An endpoint without probes is not read any more."""
        gone = set(names)
        with self._lock:
            for key, follower in list(self._followers.items()):
                follower.probes = tuple(probe for probe in follower.probes if probe.name not in gone)
                if not follower.probes:
                    follower.ended = True
                    follower.wake()
                    del self._followers[key]

    def stop(self, timeout_s: float | None = None) -> tuple[str, ...]:
        """End all reading, waiting at most `timeout_s` (default: one read's time limit and a second) in all.

        Returns the endpoints whose read did not come back by then; what they still read is dropped.
        """
        limit_s = clock.now_s() + (self.read_timeout_s + 1.0 if timeout_s is None else timeout_s)
        with self._lock:
            followers = list(self._followers.values())
            for follower in followers:
                follower.ended = True
                follower.wake()
            self._followers.clear()
            self._running = False
        for follower in followers:
            if follower.thread.ident is not None and follower.thread is not threading.current_thread():
                follower.thread.join(max(0.0, limit_s - clock.now_s()))
        return tuple(follower.ident for follower in followers if follower.thread.is_alive())

    def deliver(self, endpoint: str, readings: list[Reading], tick_s: float) -> None:
        """Hand readings over; what the receiver raises must not end the sampling that an undo is proved by."""
        try:
            self._on_readings(endpoint, readings, tick_s)
        except Exception as error:
            self.failures.append(f"{endpoint}: its readings could not be taken: {_short(error)}")

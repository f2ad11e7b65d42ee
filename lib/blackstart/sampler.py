"""Continuous readings: each endpoint is read once per tick, and its answer given to all its probes.

Every endpoint has a thread of its own for whatever may have to wait; see `blackstart.follower`. Requests on connections
that are open are sent and awaited by one thread together; see `blackstart.convoy`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable

from blackstart import clock
from blackstart.codec import to_data
from blackstart.convoy import Convoy
from blackstart.follower import Follower
from blackstart.model import Probe, Reading
from blackstart.reading import reading_of, short

__all__ = ["OnReadings", "Sampler", "reading_of"]

OnReadings = Callable[[str, list[Reading], float], None]


class Sampler:
    """Reads the endpoints of all probes at a common tick, and hands each reading over in the thread that made it.

    `on_readings(endpoint, readings, tick_s)` is called right after each read, from one of several threads. What it
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
        self._followers: dict[str, Follower] = {}
        self._convoy = Convoy()
        self._running = False
        self.tick_s = max(tick_s, self._least_tick_s)
        self.watch(probes)

    def set_tick(self, tick_s: float) -> float:
        """Change the tick at once; the tick that results is not below what `max_rate_hz` allows."""
        with self._lock:
            before_s, self.tick_s = self.tick_s, max(tick_s, self._least_tick_s)
            if self.tick_s != before_s:
                for follower in self._followers.values():
                    follower.wake()
                self._convoy.wake()
            return self.tick_s

    def start(self) -> None:
        """Begin to read. Idempotent."""
        with self._lock:
            if not self._running:
                self._running = True
                self.origin_s = clock.now_s()
                self._convoy = Convoy()
                self._convoy.thread.start()
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
        follower = self._followers[key] = Follower(ident, endpoint, (probe,), self)
        if self._running:
            follower.thread.start()

    def ease(self, names: Iterable[str], tick_s: float) -> None:
        """Read endpoints that only have probes with these names at most this often; 0 takes it back."""
        eased = set(names)
        with self._lock:
            for follower in self._followers.values():
                if eased.issuperset(probe.name for probe in follower.probes):
                    follower.eased_tick_s = tick_s
                    follower.wake()
            self._convoy.wake()

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
            self._convoy.ended = True
            self._convoy.wake()
        for thread in (self._convoy.thread, *(follower.thread for follower in followers)):
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join(max(0.0, limit_s - clock.now_s()))
        return tuple(follower.ident for follower in followers if follower.thread.is_alive())

    def adopt(self, follower: Follower) -> None:
        """Take a follower into the convoy, unless everything is ending."""
        with self._lock:
            if not follower.ended and not self._convoy.ended:
                follower.adopted = True
                self._convoy.join(follower)

    def deliver(self, endpoint: str, readings: list[Reading], tick_s: float) -> None:
        """Hand readings over; what the receiver raises must not end the sampling that an undo is proved by."""
        try:
            self._on_readings(endpoint, readings, tick_s)
        except Exception as error:
            self.failures.append(f"{endpoint}: its readings could not be taken: {short(error)}")

"""Continuous readings: each endpoint is read once per tick, and its answer given to all its probes.

Every endpoint has a thread of its own for whatever may have to wait; see `endpoint`. Requests on connections
that are open are sent and awaited by one thread together; see `multiplexer`.
"""

import threading
from collections.abc import Callable, Iterable

from blackstart.base import clock
from blackstart.engine.sampling.endpoint import EndpointSampler
from blackstart.engine.sampling.multiplexer import Multiplexer
from blackstart.model.reading import Probe, Reading
from blackstart.probes.read import short

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
        self._members: list[EndpointSampler] = []
        self._multiplexer = Multiplexer()
        self._running = False
        self.tick_s = max(tick_s, self._least_tick_s)
        self.watch(probes)

    def set_tick(self, tick_s: float) -> float:
        """Change the tick at once; the tick that results is not below what `max_rate_hz` allows."""
        with self._lock:
            before_s, self.tick_s = self.tick_s, max(tick_s, self._least_tick_s)
            if self.tick_s != before_s:
                for member in self._members:
                    member.wake()
                self._multiplexer.wake()
            return self.tick_s

    def start(self) -> None:
        """Begin to read. Idempotent."""
        with self._lock:
            if not self._running:
                self._running = True
                self.origin_s = clock.now_s()
                self._multiplexer = Multiplexer()
                self._multiplexer.thread.start()
                for member in self._members:
                    member.thread.start()

    def watch(self, probes: Iterable[Probe]) -> None:
        """Read these probes too. Equal ones are read once; ValueError where two different ones have one name."""
        with self._lock:
            for probe in probes:
                self._watch_one(probe)

    def _watch_one(self, probe: Probe) -> None:
        for member in self._members:
            same = [known for known in member.probes if known.name == probe.name]
            if same and same[0] == probe:
                return
            if same:
                raise ValueError(f'two different probes are called "{probe.name}"; give one of them another name')
        endpoint = probe.endpoint()
        known_member = next((member for member in self._members if member.serves(endpoint)), None)
        if known_member is not None:
            known_member.probes = (*known_member.probes, probe)
            return
        ident, taken = endpoint.describe(), {member.ident for member in self._members}
        if ident in taken:
            ident = next(name for n in range(2, len(taken) + 3) if (name := f"{ident} #{n}") not in taken)
        member = EndpointSampler(ident, endpoint, (probe,), self)
        self._members.append(member)
        if self._running:
            member.thread.start()

    def ease(self, names: Iterable[str], tick_s: float) -> None:
        """Read endpoints that only have probes with these names at most this often; 0 takes it back."""
        eased = set(names)
        with self._lock:
            for member in self._members:
                if eased.issuperset(probe.name for probe in member.probes):
                    member.eased_tick_s = tick_s
                    member.wake()
            self._multiplexer.wake()

    def stop(self, timeout_s: float | None = None) -> tuple[str, ...]:
        """End all reading, waiting at most `timeout_s` (default: one read's time limit and a second) in all.

        Returns the endpoints whose read did not come back by then; what they still read is dropped.
        """
        limit_s = clock.now_s() + (self.read_timeout_s + 1.0 if timeout_s is None else timeout_s)
        with self._lock:
            members = list(self._members)
            for member in members:
                member.ended = True
                member.wake()
            self._members.clear()
            self._running = False
            self._multiplexer.ended = True
            self._multiplexer.wake()
        for thread in (self._multiplexer.thread, *(member.thread for member in members)):
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join(max(0.0, limit_s - clock.now_s()))
        return tuple(member.ident for member in members if member.thread.is_alive())

    def attach(self, member: EndpointSampler) -> None:
        """Let the multiplexer read for a member, unless everything is ending."""
        with self._lock:
            if not member.ended and not self._multiplexer.ended:
                member.attached = True
                self._multiplexer.join(member)

    def deliver(self, endpoint: str, readings: list[Reading], tick_s: float) -> None:
        """Hand readings over; what the receiver raises must not end the sampling that an undo is proved by."""
        try:
            self._on_readings(endpoint, readings, tick_s)
        except Exception as error:
            self.failures.append(f"{endpoint}: its readings could not be taken: {short(error)}")

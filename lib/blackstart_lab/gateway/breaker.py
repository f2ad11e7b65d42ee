"""A circuit breaker with the words and the arithmetic of Resilience4j.

The libraries for Python at hand (pybreaker, aiobreaker, purgatory, circuitbreaker) open after n failures in a row. None
has what the gateway is specified by: a failure rate over a sliding window with a minimum of calls, slow calls that
count, and a number of trial calls in HALF_OPEN that are judged together. Pure: the clock is given, nothing is awaited.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from blackstart_lab.clock import now_s
from blackstart_lab.gateway.config import BreakerNumbers

CLOSED, OPEN, HALF_OPEN = "CLOSED", "OPEN", "HALF_OPEN"
STATES = (CLOSED, OPEN, HALF_OPEN)

Listener = Callable[[str, str, str], None]
"""Told of each transition: from, to, and why."""


@dataclass(frozen=True)
class Permit:
    """Leave for one call. `generation` ties its result to the state that gave it."""

    generation: int
    began_s: float


@dataclass
class Window:
    """The last calls' results: at most `size` of them, and none older than `length_s` where that is not 0."""

    size: int
    length_s: float = 0.0
    _calls: deque[tuple[float, bool, bool]] = field(default_factory=deque)
    failed: int = 0
    slow: int = 0

    def add(self, at_s: float, failed: bool, slow: bool) -> None:
        self.forget(at_s)
        if len(self._calls) == self.size:
            self._drop()
        self._calls.append((at_s, failed, slow))
        self.failed += failed
        self.slow += slow

    def forget(self, now_s: float) -> None:
        """Drop what is too old by now."""
        while self.length_s and self._calls and self._calls[0][0] <= now_s - self.length_s:
            self._drop()

    def _drop(self) -> None:
        _, failed, slow = self._calls.popleft()
        self.failed -= failed
        self.slow -= slow

    def __len__(self) -> int:
        return len(self._calls)

    def percent(self, count: int) -> float:
        return 100.0 * count / len(self._calls) if self._calls else 0.0


class Breaker:
    """Ask `acquire` before a call, then tell `record` or `give_back`. Whoever asks next sees that OPEN is over."""

    def __init__(
        self, name: str, numbers: BreakerNumbers, listener: Listener, clock: Callable[[], float] = now_s
    ) -> None:
        self.name = name
        self.numbers = numbers
        self.now = clock
        self.window = Window(numbers.window_calls, numbers.window_s)
        self.refused = 0
        self.totals = {"successful": 0, "failed": 0, "slow": 0}
        self._listener = listener
        self._state = CLOSED
        self._generation = 0
        self._opened_s = 0.0
        self._trials = 0

    @property
    def state(self) -> str:
        """The present state; an OPEN whose time is over has become HALF_OPEN."""
        if self._state == OPEN and self.now() - self._opened_s >= self.numbers.open_s:
            self.wait_is_over()
        return self._state

    def acquire(self) -> Permit | None:
        """Leave for one call, or None where the call must not be made."""
        state = self.state
        if state == OPEN or (state == HALF_OPEN and self._trials >= self.numbers.half_open_calls):
            self.refused += 1
            return None
        if state == HALF_OPEN:
            self._trials += 1
        return Permit(self._generation, self.now())

    def record(self, permit: Permit, failed: bool) -> None:
        """What came of a call. One that began in an earlier state says nothing of the present one."""
        now_s = self.now()
        slow = (now_s - permit.began_s) * 1000 >= self.numbers.slow_ms
        self.totals["failed" if failed else "successful"] += 1
        self.totals["slow"] += slow
        if permit.generation != self._generation:
            return
        self.window.add(now_s, failed, slow)
        if self._state == CLOSED and len(self.window) >= self.numbers.min_calls:
            self.judge_closed()
        elif self._state == HALF_OPEN and len(self.window) >= self.numbers.half_open_calls:
            self.judge_trials()

    def give_back(self, permit: Permit) -> None:
        """The call was not made to its end (its client left): a trial is free again."""
        if permit.generation == self._generation and self._state == HALF_OPEN:
            self._trials -= 1

    def too_bad(self) -> bool:
        """Whether the window's failures or slow calls reach their limit."""
        window, numbers = self.window, self.numbers
        failed, slow = window.percent(window.failed), window.percent(window.slow)
        return failed >= numbers.failure_percent or slow >= numbers.slow_percent

    def judge_closed(self) -> None:
        if self.too_bad():
            self.change(OPEN)

    def judge_trials(self) -> None:
        self.change(OPEN if self.too_bad() else CLOSED)

    def wait_is_over(self) -> None:
        self.change(HALF_OPEN)

    def change(self, to: str) -> None:
        """Go to another state with an empty window."""
        before, why = self._state, self._why()
        self._state = to
        self._generation += 1
        self._trials = 0
        if to == OPEN:
            self._opened_s = self.now()
        numbers = self.numbers
        trial = to == HALF_OPEN
        self.window = Window(numbers.half_open_calls) if trial else Window(numbers.window_calls, numbers.window_s)
        self._listener(before, to, why)

    def _why(self) -> str:
        if self._state == OPEN:
            return f"{self.numbers.open_s:g} s are over"
        window = self.window
        return f"{window.failed} failed and {window.slow} slow of {len(window)} calls"

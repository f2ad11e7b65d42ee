"""Whether the operations on one key could have happened one at a time, each between its sending and its answer.

The search is Wing and Gong's, with Lowe's memory of what was tried, without recursion. An operation of unknown outcome
may happen at any time after its sending, or never: it is tried last. Pure: the same operations and limit give the same.
"""

from __future__ import annotations

import heapq
import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import ClassVar, NamedTuple, Protocol

State = Hashable
MOST_REMEMBERED = 500_000
"""So many configurations of one key are kept in memory, beside one for each of its operations."""


class Operation(NamedTuple):
    """One operation on a key. Times are seconds of one clock; `end_s` is infinite where the outcome is unknown.

    `value` is what was asked for (the value to write, the parameters of a request); `answer` what came back, None where
    nothing did. Two that touch at one instant are concurrent. An `optional` one happened in its time, or never.
    """

    action: str
    value: Hashable
    answer: Hashable
    start_s: float
    end_s: float
    name: str = ""
    optional: bool = False

    @property
    def certain(self) -> bool:
        """Whether its outcome is known: it happened, before `end_s`."""
        return self.end_s < math.inf and not self.optional


class Model(Protocol):
    """How one key behaves while one operation at a time is carried out. Made for the operations that are searched."""

    observing: ClassVar[frozenset[str]]
    """The actions whose answers tell something of the state. One that changes nothing now never will, later."""
    initial: State

    def __init__(self, operations: Sequence[Operation]) -> None: ...

    def step(self, state: State, operation: Operation) -> State | None:
        """The state after it; None where this answer can't be given in this state. No state is None."""

    @staticmethod
    def forgotten(operation: Operation) -> Operation | None:
        """The same without its answer, as one that is optional; None where it then changes nothing."""


class _Configuration(NamedTuple):
    """What has happened so far: of the certain operations, in the order of their ends, all before `rank` and those with
    a bit in `ahead` (bit 0 is `rank` itself); of the unknown ones those with a bit in `used`."""

    rank: int
    ahead: int
    used: int
    state: State


class Search:
    """The search over the operations of one key; `steps` counts what was tried."""

    def __init__(self, model: type[Model], operations: Sequence[Operation], most_steps: int) -> None:
        self._certain = sorted((one for one in operations if one.certain), key=lambda one: one.end_s)
        self._unknown = sorted((one for one in operations if not one.certain), key=lambda one: one.start_s)
        self._alike = _alike(self._unknown)
        self._possible: dict[int, list[list[int]]] = {}
        self._bounded = any(one.end_s < math.inf for one in self._unknown)
        self._model, self._most = model(operations), most_steps
        self.steps = 0
        begun = sorted((one.start_s, rank) for rank, one in enumerate(self._certain))
        self._starts, self._ranks = [start_s for start_s, _ in begun], [rank for _, rank in begun]
        places = sorted(range(len(begun)), key=self._ranks.__getitem__)
        # Of the operations from this rank on, in the order of their starts, the place of the first.
        self._first = list(itertools.accumulate(reversed(places), min))[::-1]
        # When the last of the operations before this rank was sent.
        self._begun = list(itertools.accumulate((one.start_s for one in self._certain), max, initial=-math.inf))

    def run(self) -> bool | None:
        """Whether there is an order that agrees with every answer; None where the limit was reached before that was
        known."""
        seen: dict[tuple[int, int, State], list[int]] = {}
        remembered, end = 0, len(self._certain)
        waiting: list[tuple[int, int, int, _Configuration]] = []
        starts = iter([self._settled(_Configuration(0, 0, 0, self._model.initial))])
        while True:
            path = [starts]
            while path:
                here = next(path[-1], None)
                if here is None:
                    path.pop()
                    continue
                if here.rank == end:
                    return True
                uses = seen.setdefault((here.rank, here.ahead, here.state), [])
                # Who got here with fewer of the unknown operations can do all that can be done from here.
                if any(fewer & ~here.used == 0 for fewer in uses):
                    continue
                uses.append(here.used)
                remembered += 1
                if self.steps > self._most or remembered > MOST_REMEMBERED + end:
                    return None
                heapq.heappush(waiting, (-here.rank, here.used.bit_count(), remembered, here))
                path.append(self._certain_moves(here))
            if not waiting:
                return False
            # Stuck: an unknown operation may have happened, most likely where it got furthest with the fewest of them.
            starts = self._unknown_moves(heapq.heappop(waiting)[-1])

    def _certain_moves(self, here: _Configuration) -> Iterator[_Configuration]:
        for rank in self._next(here.rank):
            bit = 1 << (rank - here.rank)
            if not here.ahead & bit:
                state = self._step(here.state, self._certain[rank])
                if state is not None:
                    yield self._settled(here._replace(ahead=here.ahead | bit, state=state))

    def _unknown_moves(self, here: _Configuration) -> Iterator[_Configuration]:
        begun_s, possible = self._begun_at(here), self._may_happen(here.rank)
        self.steps += len(possible) + here.used.bit_count()
        for alike in possible:
            # Those that do the same in their order: which of them it was makes no difference.
            at = next((at for at in alike if not here.used >> at & 1), None)
            if at is not None and self._unknown[at].end_s >= begun_s:
                state = self._step(here.state, self._unknown[at])
                if state is not None and state != here.state:
                    yield self._settled(here._replace(used=here.used | 1 << at, state=state))

    def _may_happen(self, rank: int) -> list[list[int]]:
        """The numbers of the unknown operations, by what they would do, that were sent before this one's end and were
        not over before all up to this one had begun."""
        if rank not in self._possible:
            self.steps += len(self._alike)
            end_s, begun_s, unknown = self._certain[rank].end_s, self._begun[rank], self._unknown
            found = ([at for at in alike if unknown[at].start_s <= end_s] for alike in self._alike)
            self._possible[rank] = [alike for alike in found if alike and unknown[alike[-1]].end_s >= begun_s]
        return self._possible[rank]

    def _begun_at(self, here: _Configuration) -> float:
        """When the last of what has happened was sent: nothing that was over by then can happen any more."""
        ahead = (self._certain[here.rank + at].start_s for at in _bits(here.ahead))
        used = (self._unknown[at].start_s for at in _bits(here.used))
        return max(self._begun[here.rank], *ahead, *used, -math.inf)

    def _settled(self, here: _Configuration) -> _Configuration:
        """What only observes, and can happen here without changing the state, has happened: nothing is lost by it."""
        rank, ahead, _, state = here
        # What has begun after others were over keeps them from happening, if they did: it must not come too soon.
        until_s = self._begun_at(here) if self._bounded else math.inf
        self.steps += here.used.bit_count()
        while rank < len(self._certain):
            for other in self._next(rank):
                bit, one = 1 << (other - rank), self._certain[other]
                if ahead & bit or one.start_s > until_s or one.action not in self._model.observing:
                    continue
                if self._step(state, one) == state:
                    ahead |= bit
            if not ahead & 1:
                break
            done = (ahead ^ (ahead + 1)).bit_length() - 1  # how many are done in a row
            rank, ahead = rank + done, ahead >> done
        return here._replace(rank=rank, ahead=ahead)

    def _next(self, rank: int) -> list[int]:
        """The certain operations, from this one on, that were sent before this one's end."""
        until = bisect_right(self._starts, self._certain[rank].end_s)
        return [other for other in self._ranks[self._first[rank] : until] if other >= rank]

    def _step(self, state: State, operation: Operation) -> State | None:
        self.steps += 1
        return self._model.step(state, operation)


def _alike(unknown: Sequence[Operation]) -> list[list[int]]:
    """The numbers of the operations that may happen at any time since, by what they would do; others each by itself."""
    found: dict[Hashable, list[int]] = {}
    for at, one in enumerate(unknown):
        found.setdefault((one.action, one.value) if one.end_s == math.inf else at, []).append(at)
    return list(found.values())


def _bits(number: int) -> Iterator[int]:
    while number:
        yield (number & -number).bit_length() - 1
        number &= number - 1


def contradiction(model: type[Model], operations: Sequence[Operation], most_steps: int) -> tuple[list[Operation], bool]:
    """Of operations that no order agrees with, the earliest few whose answers contradict each other, whatever became of
    the others; in the order of their starts. And whether it was seen that none of them can be left out, within so many
    steps."""
    certain = sorted((one for one in operations if one.certain), key=lambda one: one.start_s)
    unknown = [one for one in operations if not one.certain]
    left = most_steps

    def contradict(kept: Iterable[int]) -> bool:
        nonlocal left
        among = set(kept)
        rest = [one for at, one in enumerate(certain) if at in among]
        others = [model.forgotten(one) for at, one in enumerate(certain) if at not in among]
        search = Search(model, [*rest, *unknown, *(one for one in others if one is not None)], left)
        possible = search.run()
        left = max(0, left - search.steps)
        return possible is False

    until = bisect_left(range(len(certain)), True, key=lambda last: contradict(range(last + 1)))
    kept = list(range(len(certain)))[: until + 1]
    size = len(kept) - 1  # the last one stays: without it there is no contradiction
    while size:
        until = len(kept) - 1
        while until > 0:
            at = max(0, until - size)
            fewer = kept[:at] + kept[until:]
            kept = fewer if contradict(fewer) else kept
            until = at
        size //= 2
    return [certain[at] for at in kept], left > 0

"""A toxic at work on one direction of one connection: a small synchronous step between two sockets.

A stage is told what happens (`opened`, `data`, `ended`, `due`, `changed`, `removed`) and answers at once: it passes
something on, keeps it, sets `due_at`, or hangs up. It never waits and knows nothing of sockets or of the event loop.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum
from random import Random
from typing import Any, ClassVar, TypeAlias

from blackstart.proxy.attributes import Settings

NEVER = math.inf
HITS = "hits"
Chunk: TypeAlias = bytes


class Ending(Enum):
    """How a direction ended: its sender said so (FIN) or broke off (RST), or a toxic ends the connection here."""

    EOF = "eof"
    RESET = "reset"
    CLOSE = "close"


class HangUp(Enum):
    """How a stage ends a connection: after what was sent has gone out, at once (FIN), or at once by RST."""

    CLOSE = "close"
    CUT = "cut"
    RESET = "reset"


class Stage:
    """Passes everything on. A toxic is a subclass that declares attributes and changes what it needs to."""

    type: ClassVar[str]
    # Whether the proxy accepts no new connection while this toxic is on it.
    refuses_connections: ClassVar[bool] = False

    def __init__(self, toxic: Settings, direction: str, random: Callable[[], Random], now: Callable[[], float]) -> None:
        self.toxic, self.direction, self.now = toxic, direction, now
        self.random = random
        self.due_at = NEVER
        self.held_bytes = 0
        self.dropped_bytes = 0
        # Set by the pipeline: where data and the end go from here, and how the connection is ended.
        self.emit: Callable[[bytes], None]
        self.pass_on: Callable[[Ending], None]
        self.hang_up: Callable[[HangUp], None]

    @property
    def capacity_bytes(self) -> int:
        """How much may be kept here before the sender has to wait."""
        return 64 * 1024

    def hit(self) -> None:
        """Count that the toxic has worked on what somebody sent."""
        self.toxic.shared[HITS] = self.toxic.shared.get(HITS, 0) + 1

    @property
    def values(self) -> Mapping[str, Any]:
        """The toxic's checked attributes, as they are now."""
        return self.toxic.values

    @classmethod
    def check(cls, values: dict[str, Any]) -> None:
        """Refuse values that don't go together (ValueError)."""

    def opened(self, fresh: bool) -> None:
        """The toxic took effect here. `fresh`: on a connection that was just accepted, not on one already open."""

    def data(self, chunk: bytes) -> None:
        """Bytes came."""
        self.emit(chunk)

    def ended(self, ending: Ending) -> None:
        """No more bytes will come."""
        self.pass_on(ending)

    def due(self, now: float) -> None:
        """`due_at` has come."""

    def changed(self) -> None:
        """The toxic's attributes changed."""

    def removed(self) -> None:
        """The toxic is gone: pass on what is kept."""


class Holding(Stage):
    """A stage that keeps things in order before it passes them on."""

    def __init__(self, toxic: Settings, direction: str, random: Callable[[], Random], now: Callable[[], float]) -> None:
        super().__init__(toxic, direction, random, now)
        self.held: deque[bytes | Ending] = deque()

    def data(self, chunk: bytes) -> None:
        self.held.append(chunk)
        self.held_bytes += len(chunk)

    def ended(self, ending: Ending) -> None:
        self.held.append(ending)

    def release(self, size: int | None = None) -> None:
        """Pass on the first thing kept, or only its first `size` bytes."""
        item = self.held.popleft()
        if isinstance(item, Ending):
            self.pass_on(item)
            return
        if size is not None and size < len(item):
            self.held.appendleft(item[size:])
            item = item[:size]
        self.held_bytes -= len(item)
        self.emit(item)

    def removed(self) -> None:
        while self.held:
            self.release()

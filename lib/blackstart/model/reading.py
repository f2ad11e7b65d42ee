"""What is read, by whom, and what came of it."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from blackstart.model.target import Target

ReadingKind = Literal["value", "unreachable", "timed_out", "malformed", "absent", "unreadable"]
# What says nothing of the target: no expectation is broken by it, and none is held.
UNSEEN: frozenset[ReadingKind] = frozenset(("absent", "unreadable"))
Scalar = str | int | float | bool | None
Picked = tuple[ReadingKind, Scalar, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one probe saw at one time. `sent_s` and `answered_s` are `clock.now_s()` seconds around the I/O.

    kind `value`: `value` is what was seen. `unreachable`: refused, reset, no route. `timed_out`: no answer within the
    time limit. `malformed`: an answer that nobody could read as what it should be. `absent`: a good answer without the
    series or field. `unreadable`: what we can't or won't read, such as an answer beyond our size limit, an encoding, a
    certificate that we don't trust, a login that we don't have, a query that gives no single value. For all but
    `value`, `note` says what was seen.
    """

    probe: str
    kind: ReadingKind
    sent_s: float
    answered_s: float
    value: Scalar = None
    note: str = ""

    @property
    def number(self) -> float | None:
        """The number that was read; None for anything else."""
        counts = self.kind == "value" and isinstance(self.value, int | float) and not isinstance(self.value, bool)
        return float(self.value) if counts else None  # type: ignore[arg-type]

    def __str__(self) -> str:
        if self.kind == "value":
            return f"{self.probe} was {f'{self.value:.6g}' if isinstance(self.value, float) else self.value}"
        return f"{self.probe} was {self.kind.replace('_', ' ')}{f' ({self.note})' if self.note else ''}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint gave back in one read: several probes may pick from it.

    kind `answer`: `status`, `body` (HTTP) or `body` alone (a scalar, a list of lines, rows); any other kind is a
    reading of that kind for every probe that is fed by it.
    """

    kind: Literal["answer", "unreachable", "timed_out", "malformed", "unreadable"]
    body: Any = None
    status: int | None = None
    note: str = ""


class Reader(Protocol):
    """An open connection to an endpoint. The only part of a probe that does I/O. Never raises for what it reads."""

    def read(self, timeout_s: float) -> Answer:
        """One reading, within `timeout_s` whatever the other side does."""
        ...

    def close(self) -> None:
        """Give back what is held. Idempotent."""
        ...


@runtime_checkable
class NonBlockingReader(Protocol):
    """A reader that can also ask without waiting, on a connection that is open; `read` does the same with waiting."""

    def ready(self) -> bool:
        """Whether `ask` has a chance now."""
        ...

    def ask(self) -> int | None:
        """Send the request; the descriptor on which the answer will come. None where that would need to wait."""
        ...

    def collect(self) -> Answer | None:
        """The answer, if what has come by now completes it. Raises Stale: the connection was lost before a byte."""
        ...

    def overdue(self, timeout_s: float) -> Answer:
        """What it is that no answer came within the limit. The connection is given up."""
        ...


class Endpoint(Protocol):
    """What is read, as plain data; probes with equal endpoints share one reading per tick."""

    def open(self) -> Reader:
        """A reader; does not fail for a dead other side, that is a reading."""
        ...

    def describe(self) -> str:
        """Short and free of secrets, as in `GET http://localhost:8000/ready`."""
        ...


@runtime_checkable
class Joining(Endpoint, Protocol):
    """An endpoint of which different ones can be read as one: each says what it wants of the same answer."""

    def joined(self, other: object) -> "Joining | None":
        """One that gives what both do; None where one read of both is not enough."""
        ...

    def tell(self, reader: Reader) -> None:
        """Make a reader that one of the two has opened read what this one wants."""
        ...


class Probe(Protocol):
    """A named source of readings, as plain data."""

    @property
    def name(self) -> str:
        """Unique within an experiment; stands in journal, tables and messages."""
        ...

    def bind(self, target: Target) -> "Probe":
        """The same probe with absolute addresses, so that it can be read without the target. Raises Refused."""
        ...

    def endpoint(self) -> Endpoint:
        """What to read. Only after `bind`."""
        ...

    def pick(self, answer: Answer) -> Picked:
        """Kind, value and note of the reading in an answer of kind `answer`. Pure."""
        ...

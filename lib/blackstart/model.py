"""The nouns of Blackstart, on one page. All of them are plain data; what does I/O says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from blackstart.codec import plain

if TYPE_CHECKING:
    from blackstart.expect import Condition, Expectation
    from blackstart.target import Target

# ---------------------------------------------------------------- steps: what a change does, as data


@plain("step.command")
class Command:
    """One program run on this machine or over SSH. `host` is None (here) or `ssh://user@host:port`.

    `ok_codes` are the exit codes that mean success. `accepts` are fragments of output that mean "already so"
    (an undo accepts "already started"), whatever the exit code. A `detach`ed command is started in a session of its
    own with its output appended to `log`, and not waited for.
    """

    argv: tuple[str, ...]
    host: str | None = None
    timeout_s: float = 30.0
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    ok_codes: tuple[int, ...] = (0,)
    accepts: tuple[str, ...] = ()
    detach: bool = False
    log: str = ""


@plain("step.http_call")
class HttpCall:
    """One HTTP request that changes something (a proxy's API, `POST /pause`). Header values may be `env:NAME`.

    `if_refused` says why it is as good as done where nobody listens there (only to be used of this machine, where a
    refused connection means that the process is dead); empty: then it failed.
    """

    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ok_statuses: tuple[int, ...] = (200, 201, 204)
    timeout_s: float = 10.0
    if_refused: str = ""


@plain("step.ask")
class Ask:
    """A step for the hand on the keyboard. Done when its effect is seen, or the operator says so."""

    text: str
    timeout_s: float = 300.0


Step = Command | HttpCall | Ask


# ---------------------------------------------------------------- changes and faults


@plain("change")
class Change:
    """One thing that will be different, and how it is put right again.

    `undo` is idempotent. `gone` proves that the change is undone, `bites` that it took effect; both are conditions that
    must all hold at once. `undo_is_noop` says that the undo does nothing to a healthy system, so that it can be
    rehearsed. `rights` are harmless commands that fail where a right is missing. `ends_with_network` says that it is
    kept by the network namespace of the run alone (a rule, a queue), and ends with it.
    """

    what: str
    service: str
    do: tuple[Step, ...]
    undo: tuple[Step, ...]
    bites: tuple[Condition, ...]
    gone: tuple[Condition, ...]
    rights: tuple[Step, ...] = ()
    undo_is_noop: bool = False
    lease_s: float = 600.0
    undo_by_hand: bool = False
    ends_with_network: bool = False


class Fault(Protocol):
    """One way to break one thing, as plain data. Planning reads facts (through controls) and touches nothing."""

    def plan(self, target: Target) -> tuple[Change, ...]:
        """The changes that this fault means on this target. Raises Refused where the target can't have it."""
        ...

    def describe(self) -> str:
        """What it does in a few words, as in "stop redis"."""
        ...


# ---------------------------------------------------------------- readings

ReadingKind = Literal["value", "unreachable", "timed_out", "malformed", "absent"]
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one probe saw at one time. `sent_s` and `answered_s` are `clock.now_s()` seconds around the I/O.

    kind `value`: `value` is what was seen. `unreachable`: refused, reset, no route. `timed_out`: no answer within the
    time limit. `malformed`: an answer that can't be read as what it should be. `absent`: a good answer that does not
    contain the series or field. For all but `value`, `note` says what was seen.
    """

    probe: str
    kind: ReadingKind
    sent_s: float
    answered_s: float
    value: Scalar = None
    note: str = ""

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

    kind: Literal["answer", "unreachable", "timed_out", "malformed"]
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


class Probe(Protocol):
    """A named source of readings, as plain data."""

    @property
    def name(self) -> str:
        """Unique within an experiment; stands in journal, tables and messages."""
        ...

    def bind(self, target: Target) -> Probe:
        """The same probe with absolute addresses, so that it can be read without the target. Raises Refused."""
        ...

    def endpoint(self) -> Endpoint:
        """What to read. Only after `bind`."""
        ...

    def pick(self, answer: Answer) -> tuple[ReadingKind, Scalar, str]:
        """Kind, value and note of the reading in an answer of kind `answer`. Pure."""
        ...


# ---------------------------------------------------------------- experiments


@plain("check")
class Check:
    """A pure function over history and final state, by name (see `blackstart.checks`), with its parameters.

    A `premise` is part of the proof that the fault took effect: where it does not hold the run is inconclusive,
    whatever else was seen.
    """

    check: str
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    hint: str = ""
    criterion: bool = True
    premise: bool = False


@plain("traffic")
class Traffic:
    """A load and when it flows.

    `throughout`: from the baseline to the end of the recovery. `fault`: as the fault itself or in place of one, until
    it has ended by itself. `recovery`: from the moment that the undo is proved, until it has ended by itself.
    """

    load: Any
    flows: Literal["throughout", "fault", "recovery"] = "throughout"


@plain("log_row")
class LogRow:
    """One row of the CSV log: what `probe` read last before the fault, during it, or at the end; at `peak` the highest.

    `words` translate readings, as in {"200": "ready", "503": "not_ready"}; numbers have `digits` decimals.
    """

    key: str
    probe: str
    at: Literal["before", "fault", "peak", "end"]
    words: Mapping[str, str] = field(default_factory=dict)
    digits: int = 0


@plain("experiment")
class Experiment:
    """A hypothesis and what is needed to test it.

    `faults` are injected together, in order, and undone in reverse order. `baseline` must hold before anything is
    touched; `during` while the fault is in force; `recovery` after the undo; `always` from the fault to the end.
    `stop_if` ends the fault at once; `refuse_if` refuses the run before anything is touched; `link` is how it is proved
    that a service is the target's own (see `blackstart.link`). `collect` names probes that are read once, at the
    end, for the checks.
    `hold_min_s` is how long the fault is in force at least, `hold_max_s` at most.
    """

    name: str
    target: str
    hypothesis: str
    baseline: tuple[Expectation, ...] = ()
    faults: tuple[Any, ...] = ()
    during: tuple[Expectation, ...] = ()
    recovery: tuple[Expectation, ...] = ()
    always: tuple[Expectation, ...] = ()
    stop_if: tuple[Condition, ...] = ()
    refuse_if: tuple[Condition, ...] = ()
    link: tuple[Any, ...] = ()
    traffic: Traffic | None = None
    checks: tuple[Check, ...] = ()
    collect: tuple[Probe, ...] = ()
    watch: tuple[Probe, ...] = ()
    log_rows: tuple[LogRow, ...] = ()
    log_title: str = ""
    log_facts: tuple[tuple[str, str], ...] = ()
    hold_min_s: float = 1.0
    hold_max_s: float = 120.0
    settle_s: float = 0.5
    read_timeout_s: float = 2.0
    undo_timeout_s: float = 60.0
    total_max_s: float = 900.0

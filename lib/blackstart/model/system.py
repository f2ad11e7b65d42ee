"""What is known of a kind of system under test, as data: a suite's `system.py` has one of these as `SYSTEM`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from blackstart.model.declaration import Declaration

Fact = tuple[Callable[[Any], bool], str]
"""Whether a value can be meant, and in words what can be."""


@dataclass(frozen=True)
class Server:
    """A service that the flags alone can describe: the fields of Flags with its container and its URL, its usual port,
    and its dsn with a hole for its address, where one can be told from that."""

    container: str
    url: str
    port: int
    dsn: str = ""


@dataclass(frozen=True)
class ByFlags:
    """What the flags alone can make a target of: the API where `--api` says none, and its services by name."""

    api: str
    servers: Mapping[str, Server]


@dataclass(frozen=True)
class Call:
    """A POST to a system's own API, and in words what it does, as in "close all positions". One that is `optional` is
    skipped where the API answers 404: it has no such route."""

    path: str
    words: str
    body: Any = None
    optional: bool = False


@dataclass(frozen=True)
class SafeState:
    """How PAUSE_ON_FAIL brings the system into its safe state, and how that is seen.

    The first of `calls` pauses, and may be repeated without harm: it is made at once, and again with all the others
    once the system has come to rest. `settled` is a probe's name and what it reads then, where it is watched: coming
    to rest may end a pause. `reached` is what is read as long as the state lasts. `lasts_s` says, from the target's
    facts, for how many seconds that is looked at. `of` is what is paused, in words; `resume` is what ends the state.
    """

    calls: tuple[Call, ...] = ()
    settled: tuple[str, Any] = ("leader", 1)
    reached: tuple[str, Any] = ("paused", True)
    lasts_s: Callable[[Mapping[str, Any]], float] = lambda facts: 30.0
    of: str = "the system"
    resume: Call | None = None


@dataclass(frozen=True)
class System:
    """A kind of system. The defaults are what holds of one of which nothing is known.

    `collection` is what Invoke calls its tasks, `order` that of its experiments in the suite. `tables` are those of a
    target file that only its experiments read. `safe_state` is None where there is none: PAUSE_ON_FAIL does not concern
    it. `series` is how the names of its own series on its `metrics_page` begin; `ready_page` answers 200 once it can be
    drilled.
    `needs` says what a target file must have where flags are not enough. `declarations` are what only such a file
    can say and criteria are told by, under the names by which `Experiment.needs` and `--without` have them.

    For the reports: `gauges` (probe name to words), `breaker` (probe name to the state in which it reads 1: CLOSED,
    OPEN or HALF-OPEN), `fallbacks` (what an answer says of itself that was made without what usually makes it, where
    the experiment does not tell the usual word), `fates` (what a status means for a request), and `available` (which
    fates are as promised).
    """

    kind: str = ""
    collection: str = ""
    order: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    metrics_page: str = ""
    series: str = ""
    ready_page: str = "/ready"
    safe_state: SafeState | None = field(default_factory=SafeState)
    by_flags: ByFlags | None = None
    needs: str = ""
    declarations: Mapping[str, Declaration] = field(default_factory=dict)
    gauges: Mapping[str, str] = field(default_factory=dict)
    breaker: Mapping[str, str] = field(default_factory=dict)
    fallbacks: tuple[str, ...] = ()
    fates: Mapping[int, str] = field(default_factory=lambda: {503: "fast fail", 429: "limited"})
    available: tuple[str, ...] = ("served", "fallback")

"""The nouns of a lab: what it runs, how one sees that it runs, and what target.toml says about it."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from blackstart_lab.workspace import Workspace


@dataclass(frozen=True)
class Program:
    """One process that the supervisor keeps running.

    `start_s` is how long it must live to count as started: 0 where a start is proved by asking the service.
    `final_exit_codes` are those after which it stays down, because starting it again would fail again; one that is not
    `revived` stays down whatever ended it.
    """

    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_wait_s: int = 5
    start_s: int = 0
    final_exit_codes: tuple[int, ...] = ()
    revived: bool = True


@dataclass(frozen=True)
class Service:
    """A program with an address. `lacks` asks it and returns None when it is up, else what is missing."""

    name: str
    program: Program
    address: str
    lacks: Callable[[], str | None]
    target: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """All that a lab will run, and the head of its target.toml, with `services` that were there already. Making one
    starts nothing.

    What a lab has beyond its own processes is made by `enter`, before the services start (it raises NotStarted), and
    removed by the command lines of `leave`, which are kept with its files and must also do where nothing was made.
    """

    services: tuple[Service, ...]
    target: Mapping[str, Any]
    enter: Callable[[], None] = lambda: None
    leave: tuple[tuple[str, ...], ...] = ()


class Lab(Protocol):
    """A package `blackstart_lab/<package>/` whose module `lab.py` has one of these as `LAB`; that is all it takes.

    What `up` can be told of it stands in an `options.py` beside that, as `OPTIONS` (see `blackstart_lab.option`).
    """

    name: str
    summary: str

    def mutants(self) -> Mapping[str, Mapping[str, Any]]:
        """The lab's mutants by name: summary, experiment, options, instances, must_fail, may_fail."""

    def lay_out(self, workspace: Workspace, options: Namespace) -> Layout:
        """Say what to run; may prepare files below the workspace. Raises NotStarted with what is missing."""

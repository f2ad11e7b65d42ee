"""Controls: how a service is stopped, started, killed and paused. One file, one way; found by looking in this folder.

A control is plain data made from the service's `control` table. It says *what would be done*, as steps; only `resolve`
and `facts` do I/O, and neither changes anything. A file here that has `KINDS` adds its kinds of control: a mapping from
the table's telling key (`docker`, `supervisor`, …) to what reads the table.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, Protocol, runtime_checkable

from blackstart.codec import plain
from blackstart.errors import BadTarget, Refused, StepFailed, did_you_mean
from blackstart.model import Step
from blackstart.steps.shell import ssh_host
from blackstart.target import Service

Status = Literal["running", "stopped", "stopping", "paused", "starting", "failed", "absent"]


@plain("state")
class State:
    """A service as its control sees it. `revives`: something restarts it by itself when its process dies.

    `pid` and `started` (in the control's own notation) together are the identity of its main process. `lost` says why
    it could not be started again once it has ended; empty: it could.
    """

    status: Status
    pid: int | None = None
    started: str = ""
    revives: bool = False
    detail: str = ""
    lost: str = ""

    @property
    def process(self) -> str:
        """`pid:start time`, or nothing where no process runs."""
        return f"{self.pid}:{self.started}" if self.pid else ""


@runtime_checkable
class Control(Protocol):
    """What every control can say of its service."""

    @property
    def kind(self) -> str:
        """One word, as in `docker`."""
        ...

    @property
    def by_hand(self) -> bool:
        """A person has to do it."""
        ...

    @property
    def remote(self) -> str:
        """Empty where the service is controlled on this machine, else the host or engine that it is on."""
        ...

    def identity(self) -> str:
        """The one name of the service on this machine, for the lock that keeps two runs apart. Pure."""
        ...

    def resolve(self) -> Control:
        """The same control with exact identity and absolute paths, as found now. Raises BadTarget, StepFailed."""
        ...

    def facts(self, timeout_s: float = 10.0) -> State:
        """The state of the service now. Raises StepFailed where it can't be seen, StepTimedOut past the limit."""
        ...

    def start(self) -> tuple[Step, ...]:
        """Make it run. Accepts that it runs already."""
        ...

    def stop(self) -> tuple[Step, ...]:
        """End it in the orderly way, so that it stays stopped."""
        ...

    def kill(self) -> tuple[Step, ...]:
        """End it without a word of warning, so that it stays stopped."""
        ...

    def crash(self, seen: State, signal: str) -> tuple[Step, ...]:
        """Send the process a signal from outside, so that whatever revives it does. Only the process in `seen`."""
        ...

    def pause(self) -> tuple[Step, ...]:
        """Freeze all its processes."""
        ...

    def resume(self) -> tuple[Step, ...]:
        """Let all its processes go on. Accepts that they do already."""
        ...

    def rights(self) -> tuple[Step, ...]:
        """Harmless commands that fail where a right to the above is missing."""
        ...

    def log_tail(self, lines: int) -> Step | None:
        """Print the last lines of its log, where the control knows of one."""
        ...


def of(service: Service) -> Control:
    """The control that a service's table describes. Raises BadTarget with what would be right."""
    where = f"[services.{service.name}] control"
    kinds = _kinds()
    telling = [key for key in service.control if key in kinds]
    if not service.control:
        raise BadTarget(f'{where} is missing: say how it is stopped and started, as in {{ docker = "{service.name}" }}')
    if not telling:
        keys = list(service.control)
        near = [key for key in keys if get_close_matches(key, kinds)] or keys
        raise BadTarget(f'{where} does not say which kind it is: "{near[0]}" is none.{did_you_mean(near[0], kinds)}')
    return kinds[telling[0]](where, service.control)


def resolved(service: Service) -> Control:
    """The service's control, exactly as found now. Raises Refused: whatever goes wrong, nothing was touched."""
    try:
        return of(service).resolve()
    except StepFailed as error:
        raise Refused(f"{service.name} can't be looked up: {error}") from error


def facts(control: Control, name: str) -> State:
    """The state now, for planning. Raises Refused where it can't be seen."""
    try:
        return control.facts()
    except StepFailed as error:
        raise Refused(f"the state of {name} can't be seen: {error}") from error


def read_table(where: str, table: Mapping[str, Any], kinds: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """The table's values, each of the kind that `kinds` says for its key. Raises BadTarget naming key and place."""
    for key, value in table.items():
        if key not in kinds:
            raise BadTarget(f'{where}: unknown key "{key}".{did_you_mean(key, kinds)}')
        if not isinstance(value, kinds[key]):
            raise BadTarget(f'{where}: "{key}" must be {_words(kinds[key])}, not {value!r}')
        if value in ("", []):
            raise BadTarget(f'{where}: "{key}" is empty')
    if "host" in table:
        try:
            ssh_host(table["host"])
        except BadTarget as error:
            raise BadTarget(f"{where}: {error.args[0]}") from error
    return dict(table)


@cache
def _kinds() -> dict[str, Callable[[str, Mapping[str, Any]], Control]]:
    kinds: dict[str, Callable[[str, Mapping[str, Any]], Control]] = {}
    for found in pkgutil.iter_modules(__path__):
        kinds |= getattr(importlib.import_module(f"{__name__}.{found.name}"), "KINDS", {})
    return kinds


def _words(kinds: type | tuple[type, ...]) -> str:
    words = {str: "text", bool: "true or false", dict: "a table", list: "a list", int: "a whole number"}
    return " or ".join(words[kind] for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))

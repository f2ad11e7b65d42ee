"""What a suite's own command is given: one that is no drill, a file of the suite's folder that defines `command`."""

from collections.abc import Mapping
from typing import Any, Protocol

from blackstart.model.flags import Flags
from blackstart.model.target import Target


class Session(Protocol):
    """A command at work on a target. `options` are its own, as its file's SWITCHES and VALUES name them."""

    @property
    def target(self) -> Target: ...
    @property
    def flags(self) -> Flags: ...
    @property
    def options(self) -> Mapping[str, Any]: ...

    def say(self, *lines: str) -> None:
        """To the one who has called it."""

    def log_row(self, key: str, value: object) -> None:
        """A row of its evidence, on disk before this returns."""

    def ask_leave(self, service: str, what: str) -> None:
        """Before a service is touched: guard rails, its lock until the command ends, a proof that it is the target's
        own or the operator's word for it, and the question. Raises Refused."""

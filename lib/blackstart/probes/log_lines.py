"""Lines of a service's log that match a pattern, from the moment that the reading begins."""

import re
from dataclasses import replace
from typing import Literal, Self

from blackstart import controls
from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget
from blackstart.base.secrets.redact import Redactor
from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, Picked, Reader
from blackstart.model.step import Command
from blackstart.model.target import Target
from blackstart.probes.log_follow import LogReader

_TAIL_LINES = 2000
_LINE_SHOWN = 500


@plain("endpoint.log")
class LogFollow:
    """A log file of this machine, or a command that prints the last lines of a log."""

    pattern: str
    path: str = ""
    command: Command | None = None

    @property
    def least_tick_s(self) -> float:
        """A command is a new process each time."""
        return 1.0 if self.command is not None else 0.2

    def open(self) -> Reader:
        """A reader that counts from now on."""
        return LogReader(self.path, self.command, self.pattern)

    def describe(self) -> str:
        """The pattern and where it is looked for."""
        where = self.path or (" ".join(self.command.argv) if self.command is not None else "")
        return Redactor()(f"/{self.pattern}/ in {where}")


@plain("probe.log_matches")
class LogMatches(Conditions):
    """How many lines of a service's log match `pattern` (a regular expression) since the reading began, or the `last`.

    The log is the service's `log` file, else what its control prints (`docker logs`, `journalctl`, supervisor). A log
    that can't be read is unreadable; no matching line is a count of 0, and an absent `last`.
    """

    service: str
    pattern: str
    what: Literal["count", "last"] = "count"
    name: str = ""
    path: str = ""
    command: Command | None = None

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"{self.pattern!r} is not a regular expression: {error}") from error
        object.__setattr__(self, "name", self.name or f"{self.what} of /{self.pattern}/ in {self.service}'s log")

    def bind(self, target: Target) -> Self:
        """The probe with the place of the log. Raises BadTarget where there is none that can be read."""
        if self.path or self.command is not None:
            return self
        service = target.service(self.service)
        host = controls.host_of(service)
        if service.log and not host:
            return replace(self, path=service.log)
        if service.log:
            return replace(self, command=Command(("tail", "-n", str(_TAIL_LINES), service.log), host=host))
        step = controls.of(service).resolve().log_tail(_TAIL_LINES) if service.control else None
        if not isinstance(step, Command):
            where = f'target "{target.name}": service "{self.service}"'
            raise BadTarget(f'{where} has no log that can be read, as in log = "/var/log/{self.service}.log"')
        return replace(self, command=step)

    def endpoint(self) -> LogFollow:
        """The log and the pattern."""
        return LogFollow(self.pattern, self.path, self.command)

    def pick(self, answer: Answer) -> Picked:
        """The count, or the last matching line."""
        if self.what == "count":
            return "value", answer.body["count"], ""
        last = answer.body["last"]
        return ("absent", None, "no line matches") if last is None else ("value", last[:_LINE_SHOWN], "")

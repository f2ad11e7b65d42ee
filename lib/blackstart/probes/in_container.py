"""Redis and PostgreSQL asked from inside of their own container: no port has to be published, no password be known.

What is read this way is read from the very place that a fault would touch.
"""

import re
from dataclasses import replace
from typing import ClassVar, Self

from blackstart import controls
from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget, NotAvailable, StepFailed, StepTimedOut
from blackstart.base.printable import shortened
from blackstart.base.secrets.redact import Redactor
from blackstart.base.sockets import Silence
from blackstart.controls.steps.local import carry_out
from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, Picked, Reader
from blackstart.model.step import Command
from blackstart.model.target import Target
from blackstart.probes import postgres_errors, resp
from blackstart.probes.redis_value import is_reading
from blackstart.probes.visitor import HoldsNothing

# As the official image names its user and database.
_PSQL = (
    'exec env LC_ALL=C psql -X -A -t -q -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -U "${POSTGRES_USER:-postgres}" '
    '-d "${POSTGRES_DB:-${POSTGRES_USER:-postgres}}" -c "SET default_transaction_read_only = on" -c "$1"'
)

# A container that is not there, and programs in it that find nobody.
_DOWN = (
    "is not running",
    "is paused",
    "is restarting",
    "stopped container",
    "container state improper",
    "o such container",
    "Could not connect",
    "onnection refused",
    "Connection reset",
    "Server closed the connection",
)
# Who runs the container can't be asked: that way is ours.
_NO_WAY = re.compile(r"\bssh: connect to |\bdial (unix|tcp)\b|Docker daemon|connect to Podman")
# In its raw form redis-cli puts one line end more behind an error than behind a value; but for these, without either.
_PRINTED_AS_THEY_ARE = ("INFO", "CLIENT LIST")
_ERROR = re.compile(r"[A-Z][A-Z0-9]{2,} [^\n]+")
_NUMBER = re.compile(r"-?[0-9]{1,15}([.][0-9]+)?")


def container_command(target: Target, service: str, *argv: str) -> Command:
    """`argv` inside of the service's own place. Raises BadTarget where it has none, or not exactly one."""
    try:
        return controls.of(target.service(service)).resolve().inside(argv)
    except NotAvailable as error:
        raise BadTarget(f'target "{target.name}": service "{service}": {error.reason}') from error


class _OutputReader(HoldsNothing):
    def __init__(self, command: Command) -> None:
        self._command = command

    def read(self, timeout_s: float) -> Answer:
        try:
            outcome = carry_out(replace(self._command, timeout_s=timeout_s))
        except StepTimedOut as error:
            return Answer("timed_out", note=str(error).splitlines()[0])
        except StepFailed as error:
            return _failed(str(error))
        return Answer("answer", outcome.stdout)


def _failed(text: str) -> Answer:
    """A service that is down is the target's; whatever else keeps the command from asking it says nothing of it."""
    told = postgres_errors.printed(text)
    down = _NO_WAY.search(text) is None and any(word in text for word in _DOWN)
    kind: Silence = "unreachable" if down else "unreadable"
    return Answer(told.kind if told else kind, note=shortened(" ".join(text.split()), 300))


@plain("endpoint.command_output")
class Output:
    """What a command prints."""

    command: Command
    least_tick_s: ClassVar[float] = 1.0

    def open(self) -> Reader:
        """A reader that runs the command anew each time."""
        return _OutputReader(self.command)

    def describe(self) -> str:
        """The command."""
        return Redactor()(" ".join(self.command.argv))


class _Inside(Conditions):
    """Mixed into both probes: what their command prints, as text."""

    name: str
    step: Command | None

    def endpoint(self) -> Output:
        """The command; only after `bind`."""
        if self.step is None:
            raise BadTarget(f"the probe {self.name} was asked before it knew its target")
        return Output(self.step)

    def pick(self, answer: Answer) -> Picked:
        """The text."""
        text = answer.body.strip()
        return ("value", text, "") if text else ("absent", None, "nothing was printed")


@plain("probe.redis_in_container")
class RedisInContainer(_Inside):
    """The reply of a reading Redis command as `redis-cli` prints it; nothing printed is `absent`.

    An error reply is no value: it is `unreadable` where the asker is its cause (NOAUTH, WRONGTYPE).
    """

    command: tuple[str, ...]
    service: str = "redis"
    name: str = ""
    step: Command | None = None

    def __post_init__(self) -> None:
        if not is_reading(self.command):
            raise ValueError(f"{' '.join(self.command)!r} is not a command that only reads")
        object.__setattr__(self, "name", self.name or f"{' '.join(self.command)} inside of {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the container's exact name. Raises BadTarget."""
        return replace(self, step=container_command(target, self.service, "redis-cli", "--raw", *self.command))

    def pick(self, answer: Answer) -> Picked:
        """The text; redis-cli ends with 0 for an error reply as well."""
        as_it_is = " ".join(self.command).upper().startswith(_PRINTED_AS_THEY_ARE)
        if _ERROR.fullmatch(answer.body.strip()) and (as_it_is or answer.body.endswith("\n\n")):
            failure = resp.refusal(answer.body.strip())
            return failure.kind, None, failure.note
        return super().pick(answer)


@plain("probe.sql_in_container")
class SqlInContainer(_Inside):
    """The value of a query as `psql` prints it, read-only, as the user of the official image; nothing is `absent`."""

    query: str
    service: str = "postgres"
    name: str = ""
    step: Command | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"{self.query} inside of {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the container's exact name. Raises BadTarget."""
        return replace(self, step=container_command(target, self.service, "sh", "-c", _PSQL, "psql", self.query))

    def pick(self, answer: Answer) -> Picked:
        """The text, or the number: psql prints no types, so what is written as a number is one."""
        text = answer.body.strip()
        if not _NUMBER.fullmatch(text):
            return super().pick(answer)
        return "value", float(text) if "." in text else int(text), ""

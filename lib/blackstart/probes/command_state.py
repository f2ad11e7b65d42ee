"""What a harmless command says by its exit code: is a rule there, is a queue there."""

from blackstart.base.codec import plain
from blackstart.base.errors import BlackstartError, StepTimedOut
from blackstart.controls.steps.local import run
from blackstart.controls.steps.shell import describe
from blackstart.model.reading import Answer, Endpoint, Picked, Reader
from blackstart.model.step import Command
from blackstart.probes.mixed_in import Bound
from blackstart.probes.visitor import HoldsNothing

THERE, ABSENT = "there", "absent"
_WORDS = {0: THERE, 1: ABSENT}


@plain("probe.command_state")
class CommandState(Bound):
    """`there` where the command ends with 0, `absent` with 1; with any other code nothing can be said."""

    argv: tuple[str, ...]
    name: str
    host: str | None = None
    env: tuple[tuple[str, str], ...] = ()

    def endpoint(self) -> Endpoint:
        """The command."""
        return CommandRun(self.argv, self.host, self.env)

    def pick(self, answer: Answer) -> Picked:
        """One of the two words."""
        if answer.body not in _WORDS:
            return "unreadable", None, f"exit code {answer.body}: {answer.note}"
        return "value", _WORDS[answer.body], answer.note


@plain("endpoint.command")
class CommandRun:
    """A command that changes nothing."""

    argv: tuple[str, ...]
    host: str | None = None
    env: tuple[tuple[str, str], ...] = ()

    @property
    def least_tick_s(self) -> float:
        """How often it may be run, in seconds."""
        return 0.5 if self.host else 0.1

    def open(self) -> Reader:
        """A reader; nothing is held between reads."""
        return _Runner(self)

    def describe(self) -> str:
        """The command."""
        return describe(Command(self.argv, host=self.host))


class _Runner(HoldsNothing):
    def __init__(self, what: CommandRun) -> None:
        self._what = what

    def read(self, timeout_s: float) -> Answer:
        try:
            outcome = run(Command(self._what.argv, host=self._what.host, timeout_s=timeout_s, env=dict(self._what.env)))
        except StepTimedOut as error:
            return Answer("timed_out", note=str(error))
        except BlackstartError as error:
            return Answer("unreadable", note=str(error))
        return Answer("answer", outcome.code, note=outcome.stderr.strip()[-200:])

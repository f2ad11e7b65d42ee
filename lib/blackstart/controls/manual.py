"""Services that only a person can stop and start: `{ manual = "Redis on the blue box" }`.

Each step is a sentence to the operator. It is done when its effect is seen from outside, by what the service's address
answers; so such a service needs an address. The sentences can be given: `{ manual = "…", stop = "…", start = "…" }`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from blackstart.base.codec import plain
from blackstart.controls import read_table
from blackstart.model.control import Control, State
from blackstart.model.step import Ask, Command

_SENTENCES = {
    "start": "Start {what} now.",
    "stop": "Stop {what} now.",
    "kill": "Kill {what} now, without letting it end in order, and keep it down.",
    "pause": "Freeze {what} now (kill -STOP), all of its processes.",
    "resume": "Let {what} go on now (kill -CONT), all of its processes.",
}


@plain("control.manual")
class Manual(Control):
    """One service in the hands of the operator. `sentences` pairs a verb with what the operator is told."""

    kind: ClassVar[str] = "manual"
    by_hand: ClassVar[bool] = True
    what: str
    sentences: tuple[tuple[str, str], ...] = ()

    def identity(self) -> str:
        """The operator's name for it."""
        return f"manual:{self.what}"

    def names(self) -> Mapping[str, str]:
        """The operator's."""
        return {"manual": self.what}

    def resolve(self) -> Control:
        """Itself: there is nothing that could be looked up."""
        return self

    def read_state(self, timeout_s: float = 10.0) -> State:
        """Taken to run; whether it does is seen from outside only."""
        return State("running", detail="controlled by hand")

    def start(self) -> tuple[Ask, ...]:
        """Ask for the start."""
        return (self._ask("start"),)

    def stop(self) -> tuple[Ask, ...]:
        """Ask for the stop."""
        return (self._ask("stop"),)

    def kill(self) -> tuple[Ask, ...]:
        """Ask for the kill."""
        return (self._ask("kill"),)

    def crash(self, seen: State, signal: str) -> tuple[Ask, ...]:
        """Ask for the signal."""
        return (Ask(f"Send SIG{signal} to the main process of {self.what} now, and let what revives it revive it."),)

    def pause(self) -> tuple[Ask, ...]:
        """Ask for the freeze."""
        return (self._ask("pause"),)

    def resume(self) -> tuple[Ask, ...]:
        """Ask for the thaw."""
        return (self._ask("resume"),)

    def rights(self) -> tuple[Command, ...]:
        """The operator's own; nothing to try."""
        return ()

    def _ask(self, verb: str) -> Ask:
        return Ask(dict(self.sentences).get(verb) or _SENTENCES[verb].format(what=self.what))


def _read(where: str, table: Mapping[str, Any]) -> Control:
    kinds: dict[str, type | tuple[type, ...]] = {"manual": (str, bool), **dict.fromkeys(_SENTENCES, str)}
    values = read_table(where, table, kinds)
    what = values.pop("manual")
    if not isinstance(what, str):  # `manual = true`: the service's own name will do
        what = where.removeprefix("[services.").partition("]")[0]
    return Manual(what, tuple(sorted(values.items())))


KINDS = {"manual": _read}

"""Mend what is broken, newest first, and prove that it stays mended. The guardian and `chaos.heal` both do it so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from blackstart.errors import BlackstartError
from blackstart.evidence.events import EventName
from blackstart.model import Ask, Change
from blackstart.safety.ledger import Ledger
from blackstart.safety.restore import STAYS_GONE_S, is_gone, outlasts, restore, stays_gone

_A_LOOK_S = 2.0
Say = Callable[[str], None]


class Note(Protocol):
    """Where it is recorded: `Journal.write`."""

    def __call__(self, event: EventName, *, sync: bool = False, **fields: Any) -> None: ...


@dataclass
class Mender:
    """How to mend: within which time each undo is to be proved, and where that is said and recorded.

    Records that can't be written hold nothing up. `hands`: somebody is there to do what only a person can do.
    `over`: whether somebody else has mended and closed an entry meanwhile. `late` maps an entry to the time limit of a
    step of it that was given up: for so long it may still take effect.
    """

    ledger: Ledger
    say: Say
    note: Note
    within_s: float
    hands: bool = True
    over: Callable[[str, Change], bool] = lambda entry, change: False
    late: dict[str, float] = field(default_factory=dict)

    def mend(self, broken: Mapping[str, Change], midway: Collection[str] = ()) -> list[str]:
        """Undo each change, see that all of them stay gone, close those that did; returns these.

        `broken` maps the ledger's entry to its change, oldest first. One that is gone already is left alone where its
        undo would do something to a healthy system, unless it is `midway`: its `do` may not have taken effect yet.
        """
        restored = [
            entry for entry, change in reversed(list(broken.items())) if self._restored(entry, change, entry in midway)
        ]
        for_s = STAYS_GONE_S
        for entry in list(restored):
            if not self._stayed(entry, broken[entry], for_s):
                restored.remove(entry)
            for_s = 0.0  # the first was watched for the whole time; the others need only a look after it
        return restored

    def _restored(self, entry: str, change: Change, midway: bool) -> bool:
        # A look at something frozen takes as long as its time limit: where the undo does no harm, it comes first.
        if not midway and not change.undo_is_noop and self._looked(partial(is_gone, change)):
            self.note(EventName.FOUND_UNDONE, change=entry, what=change.what)
            return True
        recorded(partial(self.ledger.mark, entry, "late" if entry in self.late else "undoing"), self.say)
        self.note(EventName.UNDO, change=entry, what=change.what)
        self.say(f"undoing: {change.what}")
        ok = self._looked(partial(self._undo, entry, change))
        self.note(EventName.UNDONE, change=entry, what=change.what, ok=ok)
        return ok

    def _undo(self, entry: str, change: Change) -> bool:
        return restore(change, self.say, self._limit_s(change), partial(self.over, entry, change))

    def _limit_s(self, change: Change) -> float:
        asked_s = [step.timeout_s for step in change.undo if isinstance(step, Ask)]
        return max([self.within_s, *asked_s]) if self.hands or not asked_s else _A_LOOK_S

    def _stayed(self, entry: str, change: Change, for_s: float) -> bool:
        again = partial(self._undo, entry, change)
        stayed = self._looked(partial(stays_gone, change, for_s)) and self._looked(
            partial(outlasts, change, self.late.get(entry, 0.0), self.say, again)
        )
        self.note(EventName.GONE, change=entry, what=change.what, ok=stayed, sync=True)
        if not stayed:
            self.say(f"came back after its undo: {change.what}")
            return False
        self.say(f"undone, and proved: {change.what}")
        recorded(partial(self.ledger.close, entry), self.say)
        return True

    def _looked(self, look: Callable[[], bool]) -> bool:
        try:
            return look()
        except Exception as error:  # a full disk, a probe with a mistake: tried again later, and the others come first
            self.say(f"{type(error).__name__}: {error}")
            return False


def recorded(write: Callable[[], None], say: Say) -> bool:
    """Whether the record could be written; an undo goes ahead all the same."""
    try:
        write()
    except (BlackstartError, OSError) as error:
        say(str(error))
        return False
    return True

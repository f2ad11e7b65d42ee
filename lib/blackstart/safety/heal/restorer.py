"""Take back what is broken, newest first, and prove that it stays so. The run, its guardian and `chaos.heal` all do it
by this one way."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from blackstart.base import clock
from blackstart.base.errors import BlackstartError
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Note
from blackstart.model.change import Change, no_proof
from blackstart.model.step import Ask
from blackstart.safety.heal.restore import STAYS_GONE_S, is_gone, outlasts, restore, stays_gone, unproved, untold
from blackstart.safety.ledger.ledger import Ledger

_A_LOOK_S = 2.0
_LOOKS_S = 60.0  # the looks at all proofs of one change take no longer, whatever stands in their way
# How long the undo of what a dead run left may take to be proved; a run has its experiment's own `undo_timeout_s`.
UNDO_WITHIN_S = 30.0
Say = Callable[[str], None]


@dataclass
class Restorer:
    """How to undo: within which time each undo is to be proved, and where that is said and recorded.

    Records that can't be written hold nothing up. `announce` is given what is an event of the record besides, `say` all
    else. `hands`: somebody is there to do what only a person can do. `over`: whether somebody else has mended and
    closed an entry meanwhile. `late` maps an entry to the time limit of a step of it that was given up: for so long it
    may still take effect. `busy` is told until when (`clock.now_s()`) the next change may take, `failed` why a try
    of an undo failed and for which time in a row, `trying` which try of it goes on, `again` what is undone once
    more.
    `unproved` maps an entry whose undo is not proved to what was last read of it.
    """

    ledger: Ledger
    say: Say
    note: Note
    within_s: float
    announce: Say | None = None
    hands: bool = True
    over: Callable[[str, Change], bool] = lambda entry, change: False
    late: dict[str, float] = field(default_factory=dict)
    busy: Callable[[float], None] = lambda until_s: None
    failed: Callable[[str, int], None] = lambda why, times: None
    trying: Callable[[int], None] = lambda times: None
    again: Callable[[str], None] = lambda what: None
    unproved: dict[str, list[str]] = field(default_factory=dict)
    _proved: set[str] = field(default_factory=set)

    def mend(self, broken: Mapping[str, Change], midway: Collection[str] = ()) -> list[str]:
        """Undo each change, see that all of them stay gone, close those that did; returns these.

        `broken` maps the ledger's entry to its change, oldest first; `midway` as for `undo`.
        """
        restored, for_s = [], STAYS_GONE_S
        for entry in self.undo(broken, midway):
            if self.confirm(entry, broken[entry], for_s):
                restored.append(entry)
            for_s = 0.0  # the first was watched for the whole time; the others need only a look after it
        return restored

    def undo(self, broken: Mapping[str, Change], midway: Collection[str] = ()) -> list[str]:
        """Undo each change, newest first, whether or not it can be recorded; returns those whose undo is proved.

        One that is gone already is left alone where its undo would do something to a healthy system, unless it is
        `midway`: its `do` may not have taken effect yet.
        """
        entries = reversed(list(broken.items()))
        proved = [entry for entry, change in entries if self._undo(entry, change, entry in midway)]
        self._proved |= set(proved)
        return proved

    def _undo(self, entry: str, change: Change, midway: bool) -> bool:
        # A look at something frozen takes as long as its time limit: where the undo does no harm, it comes first.
        if not midway and not change.undo_is_noop and self._sees("is undone", change, partial(is_gone, change)):
            self.note(EventName.FOUND_UNDONE, change=entry, what=change.what)
            return True
        recorded(partial(self.ledger.mark, entry, "late" if entry in self.late else "undoing"), self.say)
        self.note(EventName.UNDO, change=entry, what=change.what, sync=True)
        self._announce(f"undoing: {change.what}")
        began_s = clock.now_s()
        ok = self._restored(entry, change)
        took_s = round(clock.now_s() - began_s, 3)
        self.note(EventName.UNDONE, change=entry, ok=ok, took_s=took_s, **self._last_seen(entry, change, ok))
        return ok

    def _last_seen(self, entry: str, change: Change, ok: bool) -> dict[str, Any]:
        """What the record says of the change: where its undo is not proved, with what is read of it now."""
        over = ok or self._sees("is undone", change, partial(self.over, entry, change))
        self.unproved[entry] = [] if over else unproved(change)
        if not over:
            self.say(no_proof(change.what, self.unproved[entry]))
        return {"what": change.what, "unproved": self.unproved[entry]}

    def _restored(self, entry: str, change: Change) -> bool:
        limit_s = self._limit_s(change)
        # The last try may begin at the very end, and takes as long as its steps may take.
        self.busy(clock.now_s() + limit_s + sum(step.timeout_s for step in change.undo) + _LOOKS_S)
        try:
            return restore(change, self.say, limit_s, partial(self.over, entry, change), self.failed, self.trying)
        except Exception as error:  # a full disk, a probe with a mistake: the others must still be carried out
            self.say(f"the undo of {change.what} failed: {type(error).__name__}: {error}")
            return False

    def _limit_s(self, change: Change) -> float:
        asked_s = [step.timeout_s for step in change.undo if isinstance(step, Ask)]
        return max([self.within_s, *asked_s]) if self.hands or not asked_s else _A_LOOK_S

    def confirm(self, entry: str, change: Change, for_s: float = 0.0) -> bool:
        """See that it stays undone for `for_s` more, and close it then. What does not is undone again, once, and must
        then stay so."""
        late_s = self.late.get(entry, 0.0)
        self.busy(clock.now_s() + _LOOKS_S + for_s + late_s)
        again = partial(self._restored, entry, change)
        stayed = self._stays(change, for_s)
        ok = (stayed or self._undone_again(entry, change, stayed)) and bool(
            self._sees("stays undone", change, partial(outlasts, change, late_s, self.say, again))
        )
        self.note(EventName.GONE, change=entry, ok=ok, sync=True, **self._last_seen(entry, change, ok))
        if ok:
            self._announce(f"undone, and proved: {change.what}")
            close = partial(self.ledger.close, entry)
            recorded(close, lambda text: self.say(f"{text}; the change is undone all the same"))
        return ok

    def _undone_again(self, entry: str, change: Change, stayed: bool | None) -> bool:
        if self._sees("is undone", change, partial(self.over, entry, change)):
            return False
        how = "came back after its undo" if entry in self._proved else "is not undone yet"
        self.say(f"{untold(change) if stayed is None else f'{how}: {change.what}'}; undoing it again")
        self.again(change.what)
        if not self._restored(entry, change):
            return False
        stays = self._stays(change, STAYS_GONE_S)
        if not stays:
            self.say(untold(change) if stays is None else f"came back after its undo: {change.what}")
        return bool(stays)

    def _stays(self, change: Change, for_s: float) -> bool | None:
        return self._sees("is undone", change, partial(stays_gone, change, for_s))

    def _sees(self, what: str, change: Change, look: Callable[[], bool | None]) -> bool | None:
        try:
            return look()
        except Exception as error:  # as above: what can't be looked at is not gone
            self.say(f"whether {change.what} {what} can't be seen: {type(error).__name__}: {error}")
            return None

    def _announce(self, text: str) -> None:
        (self.announce or self.say)(text)


def recorded(write: Callable[[], None], say: Say) -> bool:
    """Whether the record could be written; an undo goes ahead all the same."""
    try:
        write()
    except (BlackstartError, OSError) as error:
        say(str(error))
        return False
    return True

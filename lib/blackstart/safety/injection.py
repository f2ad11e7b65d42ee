"""Carries out changes and takes them back, with the undo on the disk before the do."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from blackstart import clock
from blackstart.errors import Damaged, StepLost, StepTimedOut
from blackstart.evidence.events import EventName
from blackstart.machines import carry_out, describe
from blackstart.model import Ask, Change, Step
from blackstart.safety.alive import Process, boot_id, started
from blackstart.safety.ledger import Ledger
from blackstart.safety.restore import is_gone, outlasts, restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackstart.console import Console
    from blackstart.evidence.folder import Folder
    from blackstart.observer import Observer
    from blackstart.planning import Plan
    from blackstart.safety.guardian import Guardian

_LISTED_FOR_S = 3600.0  # longer than any recovery is looked at


# How long the looks at all proofs of one change may take, whatever stands in their way.
_LOOKS_S = 60.0


class Injection:
    """The changes of one run. `outstanding` maps the ledger's entry to each change that is not proved undone."""

    def __init__(self, plan: Plan, folder: Folder, observer: Observer, console: Console, guardian: Guardian) -> None:
        self.plan, self.folder, self.observer, self.console = plan, folder, observer, console
        self.guardian = guardian
        self.ledger = Ledger(tell=guardian.tell, vault=guardian.vault)
        self.outstanding: dict[str, Change] = {}
        self._late_s: dict[str, float] = {}
        self._proved: set[str] = set()

    def inject(self, between: Callable[[], None]) -> None:
        """Make every change, in order. Raises StepFailed where one can't be made; `undo` takes back what was."""
        for number, change in enumerate(self.plan.changes):
            between()
            entry = f"{self.folder.run}#{number}"
            self.ledger.intend(
                entry_id=entry,
                run=self.folder.run,
                experiment=self.plan.experiment.name,
                target=self.plan.target.name,
                change=change,
                evidence=self.folder.path,
                lease_s=change.lease_s,
                guardian=self.guardian.process,
            )
            self.outstanding[entry] = change
            self._do(entry, change, between)

    def _do(self, entry: str, change: Change, between: Callable[[], None]) -> None:
        self.ledger.mark(entry, "doing")
        self.observer.note(EventName.DO, change=entry, what=change.what, sync=True)
        self.console.say(f"doing: {change.what}")
        for step in change.do:
            try:
                come_back = self._step(step)
            except (StepTimedOut, StepLost):
                self._given_up(entry, step)
                raise
            if not come_back:
                self._given_up(entry, step)
            if self.observer.stop_because:
                between()  # raises, and says why
        self.ledger.mark(entry, "done")
        self.observer.note(EventName.DID, change=entry, what=change.what)

    def _given_up(self, entry: str, step: Step) -> None:
        self._late_s[entry] = step.timeout_s
        self._mark(entry, "late")

    def _step(self, step: Step) -> bool:
        """Carry it out. False where an abort condition came true meanwhile: then it was ended midway."""
        if isinstance(step, Ask):
            self.console.say(f"PLEASE DO NOW: {step.text}")
            return True
        children: list[Process] = []
        given_up = threading.Event()

        def on_start(pid: int) -> None:
            children.append(Process(boot_id(), pid, started(pid) or ""))
            self.guardian.child(pid)
            if given_up.is_set():
                _end(children)

        def act() -> None:
            outcome = carry_out(step, on_start)
            self.observer.note(EventName.STEP, step=describe(step), code=outcome.code, took_s=round(outcome.took_s, 3))

        if not self.plan.experiment.stop_if:
            act()
            return True
        if self.observer.call(act):
            return True
        self._tell(f"given up for an abort condition: {describe(step)}")
        given_up.set()  # before we look: it may only be starting
        _end(children)
        return False

    def undo(self, within_s: float) -> bool:
        """Take back every outstanding change, newest first, and prove it, whether or not it can be recorded."""
        proved = True
        for entry, change in reversed(list(self.outstanding.items())):
            self._mark(entry, "late" if entry in self._late_s else "undoing")
            self.observer.note(EventName.UNDO, change=entry, what=change.what, sync=True)
            self.console.say(f"undoing: {change.what}")
            began_s = clock.now_s()
            ok = self._restored(change, within_s)
            self.observer.note(
                EventName.UNDONE, change=entry, what=change.what, ok=ok, took_s=round(clock.now_s() - began_s, 3)
            )
            proved = proved and ok
            self._proved |= {entry} if ok else set()
        if proved and self.outstanding:
            self._keep()
        return proved

    def _keep(self) -> None:
        """What is undone is only listed until it is seen to have stayed so: no reason for others to end the run."""
        try:
            self.ledger.renew(self.folder.run, clock.now_s() + _LISTED_FOR_S)
        except (Damaged, OSError) as damage:
            self._tell(str(damage))

    def _restored(self, change: Change, within_s: float) -> bool:
        limit_s = self._limit_s(change, within_s)
        # The last try may begin at the very end, and takes as long as its steps may take.
        self.guardian.lease(clock.now_s() + limit_s + sum(step.timeout_s for step in change.undo) + _LOOKS_S)
        try:
            return restore(change, self._tell, limit_s)
        except Exception as error:  # whatever is wrong with one undo, the others must still be carried out
            self._tell(f"the undo of {change.what} failed: {type(error).__name__}: {error}")
            return False

    def _gone(self, change: Change) -> bool:
        try:
            return is_gone(change)
        except Exception as error:  # as above: what can't be looked at is not gone
            self._tell(f"whether {change.what} is undone can't be seen: {type(error).__name__}: {error}")
            return False

    def confirm(self, within_s: float) -> None:
        """See that every undo stayed; forget those that did. What did not is undone again, once more with proof."""
        for entry, change in reversed(list(self.outstanding.items())):
            self.guardian.lease(clock.now_s() + _LOOKS_S + self._late_s.get(entry, 0.0))
            stayed = self._gone(change)
            if not stayed:
                how = "came back after its undo" if entry in self._proved else "is not undone yet"
                self._tell(f"{how}: {change.what}; undoing it again")
            ok = (stayed or self._restored(change, within_s)) and self._outlasted(entry, change, within_s)
            self.observer.note(EventName.GONE, change=entry, what=change.what, ok=ok, sync=True)
            if not ok:
                self.console.say(f"NOT RESTORED: {change.what}")
                continue
            self.console.say(f"undone, and proved: {change.what}")
            del self.outstanding[entry]
            self._close(entry)

    def _outlasted(self, entry: str, change: Change, within_s: float) -> bool:
        """Whether it is still undone when a step that did not come back has had as long again to take effect."""
        try:
            return outlasts(change, self._late_s.get(entry, 0.0), self._tell, lambda: self._restored(change, within_s))
        except Exception as error:  # as above
            self._tell(f"whether {change.what} stays undone can't be seen: {type(error).__name__}: {error}")
            return False

    def _limit_s(self, change: Change, within_s: float) -> float:
        asked = [step.timeout_s for step in change.undo if isinstance(step, Ask)]
        return max([within_s, *asked])

    def _tell(self, text: str) -> None:
        self.observer.note(EventName.UNDO_SAID, message=text)
        self.console.say(text)

    def _mark(self, entry: str, state: str) -> None:
        try:
            self.ledger.mark(entry, state)
        except (Damaged, OSError) as damage:  # the guardian and HEAL.sh still know the undo, and so do we
            self._tell(str(damage))

    def _close(self, entry: str) -> None:
        try:
            self.ledger.close(entry)
        except (Damaged, OSError) as damage:
            self._tell(f"{damage}; the change is undone all the same")


def _end(children: list[Process]) -> None:
    for child in children:
        if child.alive():
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)

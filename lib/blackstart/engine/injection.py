"""Carries out changes and takes them back, with the undo on the disk before the do."""

import os
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from blackstart.base import clock
from blackstart.base.errors import BlackstartError, Refused, StepLost, StepTimedOut
from blackstart.controls.steps.local import carry_out
from blackstart.controls.steps.shell import describe
from blackstart.engine.narrator import Narrator
from blackstart.engine.observer import Observer
from blackstart.evidence.events import EventName
from blackstart.evidence.folder import Folder
from blackstart.model.change import Change, no_proof
from blackstart.model.plan import Plan
from blackstart.model.step import Ask, Step
from blackstart.safety.guardian.client import Guardian
from blackstart.safety.heal.restorer import Restorer, recorded
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.processes.identity import Process, boot_id, started

_LISTED_FOR_S = 3600.0  # longer than any recovery is looked at


class Injection:
    """The changes of one run. `outstanding` maps the ledger's entry to each change that is not proved undone; `proved`
    are the entries of those that are."""

    def __init__(self, plan: Plan, folder: Folder, observer: Observer, narrator: Narrator, guardian: Guardian) -> None:
        self.plan, self.folder, self.observer, self.console = plan, folder, observer, narrator.console
        self.narrator, self.guardian = narrator, guardian
        self.ledger = Ledger(tell=guardian.tell, placeholders=guardian.placeholders)
        self.outstanding: dict[str, Change] = {}
        self.proved: set[str] = set()
        self.first = 0  # of its changes among those of the run
        self.restorer = Restorer(
            self.ledger, self._tell, self.note, plan.experiment.undo_timeout_s, self.console.say,
            busy=guardian.lease, failed=narrator.undo_failed, trying=narrator.trying, again=self._again,
        )  # fmt: skip

    def note(self, event: EventName, **facts: Any) -> None:
        """Into the record."""
        self.observer.note(event, **facts)

    def prepare(self, step: Step) -> None:
        """Carry out what is done before the baseline. Raises Refused where it fails: nothing was broken yet."""
        self.console.say(f"preparing: {describe(step)}")
        try:
            self._step(step)
        except BlackstartError as error:
            raise Refused(f"what must be prepared failed: {error}") from error

    def inject(self, between: Callable[[], None], numbers: Iterable[int]) -> None:
        """Make these changes, in order. Raises StepFailed where one can't be made; `undo` takes back what was."""
        for number in numbers:
            between()
            change, entry = self.plan.changes[number], self._entry(number)
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

    def _entry(self, number: int) -> str:
        return f"{self.folder.run}#{self.first + number}"

    def _do(self, entry: str, change: Change, between: Callable[[], None]) -> None:
        self.ledger.mark(entry, "doing")
        self.note(EventName.DO, change=entry, what=change.what, sync=True)
        self.narrator.waiting(f"doing: {change.what}", "bite")
        self.console.say(f"doing: {change.what}")
        for number, step in enumerate(change.do):
            if number:
                between()  # a second wish to end comes before what is still to be broken
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
        self.note(EventName.DID, change=entry, what=change.what)

    def _given_up(self, entry: str, step: Step) -> None:
        self.restorer.late[entry] = step.timeout_s
        # Where it can't be written, the guardian and HEAL.sh still know the undo, and so do we.
        recorded(partial(self.ledger.mark, entry, "late"), self._tell)

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
            self.note(EventName.STEP, step=describe(step), code=outcome.code, took_s=round(outcome.took_s, 3))

        if not self.plan.experiment.stop_if:
            act()
            return True
        if self.observer.call(act):
            return True
        self._tell(f"given up for an abort condition: {describe(step)}")
        given_up.set()  # before we look: it may only be starting
        _end(children)
        return False

    def undo(self) -> bool:
        """Take back every outstanding change, newest first, and prove it, whether or not it can be recorded."""
        whats = ", ".join(change.what for change in self.outstanding.values())
        self.narrator.waiting(f"undoing: {whats}", "undo", most_s=self.restorer.within_s)
        proved = self.restorer.undo(self.outstanding, midway=self.outstanding)
        if len(proved) < len(self.outstanding):
            return False
        # What is undone is only listed until it is seen to have stayed so: no reason for others to end the run.
        if proved:
            recorded(partial(self.ledger.renew, self.folder.run, clock.now_s() + _LISTED_FOR_S), self._tell)
        return True

    def _again(self, what: str) -> None:
        self.narrator.waiting(f"undoing again: {what}", "undo again", most_s=self.restorer.within_s)

    def end(self, numbers: Iterable[int]) -> bool:
        """Take back these changes while the fault phase goes on, and prove it; `confirm` sees that they stay so."""
        entries = [self._entry(number) for number in numbers]
        ended = {entry: self.outstanding[entry] for entry in entries if entry in self.outstanding}
        return len(self.restorer.undo(ended, midway=ended)) == len(ended)

    def confirm(self, numbers: Iterable[int] | None = None) -> None:
        """See that every undo stayed, or that of these; forget those that did. What did not is undone again, once more
        with proof."""
        wanted = self.outstanding.keys() if numbers is None else {self._entry(number) for number in numbers}
        for entry, change in [one for one in reversed(list(self.outstanding.items())) if one[0] in wanted]:
            if self.restorer.confirm(entry, change):
                del self.outstanding[entry]
                self.proved.add(entry)
            else:
                self.console.share()  # with the guardian, which goes on trying, and says so
                self.console.say(f"NOT RESTORED: {change.what}")

    def forgotten(self, numbers: Iterable[int]) -> bool:
        """Whether each of these changes is proved undone, and stayed so."""
        return not any(self._entry(number) in self.outstanding for number in numbers)

    def unproved(self) -> list[str]:
        """Why each change that is not proved undone is not."""
        seen = self.restorer.unproved
        return [no_proof(change.what, seen.get(entry, ())) for entry, change in self.outstanding.items()]

    def _tell(self, text: str) -> None:
        self.note(EventName.UNDO_SAID, message=text)
        self.console.say(text)


def _end(children: list[Process]) -> None:
    for child in children:
        if child.alive():
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)

"""What a guardian does when its run is dead, hangs, or has given up: end it, mend what it left, and say so."""

import contextlib
import os
import select
import signal
import syslog
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from blackstart.base import clock
from blackstart.base.errors import BlackstartError
from blackstart.base.printable import one_line
from blackstart.base.secrets.placeholders import SecretPlaceholders
from blackstart.base.secrets.redact import Redactor
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Journal, anchor
from blackstart.model.change import Change, no_proof
from blackstart.model.step import Ask
from blackstart.safety.heal.lab_gone import gone_with_its_lab
from blackstart.safety.heal.restore import is_gone, longest_s
from blackstart.safety.heal.restorer import UNDO_WITHIN_S, Restorer, recorded
from blackstart.safety.ledger import heal_record, undo_copies
from blackstart.safety.ledger.heal_lock import one_healer
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.processes import steps_in_flight
from blackstart.safety.processes.identity import Process, myself
from blackstart.safety.processes.runner import Runner

_RETRY_FIRST_S, _RETRY_LAST_S = 0.2, 30.0
_TRIES_FOR_S = 86_400.0
_TRIES_UNRECORDED_FOR_S = 600.0  # somebody has removed evidence and ledger: what they belonged to is hardly there
_OTHER_HEAL_WITHIN_S = 5.0
_FIRST_TRY_S = 120.0  # so long `chaos.heal` leaves to the guardian what a dead run has broken


@dataclass
class RunnerState:
    """What the run has told its guardian: the state of each ledger entry, since when, and who carries out steps."""

    states: dict[str, str]
    begun_s: dict[str, float]
    children: list[Process]

    def broken(self, changes: Mapping[str, Change]) -> dict[str, Change]:
        """What may be in force."""
        return {name: change for name, change in changes.items() if self.states.get(name, "closed") != "closed"}


class Takeover:
    """One run's wreck, and its mending. `changes` are all of the run's, by ledger entry, oldest first; `secrets` what
    they hold that must not be written down, by reference."""

    def __init__(
        self, run: str, evidence: Path, changes: Mapping[str, Change], terminal: str, secrets: Mapping[str, str]
    ) -> None:
        self.run, self.evidence, self.changes, self.terminal = run, evidence, changes, terminal
        self.redactor = Redactor()
        self.redactor.learn_environment()
        self.placeholders = SecretPlaceholders(secrets, self.redactor.learn)
        self.ledger = Ledger(placeholders=self.placeholders)
        self.journal = Journal(evidence / "guardian.jsonl", self.redactor.scrub, anchor(evidence))
        self.note = self.journal.write
        self._listed: set[str] = set()
        self._opened: dict[str, str] = {}
        self._not_mended: list[str] = []

    def mend(self, why: str, heard: RunnerState, runner: Runner | None, woken: int) -> bool:
        """Whether nothing is broken any more. Tries for a day. `runner` is ended first, if one is given."""
        self.note(EventName.TAKING_OVER, why=why, states=heard.states)
        if runner is not None:
            runner.end(self.note)
        heard = self.known(heard)
        broken = heard.broken(self.changes)
        if broken:
            # What its run could not restore, and has said so, is anybody's to mend.
            first_s = _FIRST_TRY_S + sum(map(longest_s, broken.values()))
            until_s = clock.now_s() + first_s if runner is not None else 0.0
            recorded(partial(self.ledger.renew, self.run, until_s, myself()), self._tell)
        late = {entry: longest_s(change) for entry, change in broken.items() if heard.states.get(entry) == "late"}
        try:
            late |= self._settle(heard, runner)
        except Exception:  # whatever it is, it must not keep us from the undo
            self.note(EventName.STEPS_UNSEEN, trace=traceback.format_exc())
        if not broken:
            return True
        self.alert(f"{why}. Restoring: {', '.join(change.what for change in broken.values())}")
        for step in (step for change in broken.values() for step in change.undo if isinstance(step, Ask)):
            self.alert(f"PLEASE DO NOW, by hand: {step.text}")
        self._mend(broken, [entry for entry in broken if heard.states.get(entry) != "done"], late, woken)
        if broken:
            self.alert("gave up; what the ledger keeps chaos.heal mends, once it can be mended")
        else:
            self.alert(self.came_to)
        return not broken

    @property
    def came_to(self) -> str:
        """What the mending came to, where nothing is left to mend."""
        return "; ".join(self._not_mended) or "everything is restored, and it was proved"

    def _settle(self, heard: RunnerState, runner: Runner | None) -> dict[str, float]:
        """Wait for the steps under way; returns how long those that had to be ended may still take effect."""
        doing = [entry for entry, state in heard.states.items() if state in ("intent", "doing")]
        beginnings = [steps_in_flight.Beginning(self.changes[entry], heard.begun_s[entry]) for entry in doing]
        ended = steps_in_flight.settle(beginnings, heard.children, runner.words if runner else [], self.note)
        return {entry: longest_s(self.changes[entry]) for entry in doing} if ended else {}

    def known(self, heard: RunnerState) -> RunnerState:
        """What the run has told us, and for the rest what the ledger says. One that can't be read means all."""
        known = RunnerState(dict(heard.states), dict(heard.begun_s), heard.children)
        try:
            for entry in self.ledger.outstanding(self.run):
                self._listed.add(entry.id)
                self._opened[entry.id] = entry.opened_utc
                known.states.setdefault(entry.id, entry.state)
                known.begun_s.setdefault(entry.id, entry.lease_until_s - entry.change.lease_s)
        except BlackstartError as error:
            self._tell(str(error))
            for name in self.changes:
                known.states.setdefault(name, "undoing")
        return known

    def _mend(self, broken: dict[str, Change], midway: Sequence[str], late: dict[str, float], woken: int) -> None:
        restorer = Restorer(self.ledger, self._tell, self.note, UNDO_WITHIN_S, over=self._closed, late=late)
        wait_s, began_s = _RETRY_FIRST_S, clock.now_s()
        while clock.now_s() < began_s + self._tries_for_s():
            self._drop_gone([entry for entry in broken if entry not in late], broken)
            for entry in restorer.mend(broken, midway):
                del broken[entry]
            self._drop_closed(broken)
            if not broken:
                return
            # From now on anybody may mend it too: `chaos.heal` takes entries whose lease ran out.
            recorded(partial(self.ledger.renew, self.run, 0.0, myself()), self._tell)
            left = "; ".join(no_proof(one.what, restorer.unproved.get(entry, ())) for entry, one in broken.items())
            self.alert(f"NOT RESTORED: {left}. Trying again in {wait_s:g} s; by hand: sh {self.evidence / 'HEAL.sh'}")
            # A signal (`chaos.heal` sends SIGHUP) says that things may have changed.
            if select.select([woken], [], [], wait_s)[0] and signal.SIGTERM in os.read(woken, 4096):
                self.alert(
                    "was asked to end (SIGTERM), and goes on: it ends when this is mended, or given up (--forget)"
                )
            wait_s = min(2 * wait_s, _RETRY_LAST_S)

    def _drop_gone(self, settled: Sequence[str], broken: dict[str, Change]) -> None:
        """Close what went with its lab: of `settled` only, as a step that may take effect late finds the new lab."""
        for entry in [entry for entry in settled if entry in self._opened]:
            change = broken[entry]
            if proof := gone_with_its_lab(change, self._opened[entry]):
                self.note(EventName.GONE_WITH_LAB, change=entry, what=change.what, proof=proof, sync=True)
                self._not_mended.append(f"nothing is left to mend of {change.what}: {proof}")
                recorded(partial(self.ledger.close, entry), self._tell)
                del broken[entry]

    def _drop_closed(self, broken: dict[str, Change]) -> None:
        """What somebody else has closed is no longer ours: mended, or given up by a person, and then left broken."""
        for entry in [entry for entry, change in broken.items() if self._closed(entry, change)]:
            what, given_up = broken.pop(entry).what, heal_record.given_up(self.evidence).get(entry)
            if given_up:
                self.note(EventName.GIVEN_UP, change=entry, what=what, told=given_up, sync=True)
                self._not_mended.append(f"LEFT BROKEN: {what}, {given_up}")
            else:
                self.note(EventName.CLOSED_BY_OTHER, change=entry, what=what)

    def _closed(self, entry: str, change: Change) -> bool:
        """Whether somebody else has proved it undone, and closed it in the ledger: it is no longer ours to undo.

        Only what has stood there: an entry that a full disk kept out of the ledger is missing for another reason. And
        only where the copy went with it, or a look shows that it is undone: a ledger may have been replaced.
        """
        try:
            with one_healer(_OTHER_HEAL_WITHIN_S):
                if not self.ledger.path.exists():
                    return False
                self.ledger.check()
                entries, damaged = self.ledger.outstanding(self.run), self.ledger.unreadable()
        except (BlackstartError, OSError) as error:
            self._tell(str(error))
            return False
        listed = {*(one.id for one in entries), *(one.id for one in damaged)}
        gone = entry in self._listed and entry not in listed
        self._listed |= listed
        return gone and (not (self.evidence / undo_copies.NAME).exists() or is_gone(change))

    def _tries_for_s(self) -> float:
        recorded_somewhere = self.evidence.exists() or self.ledger.path.exists()
        return _TRIES_FOR_S if recorded_somewhere else _TRIES_UNRECORDED_FOR_S

    def _tell(self, text: str) -> None:
        self.note(EventName.SAID, message=text)

    def alert(self, text: str) -> None:
        """To the terminal that the run was started from, and to the system's log."""
        self.note(EventName.ALERT, message=text)
        line = one_line(self.redactor(f"guardian of {self.run}: {text}"))
        with contextlib.suppress(OSError, ValueError):
            syslog.syslog(syslog.LOG_ALERT, f"blackstart: {line}")
        if self.terminal:
            with contextlib.suppress(OSError):
                handle = os.open(self.terminal, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
                with os.fdopen(handle, "w", encoding="utf-8") as terminal:
                    terminal.write(f"\r\n{clock.utc_iso()[11:23]}Z  {line}\r\n")

    def end(self, how: str, **more: Any) -> None:
        """The last line."""
        self.note(EventName.END, how=how, sync=True, **more)
        self.journal.close()

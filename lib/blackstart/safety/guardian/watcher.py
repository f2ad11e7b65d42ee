"""What a guardian does while its run lives: listen to it, and notice at once when it dies, hangs or gives up."""

import os
import select
import socket
import sys
import traceback
from pathlib import Path

from blackstart.base import clock
from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BlackstartError
from blackstart.base.user_files import load_again
from blackstart.evidence.events import EventName
from blackstart.model.change import Change
from blackstart.safety.guardian.channel import Message, Wire
from blackstart.safety.guardian.takeover import RunnerState, Takeover
from blackstart.safety.ledger import undo_copies
from blackstart.safety.processes.daemon import Detached, restore_variable, warm
from blackstart.safety.processes.identity import Process, boot_id, myself
from blackstart.safety.processes.runner import Runner

_BRIEF_WITHIN_S = 15.0
_ENDS_ITSELF_WITHIN_S = 10.0
_CRASHES_AT_MOST, _AFTER_A_CRASH_S = 100, 1.0
_LONG_S = 1e12
_POLL_AT_MOST_S = 3600.0  # poll takes no more than some days
_RELEASED, _KEPT = "released", "the run has ended with something broken"


def serve(handle: int) -> None:
    """The whole life of a guardian. Says why where it can't do its work; ends when nothing is broken any more."""
    wire = Wire(socket.socket(fileno=handle))
    os.set_inheritable(handle, False)
    detached = Detached()
    try:
        watchman = GuardianProcess(wire, _brief(wire), detached)
    except (BlackstartError, OSError, KeyError, TypeError) as error:
        wire.send(refused=f"{type(error).__name__}: {error}")
        return
    try:
        watchman.watch()
    except Exception:  # the run notices our end; why we ended must not be lost
        watchman.takeover.note(EventName.CRASHED, trace=traceback.format_exc(), sync=True)
        raise


def _brief(wire: Wire) -> Message:
    until_s = clock.now_s() + _BRIEF_WITHIN_S
    while clock.now_s() < until_s and not wire.closed:
        for message in wire.receive(1.0):
            brief: Message = message["brief"]
            return brief
    raise OSError("the run said nothing to its guardian")


class GuardianProcess:
    """One guardian at work."""

    def __init__(self, wire: Wire, brief: Message, detached: Detached) -> None:
        self.wire, self.detached = wire, detached
        sys.path[:] = brief["path"]
        restore_variable("PYTHONPATH", brief["python_path"])
        self.locks: list[int] = brief["locks"]
        for lock in self.locks:
            os.set_inheritable(lock, False)
        self.run, self.evidence = str(brief["run"]), Path(brief["evidence"])
        self.runner = Runner(from_data(brief["runner"]))
        for module, file in brief["sources"].items():
            load_again(module, file)
        self.changes: dict[str, Change] = {
            f"{self.run}#{number}": change for number, change in enumerate(from_data(brief["changes"]))
        }
        self.heard = RunnerState({}, {}, [])
        self.lease_s = float(brief["lease_s"])
        self.lease_until_s: float = clock.now_s() + self.lease_s
        self.overdue_s: float | None = None
        self.takeover = Takeover(self.run, self.evidence, self.changes, brief["terminal"], brief["secrets"])
        copy = undo_copies.Copy(self.run, self.evidence, self.runner.process, myself(), self.changes)
        undo_copies.write(copy, self.takeover.placeholders)
        what = [change.what for change in self.changes.values()]
        self.takeover.note(EventName.GUARDING, run=self.run, runner=str(self.runner.process), changes=what, sync=True)
        wire.send(up=to_data(myself()))
        warm()

    def watch(self) -> None:
        """Until the run releases us, or dies, or loses its lease; then mend what it left."""
        poll = select.poll()
        poll.register(self.wire, select.POLLIN)
        if self.runner.handle >= 0:
            poll.register(self.runner.handle, select.POLLIN)
        why = ""
        while not why:
            poll.poll(min(_POLL_AT_MOST_S, max(0.0, self._next_s() - clock.now_s())) * 1000 + 1)
            dead = self.runner.dead()  # before what it said last is read: then nothing can come after
            for message in self.wire.receive():
                why = why or self._hear(message)
            if not why and (dead or self.wire.closed):
                why = "the run has died"
            elif not why:
                why = self._late(clock.now_s())
        self._end(why, why == _RELEASED or self._take_over(why))

    def _take_over(self, why: str) -> bool:
        self.detached.before_work()
        if why == _KEPT:
            self.wire.send(released=True)
        for _ in range(_CRASHES_AT_MOST):
            try:
                return self.takeover.mend(why, self.heard, None if why == _KEPT else self.runner, self.detached.woken)
            except Exception:  # nobody comes after us: what went wrong once may go well the next time
                self.takeover.note(EventName.CRASHED, trace=traceback.format_exc(), sync=True)
                select.select([self.detached.woken], [], [], _AFTER_A_CRASH_S)
        return False

    def _next_s(self) -> float:
        ends = [self.overdue_s] if self.overdue_s is not None else map(self._lifetime_s, self._in_force())
        return float(min([self.lease_until_s, *ends]))

    def _in_force(self) -> list[str]:
        return [entry for entry, state in self.heard.states.items() if state in ("doing", "done")]

    def _lifetime_s(self, entry: str) -> float:
        return self.heard.begun_s[entry] + self.changes[entry].lease_s

    def _late(self, now_s: float) -> str:
        """Why the run has to be ended now. When a change outlives its longest lifetime, the run is told first."""
        if now_s > self.lease_until_s:
            return self._lost()
        old = ", ".join(self.changes[entry].what for entry in self._in_force() if now_s > self._lifetime_s(entry))
        if not old:
            self.overdue_s = None
        elif self.overdue_s is None:
            self.overdue_s = now_s + _ENDS_ITSELF_WITHIN_S
            self.takeover.note(EventName.TOLD_RUN_TO_END, changes=old)
            self.wire.send(end=f"the longest lifetime of a change is over: {old}")
        elif now_s > self.overdue_s:
            return f"the run did not end by itself when the longest lifetime was over ({old})"
        return ""

    def _hear(self, message: Message) -> str:
        """What one message from the run means; the reason to stop watching, if it is one."""
        # A message that was sent too late has no meaning any more, however early we read it.
        if message.get("at", 0.0) > self.lease_until_s and (lost := self._lost()):
            return lost
        if "lease" in message:
            self.lease_until_s = message["lease"]
            self.wire.send(ack=message["at"])
        elif message.get("change") in self.changes:
            entry, state = message["change"], message["state"]
            self.heard.states[entry] = state
            self.heard.begun_s.setdefault(entry, message["at"])
            # It has slept with nothing broken: from its first change on its lease counts again.
            self.lease_until_s = min(self.lease_until_s, message["at"] + self.lease_s)
            self.takeover.note(state, change=entry)
        elif "child" in message:
            self.heard.children.append(Process(boot_id(), message["child"], message["started"]))
        elif "release" in message:
            return _KEPT if message["keep"] else _RELEASED
        return ""

    def _lost(self) -> str:
        """Why a run without a lease has to be ended. While nothing is broken it may sleep as long as it likes."""
        if self.takeover.known(self.heard).broken(self.changes):
            return "the run has lost its lease"
        self.takeover.note(EventName.RUN_SILENT)
        self.lease_until_s = _LONG_S
        return ""

    def _end(self, why: str, mended: bool) -> None:
        if mended:
            undo_copies.forget(self.evidence, self.run)
        self.takeover.end(f"{why}; {self.takeover.came_to if mended else 'something is still broken'}")
        for lock in self.locks:
            os.close(lock)
        self.wire.send(released=True)
        self.wire.close()

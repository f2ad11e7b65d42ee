"""What the guardian does: watch the run, and mend what it leaves broken when it dies, hangs or gives up."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import syslog
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blackstart import clock
from blackstart.codec import from_data, to_data
from blackstart.errors import BlackstartError
from blackstart.journal import Journal
from blackstart.model import Change
from blackstart.redact import Redactor
from blackstart.safety import copies, runner
from blackstart.safety.alive import Process, myself
from blackstart.safety.ledger import Ledger
from blackstart.safety.mending import Mender, recorded
from blackstart.safety.wire import Message, Wire

_BRIEF_WITHIN_S = 15.0
_UNDO_WITHIN_S = 30.0
_RETRY_FIRST_S, _RETRY_LAST_S = 0.2, 30.0
_CALM_OOM_SCORE = -900


def serve(handle: int) -> None:
    """The whole life of a guardian. Says why where it can't do its work; ends when nothing is broken any more."""
    wire = Wire(socket.socket(fileno=handle))
    os.set_inheritable(handle, False)
    for signum in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        # Handlers, not SIG_IGN: what is ignored would be ignored by every service that an undo starts.
        signal.signal(signum, lambda number, frame: None)
    try:
        watchman = Watchman(wire, _brief(wire))
    except (BlackstartError, OSError, KeyError, TypeError) as error:
        wire.send(refused=f"{type(error).__name__}: {error}")
        return
    watchman.watch()


def _brief(wire: Wire) -> Message:
    until_s = clock.now_s() + _BRIEF_WITHIN_S
    while clock.now_s() < until_s and not wire.closed:
        for message in wire.receive(1.0):
            brief: Message = message["brief"]
            return brief
    raise OSError("the run said nothing to its guardian")


class Watchman:
    """One guardian at work. `open` maps each ledger entry that is in force, or may be, to its change, oldest first."""

    def __init__(self, wire: Wire, brief: Message) -> None:
        self.wire = wire
        sys.path[:] = brief["path"]
        _restore_variable("PYTHONPATH", brief["python_path"])
        for lock in brief["locks"]:
            os.set_inheritable(lock, False)
        self.locks: list[int] = brief["locks"]
        self.run: str = brief["run"]
        self.evidence = Path(brief["evidence"])
        self.runner: Process = from_data(brief["runner"])
        self.terminal: str = brief["terminal"]
        self.changes: dict[str, Change] = {
            f"{self.run}#{number}": change for number, change in enumerate(from_data(brief["changes"]))
        }
        self.states: dict[str, str] = {}
        self.lease_until_s = clock.now_s() + float(brief["lease_s"])
        self.ledger = Ledger()
        redactor = Redactor()
        redactor.learn_environment()
        self.scrub = redactor
        self.journal = Journal(self.evidence / "guardian.jsonl", redactor.scrub)
        copies.write(copies.Copy(self.run, self.evidence, self.runner, myself(), self.changes))
        self.end_runner = runner.Runner(self.runner)
        self.oom_score = _score_oom(_CALM_OOM_SCORE)
        self.note("guarding", run=self.run, runner=str(self.runner), changes=[c.what for c in self.changes.values()])
        wire.send(up=to_data(myself()))
        _warm()

    # ------------------------------------------------------------ watching

    def watch(self) -> None:
        """Until the run releases us, or dies, or loses its lease; then mend what it left."""
        poll = select.poll()
        poll.register(self.wire, select.POLLIN)
        if self.end_runner.handle >= 0:
            poll.register(self.end_runner.handle, select.POLLIN)
        why = ""
        while not why:
            poll.poll(max(0.0, self.lease_until_s - clock.now_s()) * 1000 + 1)
            dead = self.end_runner.dead()  # before what it said last is read: then nothing can come after
            for message in self.wire.receive():
                why = why or self._hear(message)
            if not why and (dead or self.wire.closed):
                why = "the run has died"
            elif not why and clock.now_s() > self.lease_until_s:
                why = "the run has lost its lease"
        if why == "released":
            self._end("released: nothing is broken")
        elif why == "kept":
            self._take_over("the run has ended with something broken", alive=True)
        else:
            self._take_over(why)

    def _hear(self, message: Message) -> str:
        """What one message from the run means; the reason to stop watching, if it is one."""
        if message.get("at", 0.0) > self.lease_until_s:
            return "the run has lost its lease"
        if "lease" in message:
            self.lease_until_s = message["lease"]
            self.wire.send(ack=message["at"])
        elif "change" in message:
            self.states[message["change"]] = message["state"]
            self.note(message["state"], change=message["change"])
        elif "child" in message:
            self.note("child", pid=message["child"], started=message["started"])
        elif "release" in message:
            return "kept" if message["keep"] else "released"
        return ""

    # ------------------------------------------------------------ mending

    def _take_over(self, why: str, alive: bool = False) -> None:
        self.note("taking over", why=why, states=self.states, sync=True)
        _score_oom(self.oom_score)
        if not alive:
            self.end_runner.end(self.note)
        recorded(lambda: self.ledger.renew(self.run, clock.now_s() + 60.0, myself()), self._tell)
        broken = self._broken()
        if not broken:
            self._end(f"{why}: nothing was broken")
            return
        self._alert(f"{why}. Restoring: {', '.join(change.what for change in broken.values())}")
        mender = Mender(self.ledger, self._tell, self.note, _UNDO_WITHIN_S)
        wait_s = _RETRY_FIRST_S
        while True:
            midway = [entry for entry in broken if self.states.get(entry, "intent") != "done"]
            for entry in mender.mend(broken, midway):
                del broken[entry]
            if not broken:
                break
            left = ", ".join(change.what for change in broken.values())
            self._alert(f"NOT RESTORED: {left}. Trying again in {wait_s:g} s; by hand: sh {self.evidence / 'HEAL.sh'}")
            select.select([], [], [], wait_s)
            wait_s = min(2 * wait_s, _RETRY_LAST_S)
        self._alert("everything is restored, and it was proved")
        self._end("restored")

    def _broken(self) -> dict[str, Change]:
        """What may be in force: as the run told us and as the ledger says. A ledger that can't be read means all."""
        try:
            listed = [entry.id for entry in self.ledger.outstanding(self.run)]
        except BlackstartError as error:
            self._tell(str(error))
            listed = list(self.changes)
        told = [entry for entry, state in self.states.items() if state != "closed"]
        return {entry: change for entry, change in self.changes.items() if entry in told or entry in listed}

    def _end(self, how: str) -> None:
        copies.forget(self.evidence, self.run)
        self.note("end", how=how, sync=True)
        self.journal.close()
        for lock in self.locks:
            os.close(lock)
        self.wire.send(released=True)
        self.wire.close()

    # ------------------------------------------------------------ saying

    def note(self, event: str, *, sync: bool = False, **fields: Any) -> None:
        """Into guardian.jsonl."""
        self.journal.write(event, sync=sync, **fields)

    def _tell(self, text: str) -> None:
        self.note("said", message=text)

    def _alert(self, text: str) -> None:
        """To the terminal that the run was started from, and to the system's log."""
        self.note("alert", message=text, sync=True)
        line = self.scrub(f"guardian of {self.run}: {text}")
        with contextlib.suppress(OSError, ValueError):
            syslog.syslog(syslog.LOG_ALERT, f"blackstart: {line}")
        if self.terminal:
            with contextlib.suppress(OSError):
                handle = os.open(self.terminal, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
                with os.fdopen(handle, "w", encoding="utf-8") as terminal:
                    terminal.write(f"\r\n{clock.utc_iso()[11:23]}Z  {line}\r\n")


def _restore_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _score_oom(score: int) -> int:
    """Set how soon the kernel ends us when memory runs out (lower needs root); returns what it was. Inherited by
    children: that is why it is set back before an undo starts a service."""
    path = Path("/proc/self/oom_score_adj")
    try:
        before = int(path.read_text())
        path.write_text(str(score))
    except OSError:
        return 0
    return before


def _warm() -> None:
    """Load now what an undo needs, so that it is quick then, and works on a disk that has meanwhile filled or gone."""
    imports: tuple[Callable[[], object], ...] = (lambda: __import__("plumbum"), lambda: __import__("requests"))
    for load in imports:
        with contextlib.suppress(ImportError):
            load()

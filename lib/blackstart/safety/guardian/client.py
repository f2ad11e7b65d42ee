"""The runner's side of the guardian: a process that outlives the run and mends what the run leaves broken.

`python -m blackstart.safety.guardian` is the process itself, `watcher.py` what it does while the run lives,
`takeover.py` what it does afterwards.

It outlives: SIGKILL to the run, to its process group, session or tree of children; Ctrl-C; a closed terminal; the
out-of-memory killer's choice of the run; the clean-up of GitHub's and Jenkins' runners, which look for marks in the
environment. It does not outlive, and nothing inside the machine could: the end of the container or the machine that it
runs in (a hosted CI job at its end, `docker stop`), a systemd unit or login session that ends its whole control group
(start such runs with `systemd-run --scope`), SIGKILL to itself at the same moment. For those there are the ledger,
HEAL.sh and `chaos.heal`, which belongs into a step that always runs (`if: always()`).

SIGTERM does not end it, since CI servers send that to what they take for orphans: it says so, tries again at once, and
goes on for a day, or until what it mends is given up (`chaos.heal --forget`).
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import blackstart
from blackstart.base import clock
from blackstart.base.codec import from_data, sources, to_data
from blackstart.base.errors import Refused
from blackstart.base.secrets.placeholders import SecretPlaceholders
from blackstart.evidence.folder import Folder
from blackstart.model.change import Change
from blackstart.safety.guardian.channel import Message, Wire
from blackstart.safety.ledger import undo_copies
from blackstart.safety.processes.identity import Process, myself, started

LEASE_S = 10.0
_RENEWALS_PER_LEASE = 10
# How long the run's own thread may be busy between two signs of life. Every wait gives one many times a second; what
# takes its time without waiting (a step, an undo, a snapshot, the load's end) is shorter, or says so (`lease`).
_STUCK_S = 120.0
_UP_WITHIN_S = 20.0
_RELEASED_WITHIN_S = 3.0
# What CI servers mark their processes with, to end those that are left over: GitHub, Jenkins (all three), GitLab.
_MARKS = ("RUNNER_TRACKING_ID", "JENKINS_NODE_COOKIE", "JENKINS_SERVER_COOKIE", "HUDSON_SERVER_COOKIE", "BUILD_ID")


class Guardian:
    """One run's guardian. `process` is who it is, once it is up. Without changes there is nothing to guard.

    A thread renews the lease ten times in its length, so that a runner that is stopped, asleep or starved loses it. It
    does so only while the run itself shows signs of life (`problem`, `tell`, `lease`): a stuck one loses it too.
    """

    def __init__(
        self,
        folder: Folder,
        changes: tuple[Change, ...],
        lease_s: float = LEASE_S,
        placeholders: SecretPlaceholders | None = None,
    ) -> None:
        self.folder, self.changes = folder, changes
        self.placeholders = placeholders or SecretPlaceholders()
        self.process: Process | None = None
        self._lease_s = lease_s
        self._alive_until_s = clock.now_s() + _STUCK_S
        self._wire: Wire | None = None
        self._errors: IO[bytes] | None = None
        self._heard = threading.Event()
        self._refusal = ""
        self._problem = ""
        self._released = self._kept = False
        self._answered_s = clock.now_s()

    def start(self, locks: Iterable[int] = ()) -> None:
        """Start it and come back at once. `locks` are handles that it shall hold as long as something is broken."""
        if not self.changes or self._wire is not None:
            return
        held = list(locks)
        ours, theirs = socket.socketpair()
        self._errors = _memory_file()
        with theirs:
            starter = subprocess.Popen(
                [sys.executable, "-m", "blackstart.safety.guardian", str(theirs.fileno()), self.folder.run],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors,
                pass_fds=(theirs.fileno(), *held), start_new_session=True, env=_environment(),
            )  # fmt: skip
        self._wire = Wire(ours)
        changes = to_data(self.changes)
        brief = {
            "run": self.folder.run, "evidence": str(self.folder.path), "changes": changes,
            "runner": to_data(myself()), "lease_s": self._lease_s, "path": sys.path, "locks": held,
            "python_path": os.environ.get("PYTHONPATH"), "terminal": _terminal(),
            # Over this wire only: nobody else can write what is loaded, or read what is secret.
            "sources": sources(changes),
            "secrets": self.placeholders.secrets,
        }  # fmt: skip
        self._answered_s = clock.now_s()
        threading.Thread(target=self._talk, args=(self._wire, starter, brief), name="guardian", daemon=True).start()

    def wait_up(self, timeout_s: float = _UP_WITHIN_S) -> None:
        """Wait until it holds every undo, in memory and in the evidence folder. Raises Refused where it does not."""
        if not self.changes:
            return
        if self._wire is None:
            self.start()
        if not self._heard.wait(timeout_s):
            raise Refused(f"the guardian did not come up within {timeout_s:g} s{self._last_words()}")
        if self._refusal:
            raise Refused(f"the guardian can't do its work: {self._refusal}")

    def problem(self) -> str:
        """Empty while it lives and answers; also the sign that the run lives. Cheap."""
        self._sign_of_life(_STUCK_S)
        return self._problem

    def lease(self, until_s: float) -> None:
        """The run will be busy until then (`clock.now_s()`), at most: no other sign of life is needed."""
        self._alive_until_s = max(self._alive_until_s, until_s)

    def tell(self, change_id: str, state: str) -> None:
        """What is done to a change, as in the ledger: intent, doing, done, undoing, late, closed."""
        change = self.changes[int(change_id.rpartition("#")[2])]
        steps = change.undo if state in ("undoing", "late") else change.do
        self._sign_of_life(_STUCK_S + sum(step.timeout_s for step in steps))
        self._send(change=change_id, state=state, at=clock.now_s())

    def child(self, pid: int) -> None:
        """A child of the run carries out a step: an undo must wait for it."""
        self._send(child=pid, started=started(pid) or "", at=clock.now_s())

    def release(self, keep: bool) -> None:
        """The run is over. Nothing outstanding: it ends. `keep`: it goes on trying to mend, and alerts."""
        self._released, self._kept = True, keep
        if not keep:
            undo_copies.forget(self.folder.path, self.folder.run)
        if self._wire is None:
            return
        self._heard.clear()
        if self._send(release=True, keep=keep):
            self._heard.wait(_RELEASED_WITHIN_S)

    @property
    def goes_on(self) -> bool:
        """Whether it lives and tries to mend what its run has left broken."""
        return self._kept and self.process is not None and self.process.alive()

    def _sign_of_life(self, for_s: float) -> None:
        self._alive_until_s = max(self._alive_until_s, clock.now_s() + for_s)

    def _send(self, **message: object) -> bool:
        return self._wire is not None and self._wire.send(**message)

    def _talk(self, wire: Wire, starter: subprocess.Popen[bytes], brief: Message) -> None:
        wire.send(brief=brief)
        renewed_s, every_s = 0.0, self._lease_s / _RENEWALS_PER_LEASE
        while not wire.closed:
            now_s = clock.now_s()
            if now_s - renewed_s >= every_s and now_s <= self._alive_until_s:
                wire.send(lease=now_s + self._lease_s, at=now_s)
                renewed_s = now_s
            for message in wire.receive(every_s / 2):
                self._hear(message)
            starter.poll()
            if self.process is not None and clock.now_s() - self._answered_s > self._lease_s and not self._released:
                self._problem = f"the guardian ({self.process}) does not answer any more"
        if not self._released:
            self._problem = f"the guardian ({self.process or 'not yet up'}) has died{self._last_words()}"
            self._refusal = self._refusal or f"it died{self._last_words()}"
        self._heard.set()

    def _hear(self, message: Message) -> None:
        self._answered_s = clock.now_s()
        if "up" in message:
            self.process = from_data(message["up"])
        self._refusal = message.get("refused", self._refusal)
        self._problem = message.get("end", self._problem)
        if {"up", "refused", "released"} & set(message):
            self._heard.set()

    def _last_words(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return f": {lines[-1]}" if lines else ""


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _MARKS}
    root = str(Path(blackstart.__file__).parents[1])
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (root, kept.get("PYTHONPATH"))))}


def _terminal() -> str:
    for handle in (2, 1, 0):
        with contextlib.suppress(OSError):
            return os.ttyname(handle)
    return ""


def _memory_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("guardian-errors"), "w+b")
    return tempfile.TemporaryFile()

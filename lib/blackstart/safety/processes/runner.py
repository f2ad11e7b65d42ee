"""The runner as its guardian sees it: notice its death at once, and end it for certain."""

import contextlib
import os
import select
import signal

from blackstart.base import clock
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Note
from blackstart.safety.processes import steps_in_flight
from blackstart.safety.processes.identity import Process

_ENDS_WITHIN_S = 5.0


class Runner:
    """One process. `words` is its command line.

    `handle` can be polled: it is readable when the process has died; -1 where there is no pidfd.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.words = steps_in_flight.words_of(process.pid)
        self.handle = -1
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self.handle = os.pidfd_open(process.pid)
        if self.handle >= 0 and not process.alive():  # its pid may have been used again before we opened it
            os.close(self.handle)
            self.handle = -1

    def dead(self) -> bool:
        """Whether it has ended (a zombie has)."""
        if self.handle >= 0:
            return bool(select.select([self.handle], [], [], 0)[0])
        return not self.process.alive()

    def end(self, note: Note) -> None:
        """SIGKILL, which also ends a stopped process, and wait until it is dead: then it can inject nothing more."""
        if self.dead():
            return
        note(EventName.ENDING_RUN, pid=self.process.pid, sync=True)
        try:
            if self.handle >= 0:
                signal.pidfd_send_signal(self.handle, signal.SIGKILL)
            else:
                os.kill(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        until_s = clock.now_s() + _ENDS_WITHIN_S
        while not self.dead() and clock.now_s() < until_s:
            handles = [self.handle] if self.handle >= 0 else []
            select.select(handles, [], [], 0.05)
        note(EventName.RUN_ENDED, pid=self.process.pid, dead=self.dead())

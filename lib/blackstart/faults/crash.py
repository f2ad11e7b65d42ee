"""Crash a service: a signal from outside, after which whatever revives it has to bring it back."""

from __future__ import annotations

import signal

from blackstart.codec import plain
from blackstart.errors import Refused
from blackstart.faults import patient
from blackstart.model import Change
from blackstart.probes.control_state import ControlState
from blackstart.target import Target


@plain("fault.crash")
class Crash:
    """One signal (`KILL`, `SEGV`, `ABRT`, …) to the main process. It bites when another process runs in its place.

    The process is the one that is seen when the change is planned; if somebody replaces it before the signal is sent,
    nobody is hurt and the step fails.
    """

    service: str
    signal: str = "KILL"

    def __post_init__(self) -> None:
        if f"SIG{self.signal}" not in signal.Signals.__members__:
            raise ValueError(f"there is no signal {self.signal!r}; write it as in KILL, SEGV, ABRT")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where nothing would revive the service."""
        sick = patient(target, self.service)
        sick.refuse_by_hand("whether another process runs in its place can't be seen from outside")
        if not sick.state.revives:
            raise Refused(
                f"nothing would bring {self.service} back after a crash ({sick.control.identity()} restarts nothing by "
                f"itself). Break it with the fault kill, or give it a restart policy."
            )
        sick.refuse_lost(target)
        another = ControlState(self.service, sick.control, "process").is_not(sick.state.process)
        crash, harmless = sick.control.crash(sick.state, self.signal), sick.control.crash(sick.state, "0")
        return (sick.change(self.describe(), crash, sick.control.start(), (another,), rights=harmless),)

    def describe(self) -> str:
        """As in "crash redis with SIGKILL"."""
        return f"crash {self.service} with SIG{self.signal}"

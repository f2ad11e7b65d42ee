"""Crash a service: a signal from outside, after which whatever revives it has to bring it back."""

import signal

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults._service import service_under_test
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.control_state import ControlState


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
        tested = service_under_test(target, self.service)
        tested.refuse_by_hand("whether another process runs in its place can't be seen from outside")
        if not tested.state.revives:
            raise Refused(
                f"nothing would bring {self.service} back after a crash ({tested.control.identity()} restarts nothing "
                f"by itself). Break it with the fault kill, or give it a restart policy."
            )
        tested.refuse_lost(target)
        another = ControlState(self.service, tested.control, "process").is_not(tested.state.instance)
        crash, harmless = tested.control.crash(tested.state, self.signal), tested.control.crash(tested.state, "0")
        return (tested.change(self.describe(), crash, tested.control.start(), (another,), rights=harmless),)

    def describe(self) -> str:
        """As in "crash redis with SIGKILL"."""
        return f"crash {self.service} with SIG{self.signal}"

"""Crash a service: a signal from outside, after which whatever revives it has to bring it back."""

import signal

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults._service import service_under_test
from blackstart.model.change import Change
from blackstart.model.expect import Expectation, eventually
from blackstart.model.target import Target
from blackstart.probes.control_state import ControlState


@plain("fault.crash")
class Crash:
    """One signal (`KILL`, `SEGV`, `ABRT`, …) to the main process. It bites when another process runs in its place.

    The process is the one that is seen when the change is planned; if somebody replaces it before the signal is sent,
    nobody is hurt and the step fails. With `tests_revival` it bites as soon as that process is gone: whether another
    comes in its place is then for the experiment to expect (`revived`), and the undo's start is only the safety net.
    """

    service: str
    signal: str = "KILL"
    tests_revival: bool = False

    def __post_init__(self) -> None:
        if f"SIG{self.signal}" not in signal.Signals.__members__:
            raise ValueError(f"there is no signal {self.signal!r}; write it as in KILL, SEGV, ABRT")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where nothing would revive the service and no expectation would tell."""
        tested = service_under_test(target, self.service)
        tested.refuse_by_hand("whether another process runs in its place can't be seen from outside")
        if not tested.state.revives and not self.tests_revival:
            raise Refused(
                f"nothing would bring {self.service} back after a crash ({tested.control.identity()} restarts nothing "
                f"by itself). Break it with the fault kill, or give it a restart policy."
            )
        tested.refuse_lost(target, stays_down=False)
        was = tested.state.instance
        another = ControlState(self.service, tested.control, "process").is_not(was)
        gone = ControlState(self.service, tested.control, "life", was).is_not("same")
        seen = gone if self.tests_revival else another
        crash, harmless = tested.control.crash(tested.state, self.signal), tested.control.crash(tested.state, "0")
        return (tested.change(self.describe(), crash, tested.control.start(), (seen,), rights=harmless),)

    def describe(self) -> str:
        """As in "crash redis with SIGKILL"."""
        return f"crash {self.service} with SIG{self.signal}"


def revived(service: str, within_s: float) -> Expectation:
    """Another process runs in its place, `within_s` after the crash, before anybody of ours has started it."""
    return eventually(
        ControlState(service, field="life").is_("another"),
        within_s=within_s,
        name=f"{service.replace('-', '_')}_revived",
        hint=f"Nobody has started {service} again: is its supervisor told to (autorestart, Restart=, restart policy)?",
    )

"""Kill a service without a word of warning, so that it stays down whatever would revive it."""

from __future__ import annotations

from blackstart.codec import plain
from blackstart.faults import patient
from blackstart.model import Change
from blackstart.target import Target


@plain("fault.kill")
class Kill:
    """SIGKILL, with the reviver told to leave it. It bites when its control sees it down and nobody answers there."""

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where the service does not run, or could not be started again."""
        sick = patient(target, self.service)
        sick.refuse_lost(target)
        return (sick.change(self.describe(), sick.control.kill(), sick.control.start(), sick.down()),)

    def describe(self) -> str:
        """As in "kill redis"."""
        return f"kill {self.service}"

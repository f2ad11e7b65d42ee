"""Stop a service in the orderly way, as `docker stop` or `systemctl stop` does."""

from __future__ import annotations

from blackstart.codec import plain
from blackstart.faults import patient
from blackstart.model import Change
from blackstart.target import Target


@plain("fault.stop")
class Stop:
    """The service is told to end, and ends. It bites when its control sees it stopped and nobody answers there."""

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where the service does not run, or could not be started again."""
        sick = patient(target, self.service)
        sick.refuse_lost(target)
        return (sick.change(self.describe(), sick.control.stop(), sick.control.start(), sick.down()),)

    def describe(self) -> str:
        """As in "stop redis"."""
        return f"stop {self.service}"

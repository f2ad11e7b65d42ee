"""Stop a service in the orderly way, as `docker stop` or `systemctl stop` does.

For how long that is waited for is its control's own: `_STOP_TIMEOUT_S` and `_COMMAND_TIMEOUT_S` in controls/.
"""

from blackstart.base.codec import plain
from blackstart.faults._service import service_under_test
from blackstart.model.change import Change
from blackstart.model.target import Target


@plain("fault.stop")
class Stop:
    """The service is told to end, and ends. It bites when its control sees it stopped and nobody answers there."""

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where the service does not run, or could not be started again."""
        tested = service_under_test(target, self.service)
        tested.refuse_lost(target)
        return (tested.change(self.describe(), tested.control.stop(), tested.control.start(), tested.down()),)

    def describe(self) -> str:
        """As in "stop redis"."""
        return f"stop {self.service}"

"""Bounce a service: stop it and start it again a set time later, sooner than others may notice."""

from blackstart.base.codec import plain
from blackstart.faults._service import service_under_test
from blackstart.model.change import Change
from blackstart.model.target import Target


@plain("fault.bounce")
class Bounce:
    """Down for `down_ms` milliseconds from the moment the stop is done. It bites when nobody answers there.

    What the start itself takes comes on top: the service's own time, and that of the command.
    """

    service: str
    down_ms: int

    def __post_init__(self) -> None:
        if self.down_ms <= 0:
            raise ValueError(f"down_ms must be above 0, not {self.down_ms}")

    @property
    def hold_s(self) -> float:
        """How long the engine holds the fault: exactly this long."""
        return self.down_ms / 1000

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where the service does not run or a person would have to be that quick."""
        tested = service_under_test(target, self.service)
        tested.refuse_lost(target)
        tested.refuse_by_hand(f"nobody can keep to {self.down_ms} ms by hand")
        # An outsider's look is the quickest: the control's own takes a good part of a short time.
        bites = tested.unheard() or tested.down()
        return (tested.change(self.describe(), tested.control.stop(), tested.control.start(), bites),)

    def describe(self) -> str:
        """As in "bounce redis (down for 500 ms)"."""
        return f"bounce {self.service} (down for {self.down_ms} ms)"

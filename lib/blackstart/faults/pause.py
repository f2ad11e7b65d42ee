"""Pause a service: all its processes freeze. Its port stays open, since the kernel answers there; it does not."""

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults._service import ServiceUnderTest, service_under_test
from blackstart.model.change import Change
from blackstart.model.expect import Condition
from blackstart.model.target import Target


@plain("fault.pause")
class Pause:
    """The service is frozen as it is. It bites when it answers no more while its port still takes connections."""

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where the service does not run or nobody could see that it is frozen."""
        tested = service_under_test(target, self.service)
        if not tested.liveness:
            tested.refuse_by_hand("it speaks no protocol that we know, so that nobody could see whether it is frozen")
        # The start is for a service that somebody, or a watchdog, has ended while it was frozen.
        undo = (*tested.control.resume(), *tested.control.start())
        if tested.control.by_hand:
            undo = tested.control.resume()
        return (tested.change(self.describe(), tested.control.pause(), undo, self._bites(tested)),)

    def _bites(self, tested: ServiceUnderTest) -> tuple[Condition, ...]:
        bites = (
            *((tested.liveness.timed_out(),) if tested.liveness else ()),
            *((tested.port.is_("open"),) if tested.port else ()),
            *tested.status("paused"),
        )
        if not bites:
            raise Refused(f"nobody could see whether {self.service} is frozen: give it an address")
        return bites

    def describe(self) -> str:
        """As in "pause redis"."""
        return f"pause {self.service}"

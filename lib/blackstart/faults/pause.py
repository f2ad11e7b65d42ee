"""Pause a service: all its processes freeze. Its port stays open, since the kernel answers there; it does not."""

from __future__ import annotations

from blackstart.codec import plain
from blackstart.errors import Refused
from blackstart.expect import Condition
from blackstart.faults import Patient, patient
from blackstart.model import Change
from blackstart.target import Target


@plain("fault.pause")
class Pause:
    """The service is frozen as it is. It bites when it answers no more while its port still takes connections."""

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where the service does not run or nobody could see that it is frozen."""
        sick = patient(target, self.service)
        if not sick.pulse:
            sick.refuse_by_hand("it speaks no protocol that we know, so that nobody could see whether it is frozen")
        # The start is for a service that somebody, or a watchdog, has ended while it was frozen.
        undo = (*sick.control.resume(), *sick.control.start())
        if sick.control.by_hand:
            undo = sick.control.resume()
        return (sick.change(self.describe(), sick.control.pause(), undo, self._bites(sick)),)

    def _bites(self, sick: Patient) -> tuple[Condition, ...]:
        bites = (
            *((sick.pulse.timed_out(),) if sick.pulse else ()),
            *((sick.port.is_("open"),) if sick.port else ()),
            *sick.status("paused"),
        )
        if not bites:
            raise Refused(f"nobody could see whether {self.service} is frozen: give it an address")
        return bites

    def describe(self) -> str:
        """As in "pause redis"."""
        return f"pause {self.service}"

"""Freeze the one of several services that shows a sign right now: the instance that leads."""

from dataclasses import replace

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults.pause import Pause
from blackstart.model.change import Change
from blackstart.model.expect import Condition
from blackstart.model.target import Target
from blackstart.probes.read import read_once


@plain("fault.pause_one")
class PauseOne:
    """`candidates` pairs services with the condition that tells the one; exactly one must show it."""

    candidates: tuple[tuple[str, Condition], ...]
    hold_s: float | None = None

    def plan(self, target: Target) -> tuple[Change, ...]:
        """The change of the one that shows the sign. Raises Refused where none or several do."""
        shown = []
        for service, condition in self.candidates:
            bound = replace(condition, probe=condition.probe.bind(target))
            if bound.matches(read_once(bound.probe, target.read_timeout_s)):
                shown.append(service)
        if len(shown) != 1:
            names = ", ".join(service for service, _ in self.candidates)
            raise Refused(f"of {names}, {len(shown)} show the sign that is looked for, and it must be exactly one")
        return Pause(shown[0]).plan(target)

    def describe(self) -> str:
        """As in "freeze one of api, api-2"."""
        return f"freeze one of {', '.join(service for service, _ in self.candidates)}"

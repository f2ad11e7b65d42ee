"""The state of a service as its control sees it: running, stopped, paused, starting, failed, absent."""

from typing import Literal

from blackstart import controls
from blackstart.base.codec import plain
from blackstart.base.errors import BlackstartError, Refused, StepTimedOut
from blackstart.model.control import Control, State
from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, Endpoint, Picked, Probe, Reader
from blackstart.model.target import Target
from blackstart.probes.visitor import HoldsNothing


@plain("probe.control_state")
class ControlState(Conditions):
    """What the control says of `service`: its `status`, its `process` (the instance; absent if none runs), or its
    `life`: whether the `same` instance runs as when the run was planned (`was`), `another` one or `none`."""

    service: str
    control: Control | None = None
    field: Literal["status", "process", "life"] = "status"
    was: str = ""

    @property
    def name(self) -> str:
        """`redis_status`, `redis_process`, `redis_life`."""
        return f"{self.service}_{self.field}"

    def bind(self, target: Target) -> Probe:
        """With the control of the target's service, exactly resolved, and for its life the instance that runs now."""
        if self.control is not None:
            return self
        control = controls.resolved(target.service(self.service))
        was = controls.read_state(control, self.service).instance if self.field == "life" else self.was
        return ControlState(self.service, control, self.field, was)

    def endpoint(self) -> Endpoint:
        """The control; both fields come from one look."""
        if self.control is None:
            raise Refused(f"the probe {self.name} was asked before it knew its target")
        return ControlEndpoint(self.control)

    def pick(self, answer: Answer) -> Picked:
        """The field of the state."""
        state = answer.body
        if not isinstance(state, State):
            return "malformed", None, f"no state: {state!r}"
        if self.field == "life":
            life = "same" if state.instance == self.was else "another" if state.instance else "none"
            return "value", life, state.detail
        value = state.instance if self.field == "process" else state.status
        return ("value", value, state.detail) if value else ("absent", None, f"no process: {state.status}")


@plain("endpoint.control")
class ControlEndpoint:
    """One look at a service through its control."""

    control: Control

    @property
    def least_tick_s(self) -> float:
        """How often it may be asked, in seconds."""
        return 0.5 if self.control.reach() else self.control.least_tick_s

    def open(self) -> Reader:
        """A reader; nothing is held open."""
        return _Looker(self.control)

    def describe(self) -> str:
        """The identity of what is looked at."""
        return f"state of {self.control.identity()}"


class _Looker(HoldsNothing):
    def __init__(self, control: Control) -> None:
        self._control = control

    def read(self, timeout_s: float) -> Answer:
        """The state now."""
        try:
            return Answer("answer", self._control.read_state(timeout_s))
        except StepTimedOut as error:
            return Answer("timed_out", note=str(error))
        except BlackstartError as error:
            return Answer("unreadable", note=str(error))

"""A fault of steps of one's own: what makes it, what takes it back, and what shows which of the two is so."""

from blackstart.base.codec import plain
from blackstart.model.change import Change
from blackstart.model.expect import Condition
from blackstart.model.step import Command, HttpCall, Step
from blackstart.model.target import Target


@plain("fault.custom")
class Custom:
    """The steps `activate` make it, `deactivate` take it back, which must do nothing where there is nothing to take
    back: they are tried before the fault. It bites when `active` is true, and is gone when `inactive` is.

    `injection` is what it is called, `service` what it happens to.
    """

    injection: str
    service: str
    activate: tuple[Step, ...]
    deactivate: tuple[Step, ...]
    active: Condition
    inactive: Condition

    def __post_init__(self) -> None:
        for name in ("activate", "deactivate"):
            steps = getattr(self, name)
            if not isinstance(steps, tuple) or not steps or not all(isinstance(s, Command | HttpCall) for s in steps):
                raise ValueError(f"{name} must be a tuple of steps, each a Command or an HttpCall, not {steps!r}")
        for name in ("active", "inactive"):
            if not isinstance(getattr(self, name), Condition):
                raise ValueError(f"{name} must be a condition on a probe, as in probe.is_(True)")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where the target has no such service."""
        service = target.service(self.service).name
        active, inactive = (one.on(lambda probe: probe.bind(target)) for one in (self.active, self.inactive))
        change = Change(
            self.describe(), service, self.activate, self.deactivate, (active,), (inactive,), undo_is_noop=True
        )
        return (change,)

    def describe(self) -> str:
        """As in "maintenance of api"."""
        return f"{self.injection} of {self.service}"

"""Looks at the services that a run does not touch, and at what all services are set to: before it breaks anything, and
once all is over."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from blackstart import controls
from blackstart.base import clock
from blackstart.controls.steps.shell import as_typed, ssh_host
from blackstart.engine.observer import Observer
from blackstart.evidence.events import EventName
from blackstart.model.control import Control, State
from blackstart.model.plan import Plan
from blackstart.model.target import Service
from blackstart.probes import settings
from blackstart.verdict.bystanders import ALIVE

_LOOK_WITHIN_S = 5.0
# One that has just ended may be on its way back: a supervisor calls it ended for a moment first.
_BACK_WITHIN_S = 5.0


class Bystanders:
    """Every service with a control that no change touches: what it is, as its control sees it. What `allow` names may
    end with what is touched, and what the experiment `ends` by its own load is ended; these are none."""

    def __init__(self, plan: Plan) -> None:
        self._touched = {control.identity() for control in plan.controls.values()}
        self._allowed = plan.target.allow
        left = (*plan.services, *plan.experiment.ends)
        self._others = {
            name: service
            for name, service in plan.target.services.items()
            if service.control and name not in left and not self._is_touched_by_name(service)
        }
        self._controls: dict[str, Control] = {}
        self._services = plan.target.services
        self._touched_controls = {name: one for name, one in plan.controls.items() if name in plan.target.services}
        self._set: set[str] = set()

    def look(self, when: Literal["before", "after"], observer: Observer, between: Callable[[], None]) -> None:
        """Record what each is now. What can't be seen is recorded with the reason; `between` is called before each."""
        seen: dict[str, Mapping[str, Any]] = {}
        for name, service in self._others.items():
            between()
            try:
                control = self._controls.get(name) or self._lookable(service)
                self._controls[name] = control
                if self._is_touched(name, control):  # by another name: two services may be in one container
                    continue
                state = control.read_state(_LOOK_WITHIN_S)
                until_s = clock.now_s() + _BACK_WITHIN_S
                while when == "after" and state.status not in ALIVE and clock.now_s() < until_s:
                    observer.wait(lambda: False, clock.now_s() + 0.5, between)
                    state = control.read_state(_LOOK_WITHIN_S)
                told = {"status": state.status, "instance": state.instance, "detail": state.detail}
                seen[name] = told | {"revives": state.revives} | _of_its_end(control, state)
            except Exception as error:  # whatever it was: it is no reason to end a run, or to say that it held
                seen[name] = {"unseen": str(error)}
        if seen:
            observer.note(EventName.SERVICES, when=when, services=seen)
        self._look_at_settings(when, observer, between)

    def _look_at_settings(self, when: str, observer: Observer, between: Callable[[], None]) -> None:
        """Record what each is set to, and those that the run touches; of what could not be read before, nothing is
        compared."""
        seen: dict[str, Mapping[str, str]] = {}
        for name, control in (self._touched_controls | self._controls).items():
            between()
            try:
                of_it = {**control.settings(), **settings.of(self._services[name], _LOOK_WITHIN_S)}
            except Exception as error:  # as above
                of_it = {"unseen": str(error)} if when == "after" and name in self._set else {}
            if of_it:
                seen[name] = of_it
        if when == "before":
            self._set = set(seen)
        if compared := {name: seen[name] for name in seen if name in self._set}:
            observer.note(EventName.SETTINGS, when=when, settings=compared)

    def _is_touched_by_name(self, service: Service) -> bool:
        try:
            return self._is_touched(service.name, controls.of(service))
        except Exception:  # what is wrong with it is told where it is looked at
            return False

    def _is_touched(self, name: str, control: Control) -> bool:
        words = {name, *control.names().values()}
        return control.identity() in self._touched or bool(words.intersection(self._allowed))

    def _lookable(self, service: Service) -> Control:
        """Raises where a look would need a person, or another machine that nobody has allowed by name."""
        control = controls.of(service)
        if control.by_hand:
            raise LookupError("only a person can see it")
        allowed = {word.lower() for word in self._allowed}
        if control.host and (name := ssh_host(control.host).machine).lower() not in allowed:
            raise LookupError(f"it is on {name}, which is not allowed")
        return control.resolve()


def _of_its_end(control: Control, state: State) -> dict[str, str]:
    """By when it had ended, unless another machine's clock says so, and what a person types to start it again."""
    if state.status in ALIVE:
        return {}
    start = as_typed(control.resume() if state.status == "paused" else control.start())
    return {"start": start} | ({"ended": state.ended} if state.ended and not control.reach() else {})

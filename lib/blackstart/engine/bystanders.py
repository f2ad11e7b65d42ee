"""Looks at the services that a run does not touch, before it breaks anything and once all is over."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from blackstart import controls
from blackstart.base import clock
from blackstart.engine.observer import Observer
from blackstart.evidence.events import EventName
from blackstart.model.control import Control
from blackstart.model.plan import Plan
from blackstart.model.target import Service
from blackstart.verdict.bystanders import ALIVE

_LOOK_WITHIN_S = 5.0
# One that has just ended may be on its way back: a supervisor calls it ended for a moment first.
_BACK_WITHIN_S = 5.0


class Bystanders:
    """Every service with a control that no change touches: what it is, as its control sees it. What `allow` names may
    end with what is touched, and is none."""

    def __init__(self, plan: Plan) -> None:
        touched = {control.identity() for control in plan.controls.values()}
        self._others = {
            name: service
            for name, service in plan.target.services.items()
            if service.control and name not in plan.services and not _is_one_of(service, touched, plan.target.allow)
        }
        self._controls: dict[str, Control] = {}

    def look(self, when: Literal["before", "after"], observer: Observer, between: Callable[[], None]) -> None:
        """Record what each is now. What can't be seen is recorded with the reason; `between` is called before each."""
        seen: dict[str, Mapping[str, Any]] = {}
        for name, service in self._others.items():
            between()
            try:
                self._controls.setdefault(name, _lookable(service))
                state = self._controls[name].facts(_LOOK_WITHIN_S)
                until_s = clock.now_s() + _BACK_WITHIN_S
                while when == "after" and state.status not in ALIVE and clock.now_s() < until_s:
                    observer.wait(lambda: False, clock.now_s() + 0.5, between)
                    state = self._controls[name].facts(_LOOK_WITHIN_S)
                seen[name] = {"status": state.status, "instance": state.instance, "detail": state.detail}
            except Exception as error:  # whatever it was: it is no reason to end a run, or to say that it held
                seen[name] = {"unseen": str(error)}
        if seen:
            observer.note(EventName.SERVICES, when=when, services=seen)


def _is_one_of(service: Service, touched: set[str], allowed: tuple[str, ...]) -> bool:
    try:
        control = controls.of(service)
    except Exception:  # what is wrong with it is told where it is looked at
        return False
    return control.identity() in touched or bool({service.name, *control.names().values()}.intersection(allowed))


def _lookable(service: Service) -> Control:
    """Raises where a look would need a person, or another machine, which nobody has allowed."""
    control = controls.of(service)
    if control.by_hand or control.host:
        raise LookupError("only a person can see it" if control.by_hand else f"it is on {control.host}")
    return control.resolve()

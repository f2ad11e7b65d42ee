"""From a user's injector to the words that a chaos block may use, and from its injection to a fault of plain data."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal, get_args, get_origin, get_type_hints

from blackstart.base import codec
from blackstart.base.errors import BadExperiment, BlackstartError, NotAvailable
from blackstart.base.user_files import mistake_in
from blackstart.dsl import vocabulary
from blackstart.dsl.behavior import component
from blackstart.dsl.injector import Injector, InjectorState, Timeline
from blackstart.dsl.tree import Injection
from blackstart.dsl.vocabulary import INJECTIONS, Parameter, Words
from blackstart.faults.custom import Custom
from blackstart.model.reading import Probe
from blackstart.model.target import Service, Target

DURATION = "duration"
_KINDS: Mapping[Any, Callable[..., Parameter]] = {
    int: vocabulary.whole,
    float: vocabulary.number,
    str: vocabulary.name,
    timedelta: vocabulary.duration,
    Service: vocabulary.name,
}
_TYPES = 'int, float, str, timedelta, Service or Literal["A", "B"]'


class Known(Mapping[str, Words]):
    """The words of all injections, the user's among them; a user's file is executed only for one that is used."""

    def __init__(self, own: Mapping[str, type[Injector]]) -> None:
        self.own = own

    def __getitem__(self, name: str) -> Words:
        return INJECTIONS[name] if name in INJECTIONS else words(self.own[name])

    def __iter__(self) -> Iterator[str]:
        yield from (*INJECTIONS, *self.own)

    def __len__(self) -> int:
        return len(INJECTIONS) + len(self.own)


def words(cls: type[Injector]) -> Words:
    """Its parameters, and how long it is in force. Raises BadExperiment for a class that no block could use."""
    if lacking := sorted(cls.__abstractmethods__):
        raise BadExperiment(f"{_called(cls)} does not define {', '.join(lacking)}")
    hints = _hints(cls)
    if list(hints.values()).count(Service) != 1:
        raise BadExperiment(f"{_called(cls)} needs one parameter of type Service: what it acts on")
    if DURATION in hints:
        raise BadExperiment(f"{_called(cls)}: every injection has a {DURATION} already; give its own another name")
    given = inspect.signature(cls).parameters
    made = {name: _parameter(cls, name, hint, given[name].default is inspect.Parameter.empty)
            for name, hint in hints.items()}  # fmt: skip
    return Words({**made, DURATION: vocabulary.duration()})


def fault(cls: type[Injector], one: Injection, target: Target) -> tuple[Custom, tuple[Probe, ...]]:
    """The fault, and what else is to be recorded. Raises NotAvailable for values that it does not take, BadTarget, and
    BadExperiment that says what is wrong with its class."""
    service = component(target, next(str(one.value(name)) for name, hint in _hints(cls).items() if hint is Service))
    try:
        injector = cls(**_values(cls, one, target.service(service)))
    except ValueError as error:
        raise NotAvailable(f"{one.name}: {error}") from error
    except Exception as error:
        raise BadExperiment(f"{_called(cls)}: {mistake_in(error)}") from error
    # One that acts, instead of saying what is to be done, is found out by what does no harm.
    state = _asked(injector, "get_state", InjectorState, "an InjectorState")
    undo = _asked(injector, "deactivate", tuple, "a tuple of steps")
    do = _asked(injector, "activate", tuple, "a tuple of steps")
    timeline = Timeline()
    _asked(injector, "attach_timeline", type(None), "nothing", timeline)
    try:
        made = Custom(one.name, service, do, undo, state.active, state.inactive)
        foreign = codec.sources(codec.to_data((made, timeline.watched)))
    except (TypeError, ValueError) as error:
        raise BadExperiment(f"{_called(cls)}: {error}") from error
    if foreign:
        raise BadExperiment(f"{_called(cls)}: its probes must be Blackstart's: an undo must need no file of yours")
    return made, timeline.watched


def _values(cls: type[Injector], one: Injection, service: Service) -> dict[str, Any]:
    """What its constructor is given, each in the type that it asks for."""
    given = {name: (hint, value) for name, hint in _hints(cls).items() if (value := one.value(name)) is not None}
    as_asked: Mapping[Any, Callable[[Any], Any]] = {
        Service: lambda _: service,
        timedelta: lambda seconds: timedelta(seconds=seconds),
        float: float,
    }
    return {name: as_asked.get(hint, lambda same: same)(value) for name, (hint, value) in given.items()}


def _asked(injector: Injector, name: str, kind: type, kind_told: str, *arguments: object) -> Any:
    where = _called(type(injector))
    try:
        given = getattr(injector, name)(*arguments)
    except BlackstartError:
        raise
    except Exception as error:
        raise BadExperiment(f"{where}: {mistake_in(error)}") from error
    if not isinstance(given, kind):
        raise BadExperiment(
            f"{where}: {name}() must return {kind_told}, not {given!r}; it is asked while a run is planned, and does "
            "nothing itself"
        )
    return given


def _hints(cls: type[Injector]) -> dict[str, Any]:
    """The type of each parameter of its constructor; Any where it says none."""
    try:
        hints = get_type_hints(cls.__init__)
    except Exception as error:  # whatever stands in an annotation
        raise BadExperiment(f"{_called(cls)}: {mistake_in(error)}") from error
    return {name: hints.get(name, Any) for name in inspect.signature(cls).parameters}


def _parameter(cls: type[Injector], name: str, hint: Any, required: bool) -> Parameter:
    if get_origin(hint) is Literal and all(isinstance(known, str) for known in get_args(hint)):
        return vocabulary.word(*get_args(hint), required=required)
    if hint not in _KINDS:
        raise BadExperiment(f'{_called(cls)}: the type of its parameter "{name}" must be {_TYPES}')
    return _KINDS[hint](required=required)


def _called(cls: type[Injector]) -> str:
    return f"{getattr(sys.modules.get(cls.__module__), '__file__', cls.__module__)}: {cls.__name__}"

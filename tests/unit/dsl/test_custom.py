"""A user's injector: its parameters are words of the language, what it says becomes a fault of plain data, and what it
says wrongly is refused before anything is touched."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from blackstart.base.codec import from_data, plain, to_data
from blackstart.base.errors import BadExperiment, BadTarget
from blackstart.dsl.custom import Known, words
from blackstart.dsl.injector import Injector, InjectorState, Timeline
from blackstart.dsl.lower import lowered, scenarios
from blackstart.dsl.parse import parse
from blackstart.dsl.problems import BadSpec
from blackstart.faults.custom import Custom
from blackstart.model.expect import Condition
from blackstart.model.experiment import Experiment
from blackstart.model.step import Ask, Command
from blackstart.model.target import Service
from blackstart.probes.tcp import Tcp
from tests.unit.dsl.test_lower import TARGET

PORT = Tcp(address="localhost:1", name="port")


class Full(Injector):
    """Of each type of parameter one; what it was given stands in its steps."""

    def __init__(
        self, target: Service, mb: int, share: float = 0.5, after: timedelta = timedelta(seconds=1),
        how: Literal["SLOW", "FAST"] = "SLOW", path: str = "/tmp",
    ) -> None:  # fmt: skip
        if mb < 0:
            raise ValueError(f"nothing is {mb} MB large")
        self.given = (target.name, str(mb), str(share), str(after.total_seconds()), how, path)

    def activate(self) -> Any:
        return (Command(("fill", *self.given)),)

    def deactivate(self) -> Any:
        return (Command(("free", *self.given)),)

    def get_state(self) -> Any:
        return InjectorState(PORT.silent(), PORT.is_("open"))

    def attach_timeline(self, timeline: Timeline) -> None:
        timeline.watch(Tcp(address="localhost:2", name="other_port"))


def made(injection: str, cls: type[Injector] = Full, *more: str) -> Experiment:
    text = f'chaos Open {{\n  scenario "it" {{\n    inject: {injection}\n{chr(10).join(more)}\n'
    own = {"full": cls}
    document = parse(f"{text}    expect: no_timeout_errors\n  }}\n}}\n", "spec.isl", Known(own))
    ((block, scenario),) = scenarios(document)
    return lowered(document, block, scenario, TARGET, own)


def test_parameters_come_in_their_types_and_what_comes_of_it_is_data_alone() -> None:
    one = made("full(target: Repository, mb: 3, share: 20%, after: 2m, how: FAST, path: '/x', duration: 9s)")
    (fault,) = one.faults
    given = ("postgres", "3", "0.2", "120.0", "FAST", "/x")
    assert fault == Custom(
        "full", "postgres", (Command(("fill", *given)),), (Command(("free", *given)),), PORT.silent(), PORT.is_("open")
    )
    assert one.hold_min_s == 9.0 and [probe.name for probe in one.watch] == ["other_port"]
    assert from_data(to_data(one)) == one
    (change,) = fault.plan(TARGET)
    assert (change.service, change.undo_is_noop, change.undo) == ("postgres", True, fault.deactivate)
    defaults = made("full(target: Repository, mb: 0)")
    assert defaults.faults[0].activate[0].argv[2:] == ("0", "0.5", "1.0", "SLOW", "/tmp")
    # Without a duration it lasts until the target has shown what it does about it, as other faults do.
    assert defaults.hold_min_s == 6.0


def test_it_stands_beside_other_injections_but_on_a_way_of_its_own() -> None:
    both = made("full(target: Repository, mb: 1)", Full, "inject: network_partition(target: Gateway)")
    assert [fault.service for fault in both.faults] == ["postgres", "payments"] and len(both.watch) == 1
    with pytest.raises(BadSpec, match="two injections on one way"):
        made("full(target: Gateway, mb: 1)", Full, "inject: network_partition(target: Gateway)")


MISTAKES = {
    'full needs "mb": a whole number': "full(target: A)",
    'full has no parameter "sare". Did you mean "share"?': "full(target: A, mb: 1, sare: 1)",
    "mb must be a whole number": "full(target: A, mb: 1.5)",
    "share must be a number": 'full(target: A, mb: 1, share: "much")',
    "after must be a time": "full(target: A, mb: 1, after: 3)",
    "how must be one of SLOW, FAST": "full(target: A, mb: 1, how: MIDDLE)",
    "target must be a name": "full(target: 3, mb: 1)",
    "duration must be a time": "full(target: A, mb: 1, duration: 0s)",
    "nothing is -1 MB large": "full(target: Repository, mb: -1)",
    'unknown injection "ful". Did you mean "full"?': "ful(target: A, mb: 1)",
}


@pytest.mark.parametrize("why", MISTAKES)
def test_a_mistake_in_a_block_is_told_in_its_place(why: str) -> None:
    with pytest.raises(BadSpec) as refused:
        made(MISTAKES[why])
    told, line, caret = refused.value.lines()
    assert why in told and told.startswith("spec.isl:3:") and MISTAKES[why] in line and caret.strip() == "^"


def test_a_component_that_the_target_does_not_have_is_named() -> None:
    with pytest.raises(BadTarget, match='which service is "Away"'):
        made("full(target: Away, mb: 1)")


class Acts(Full):
    """Does what it should say, as injectors elsewhere do."""

    acted: list[str] = []

    def activate(self) -> Any:
        self.acted.append("activate")

    def deactivate(self) -> Any:
        return None


class AsksAHand(Full):
    def deactivate(self) -> Any:
        return (Ask("free the disk"),)


class DoesNothing(Full):
    def activate(self) -> Any:
        return ()


class SeesNothing(Full):
    def get_state(self) -> Any:
        return True


class NoCondition(Full):
    def get_state(self) -> Any:
        return InjectorState(True, PORT.is_("open"))  # type: ignore[arg-type]


class Raises(Full):
    def activate(self) -> Any:
        return 1 / 0


@plain
class Mine(Tcp):
    """A probe of the user's own."""


class OwnProbe(Full):
    def get_state(self) -> Any:
        return InjectorState(Condition(Mine("localhost:1"), "silent"), PORT.is_("open"))


@pytest.mark.parametrize(
    ("cls", "why"),
    [
        (Acts, r"deactivate\(\) must return a tuple of steps, not None"),
        (AsksAHand, "deactivate must be a tuple of steps, each a Command or an HttpCall"),
        (DoesNothing, "activate must be a tuple of steps"),
        (SeesNothing, r"get_state\(\) must return an InjectorState, not True"),
        (NoCondition, "active must be a condition"),
        (Raises, r"ZeroDivisionError in line \d+ of "),
        (OwnProbe, "its probes must be Blackstart's"),
    ],
)
def test_one_that_says_no_data_is_refused_with_its_file(cls: type[Injector], why: str) -> None:
    with pytest.raises(BadExperiment, match=rf"{Path(__file__).name}: {cls.__name__}: {why}"):
        made("full(target: Repository, mb: 1)", cls)
    assert Acts.acted == []


class NoService(Full):
    def __init__(self, mb: int) -> None: ...


class Flag(Full):
    def __init__(self, target: Service, on: bool) -> None: ...


class Untyped(Full):
    def __init__(self, target: Service, mb) -> None: ...  # type: ignore[no-untyped-def]


class Unknown(Full):
    def __init__(self, target: Service, mb: "Megabytes") -> None: ...  # type: ignore[name-defined]  # noqa: F821, UP037


class Lasts(Full):
    def __init__(self, target: Service, duration: str) -> None: ...


class Half(Injector):
    def activate(self) -> Any: ...


@pytest.mark.parametrize(
    ("cls", "why"),
    [
        (NoService, "needs one parameter of type Service"),
        (Flag, 'the type of its parameter "on" must be int, float, '),
        (Untyped, 'the type of its parameter "mb" must be int, float, '),
        (Unknown, "NameError in .*Megabytes"),
        (Lasts, "every injection has a duration already"),
        (Half, "does not define deactivate, get_state"),
    ],
)
def test_a_class_that_no_block_could_use_is_refused_with_its_file(cls: type[Injector], why: str) -> None:
    with pytest.raises(BadExperiment, match=rf"{Path(__file__).name}: {cls.__name__}.*{why}"):
        words(cls)

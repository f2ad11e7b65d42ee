"""What a run will cost is said before anybody says yes, and nothing that the experiment does not say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from blackstart.commands import risk
from blackstart.model.expect import eventually
from blackstart.model.plan import Plan
from blackstart.model.schedule import Stretch
from blackstart.suites import systems
from tests.unit.builders import Seen, change, experiment, ready
from tests.unit.stage import TARGET

TRADER = replace(TARGET, name="trader", system=systems.of("trader"))
paused = Seen("paused")


def plan(target: Any = TRADER, **more: Any) -> Plan:
    made = experiment(
        during=(eventually(paused.is_(True), within_s=11, name="paused"),),
        recovery=(eventually(ready.is_(200), within_s=90, name="ready_again"),),
        hold_min_s=2.0,
    )
    parts = {"changes": (change(),), "identities": (), "holds_s": None}
    return Plan(made, target, **(parts | more))


def test_it_says_what_for_how_long_what_pauses_and_how_to_get_out() -> None:
    assert (
        risk.text(plan())
        == "stop redis for about 2 to 11 s; trading pauses for up to 101 s if it recovers; Ctrl-C undoes it"
    )


def test_that_something_pauses_is_only_said_where_it_is_expected() -> None:
    told = plan()
    calm = replace(told, experiment=replace(told.experiment, during=()))
    assert (
        risk.text(calm)
        == "stop redis for about 2 s; trader may suffer from it for up to 92 s if it recovers; Ctrl-C undoes it"
    )


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"holds_s": 20.0}, "for about 20 s;"),
        ({"schedule": (Stretch("first", 5.0, 30.0, (0,)),)}, "for about 30 s;"),
        ({"changes": (change(undo_by_hand=True),)}, "undone by hand"),
    ],
)
def test_the_plan_says_for_how_long_and_who_restores(more: dict[str, Any], says: str) -> None:
    assert says in risk.text(plan(**more))


def test_a_run_that_breaks_nothing_has_nothing_to_restore() -> None:
    assert risk.text(plan(changes=())) == ""

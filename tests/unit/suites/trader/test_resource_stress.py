"""Stress on the trader: what is taken from it, whose process it is, and what may follow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from blackstart.base.errors import BadTarget, NotShown
from blackstart.commands.target_file import from_table
from blackstart.faults.cpu_stress import CpuStress
from blackstart.faults.memory_stress import MemoryStress
from blackstart.model.flags import Flags
from blackstart.model.relations import Implies
from blackstart.model.target import Service, Target
from blackstart.suites.trader.resource_stress import experiment
from blackstart.verdict.relation_monitor import RelationMonitor
from tests.unit.builders import reading

API = Service("api", url="http://127.0.0.1:8000", control={"docker": "aitrapp-api"})
TICK_S = 0.02
FACTS = {"stress_cpu_load": 0.5, "stress_memory_mb": 64}
TRADER = Target("trader", api="http://127.0.0.1:8000", services={"api": API}, facts=FACTS)


@pytest.mark.parametrize(
    ("variant", "faults"),
    [
        ("", (CpuStress("api", 0.5), MemoryStress("api", mb=64))),
        ("cpu", (CpuStress("api", 0.5),)),
        ("memory", (MemoryStress("api", mb=64),)),
    ],
)
def test_processors_memory_or_both_are_stressed(variant: str, faults: object) -> None:
    assert experiment(TRADER, Flags(), variant).faults == faults


@pytest.mark.parametrize(
    ("fact", "value"), [("stress_cpu_load", 0), ("stress_cpu_load", 80), ("stress_memory_mb", 0.5)]
)
def test_an_amount_that_is_none_is_refused_by_name(fact: str, value: float) -> None:
    table = {"name": "t", "kind": "trader", "api": "http://127.0.0.1:8000", "facts": {fact: value}}
    with pytest.raises(BadTarget, match=f'"{fact}" in \\[facts\\] must be'):
        from_table(table, "here")


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"services": {}}, r"\[services.api\] with a url and a control"),
        ({"services": {"api": replace(API, control={})}}, r"\[services.api\] with a url and a control"),
        ({"services": {"api": replace(API, url="")}}, r"\[services.api\] with a url and a control"),
        ({"facts": {}}, "stress_cpu_load, stress_memory_mb"),
        ({"facts": {"stress_cpu_load": 0.5}}, "stress_memory_mb"),
    ],
)
def test_what_the_target_does_not_say_is_refused_with_the_lines_to_write(changes: dict[str, Any], missing: str) -> None:
    said = rf"trader must .* lacks {missing}\. .*\[facts\].*stress_cpu_load = .*\[services.api\].*url = .*= \{{ c"
    with pytest.raises(NotShown, match=said):
        experiment(replace(TRADER, **changes), Flags())


def test_one_of_the_two_needs_no_fact_of_the_other() -> None:
    assert experiment(replace(TRADER, facts={"stress_cpu_load": 0.5}), Flags(), "cpu").faults


def test_it_is_held_until_what_stands_still_is_seen_and_must_have_been_acted_upon() -> None:
    told = replace(TRADER, facts={**FACTS, "lock_refresh_s": 3.0})
    assert experiment(told, Flags(heartbeat_max_s=7.0)).hold_min_s > 7.0 + 3.0


def verdict(name: str, given: object, then: object, for_s: float) -> str:
    """What an expectation comes to that sees two values at one time for so long."""
    (made,) = [each for each in experiment(TRADER, Flags()).always if each.name == name]
    assert isinstance(made.condition, Implies)
    monitor = RelationMonitor(made, "always", 0.0)
    for tick in range(round(for_s / TICK_S)):
        for probe, value in zip(made.condition.probes, (given, then), strict=True):
            monitor.feed(reading(probe.name, value, tick * TICK_S), TICK_S)
    return str(monitor.finish(for_s).status)


@pytest.mark.parametrize(
    ("name", "given", "good", "bad"),
    [
        ("leader_means_scan_heartbeat", 1, 4.9, 5.1),
        ("leader_means_order_heartbeat", 1, 4.9, 5.1),
        ("leader_means_marketdata_heartbeat", 1, 4.9, 5.1),
        ("trading_means_ready", False, 200, 503),
        ("trading_means_leader", False, 1, 0),
    ],
)
def test_who_does_not_lead_well_does_not_lead(name: str, given: object, good: object, bad: object) -> None:
    noticed_s = 11.0 if name != "trading_means_leader" else 0.1
    assert verdict(name, given, good, noticed_s + 1.0) == "held"
    assert verdict(name, given, bad, noticed_s + 1.0) == "broke"
    assert verdict(name, given, bad, noticed_s / 2) != "broke"

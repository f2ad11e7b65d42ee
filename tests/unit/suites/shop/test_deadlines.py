"""The deadlines of the shop's drills, for shops whose facts are not the lab's: each can be kept, and can be missed."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import duckdb
import pytest

from blackstart.base.errors import NotShown
from blackstart.model.expect import Expectation
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.suites.shop import _stock as stock
from blackstart.suites.shop import cascading_failure, memory_leak
from tests.unit.blackstart_lab.shop.test_declared_mutants import shop


def made(name: str, **facts: float) -> Experiment:
    target = shop()
    found: Experiment = import_module(f"blackstart.suites.shop.{name}").experiment(
        replace(target, facts={**target.facts, **facts}), Flags()
    )
    return found


def awaited(experiment: Experiment, name: str) -> Expectation:
    """What it expects by that name, with its `within_s`."""
    return next(one for one in (*experiment.during, *experiment.recovery) if one.name == name)


def within_s(experiment: Experiment, name: str) -> float:
    limit_s = awaited(experiment, name).within_s
    assert limit_s is not None
    return limit_s


@pytest.mark.parametrize("limit_mb", [64, 256, 751, 4096, 65536])
def test_a_catalog_is_leaked_over_its_limit_before_it_must_have_been_restarted(limit_mb: int) -> None:
    experiment = made("memory_leak", memory_limit_mb=limit_mb)
    assert experiment.traffic
    lasts_s = sum(stage.duration_s for stage in experiment.traffic.load.stages)
    assert lasts_s * memory_leak.PER_S * memory_leak.LEAK_MB >= 1.5 * limit_mb
    for name in ("memory_grows", "product_catalog_revived"):
        assert lasts_s < within_s(experiment, name) < experiment.hold_max_s < experiment.total_max_s


@pytest.mark.parametrize(("ttl_s", "beat_s"), [(2.0, 1.0), (30.0, 10.0), (1.0, 30.0), (0.5, 0.2), (200.0, 60.0)])
def test_a_registry_is_away_until_what_is_awaited_without_it_is_late(ttl_s: float, beat_s: float) -> None:
    experiment = made("discovery_failure", cache_ttl_s=ttl_s, heartbeat_s=beat_s)
    _, away = experiment.faults
    for name in ("addresses_outlive_their_time", "registry_missed"):
        # Counted from when the newcomer has stopped, which may last until the registry's turn.
        assert within_s(experiment, name) + 1.9 < away.hold_s
    outlived = awaited(experiment, "addresses_outlive_their_time")
    assert outlived.condition.op == "above" and outlived.condition.wanted > ttl_s + beat_s  # never so with a registry
    assert within_s(experiment, outlived.name) > away.at_s + outlived.condition.wanted + 5.0


@pytest.mark.parametrize("bound", [1, 9, 300, 1150, 5000])
def test_a_queue_is_waited_for_until_it_is_late_and_never_for_less_than_none(bound: int) -> None:
    experiment = made("broker_partition", queue_bound=bound)
    assert within_s(experiment, "queue_fills") < experiment.hold_max_s < 600.0
    assert awaited(experiment, "queue_fills").condition.wanted > 0
    assert awaited(experiment, "events_replayed").condition.wanted > 0


def test_a_queue_that_is_too_long_to_be_filled_is_not_shown() -> None:
    with pytest.raises(NotShown, match=r"10000 events.*smaller queue_bound"):
        made("broker_partition", queue_bound=10_000)


@pytest.mark.parametrize(
    "facts",
    [{}, {"breaker_window_calls": 100}, {"breaker_window_s": 30.0}, {"breaker_window_calls": 0, "call_timeout_s": 9.0}],
)
def test_most_orders_find_a_breaker_open_that_opens_as_late_as_it_may(facts: dict[str, float]) -> None:
    experiment = made("cascading_failure", **facts)
    late_s = within_s(experiment, "breaker_opens")
    assert late_s < experiment.hold_min_s / 2 and experiment.hold_min_s < 600.0
    assert late_s > facts.get("breaker_window_calls", 0) / cascading_failure.RATE_PER_S
    assert late_s > facts.get("breaker_window_s", 0)


def test_a_breaker_that_judges_too_many_calls_is_not_shown() -> None:
    with pytest.raises(NotShown, match=r"may take 2004 s to open \(breaker_window_calls"):
        made("cascading_failure", breaker_window_calls=10_000)


def test_stock_that_was_given_back_is_nobodys() -> None:
    database = duckdb.connect()
    database.execute("CREATE TABLE orders (id text, status text)")
    database.execute("CREATE TABLE inventory_changes (id text, kind text)")
    fine = ("k-1", "confirmed", ("k-1",)), ("k-2", "cancelled", ()), ("k-3", "pending", ("k-3",))
    returned = ("k-4", "cancelled", ("k-4", "k-4:release"))
    wrong = (
        ("k-5", "confirmed", ()),
        ("k-6", "cancelled", ("k-6",)),
        ("k-7", "confirmed", ("k-7", "k-7:release")),
    )
    for id_, status, changes in (*fine, returned, *wrong):
        database.execute("INSERT INTO orders VALUES (?, ?)", [id_, status])
        for change in changes:
            kind = "release" if change.endswith("release") else "reserve"
            database.execute("INSERT INTO inventory_changes VALUES (?, ?)", [change, kind])
    counted = database.execute(stock.unreserved("k-").query).fetchone()
    assert counted == (len(wrong),)

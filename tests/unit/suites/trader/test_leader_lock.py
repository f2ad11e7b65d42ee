"""What leader-lock looks at depends on what the target can show, and says so."""

from __future__ import annotations

import pytest

from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.reading import Answer
from blackstart.model.target import Service, Target
from blackstart.suites.trader import leader_lock
from blackstart.suites.trader._common import Limits
from blackstart.verdict.relation_monitor import RelationMonitor
from tests.unit.builders import reading

REDIS = Service("redis", address="127.0.0.1:6379", control={"manual": "it"})


def declared(facts: dict[str, object] | None = None, **postgres: object) -> Experiment:
    services = {"redis": REDIS, **({"postgres": Service("postgres", **postgres)} if postgres else {})}  # type: ignore[arg-type]
    return leader_lock.experiment(
        Target("trader", api="http://127.0.0.1:8000", services=services, facts=facts or {}), Flags()
    )


def orders_check(drill: Experiment) -> Check:
    return next(check for check in drill.checks if check.name == "no_order_while_paused")


def test_a_database_that_can_be_asked_by_a_declared_column_makes_it_a_criterion() -> None:
    drill = declared({"orders_number_column": "seq"}, dsn="postgresql://t@127.0.0.1/t")
    (newest,) = [probe for probe in drill.watch if probe.name == "newest_order"]
    assert 'max("seq")' in newest.query  # type: ignore[attr-defined]
    assert orders_check(drill).criterion


def test_a_column_that_is_not_declared_is_looked_for_but_is_no_criterion() -> None:
    drill = declared(dsn="postgresql://t@127.0.0.1/t")
    assert "newest_order" in [probe.name for probe in drill.watch]
    assert not orders_check(drill).criterion


@pytest.mark.parametrize("postgres", [{}, {"control": {"manual": "it"}}])
def test_without_one_the_check_is_told_but_is_no_criterion(postgres: dict[str, object]) -> None:
    drill = declared(**postgres)
    assert "newest_order" not in [probe.name for probe in drill.watch]
    assert not orders_check(drill).criterion


@pytest.mark.parametrize(
    ("facts", "held_s", "settles_s"),
    [
        ({"lock_refresh_s": 1.0, "backoff_s": [0.2, 0.4], "backoff_jitter_s": 0.0}, 0.0, 5.0),
        ({"lock_refresh_s": 10.0, "backoff_s": [1, 2, 4], "backoff_jitter_s": 0.0}, 0.0, 11.0),
        ({"lock_refresh_s": 1.0, "backoff_s": [1, 8, 30], "backoff_jitter_s": 0.5}, 8.0, 8.5),
        ({"lock_refresh_s": 1.0, "backoff_s": [1, 8, 30], "backoff_jitter_s": 0.5}, 9.0, 30.5),
    ],
)
def test_a_recovery_is_watched_as_long_as_the_slowest_of_its_work(
    facts: dict[str, object], held_s: float, settles_s: float
) -> None:
    assert Limits.of(Target("trader", facts=facts), Flags()).settles_s(held_s) == settles_s


def test_a_lock_that_nobody_holds_is_none_of_the_one_who_leads() -> None:
    drill = declared()
    (means,) = [one for one in drill.always if one.name == "leader_means_lock"]
    lock, who = means.condition.probes[1:]
    monitor = RelationMonitor(means, "always", 0.0)
    told = {"leader": 1, who.name: "a-1"}
    for tick in range(400):
        holder = b"a-1" if tick < 100 else None
        for name, value in (*told.items(), (lock.name, lock.pick(Answer("answer", holder))[1])):
            monitor.feed(reading(name, value, tick / 10), 0.1)
    found = monitor.finish(40.0)
    assert found.status == "broke" and "lock_key was (nobody)" in found.message


@pytest.mark.parametrize(("facts", "for_s"), [({}, 0.1), ({"metrics_lag_s": 1.5}, 1.5)])
def test_metrics_may_lag_as_long_as_the_target_says(facts: dict[str, object], for_s: float) -> None:
    limits = [one.for_s for one in declared(facts).always if one.name.startswith("ready_means")]
    assert limits and set(limits) == {for_s}

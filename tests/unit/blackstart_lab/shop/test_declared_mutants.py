"""What the shop's mutants declare: parts that there are, and expectations that their experiment has."""

from __future__ import annotations

import importlib

import pytest

from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Service, Target
from blackstart_lab.shop import mutants
from blackstart_lab.shop.settings import PROMISED
from blackstart_lab.shop.wiring import HEALTHY

PROGRAMS = ("platform-coordination", "product-catalog", "inventory-1", "inventory-2", "order", "event-consumer")


def shop() -> Target:
    """A target as the lab writes it, as far as an experiment looks when it is made."""
    services = {name: Service(name, url=f"http://127.0.0.1:{at}") for at, name in enumerate(PROGRAMS, 9001)}
    services["kafka"] = Service("kafka", dsn="kafka://127.0.0.1:9092", address="127.0.0.1:9093", proxy_name="kafka")
    for name in ("postgres", *(f"postgres-of-inventory-{n}" for n in (1, 2))):
        services[name] = Service(name, dsn="postgresql://a@127.0.0.1/shop", address="127.0.0.1:5433", proxy_name=name)
    for name in ("redis", *(f"redis-of-inventory-{n}" for n in (1, 2))):
        services[name] = Service(name, dsn="redis://127.0.0.1:6379/0", address="127.0.0.1:6380", proxy_name=name)
    return Target("shop", kind="shop", api="http://127.0.0.1:9005", services=services, facts=PROMISED.facts())


def named(made: Experiment) -> set[str]:
    """The names of all that an experiment expects or checks."""
    expected = (*made.baseline, *made.during, *made.recovery, *made.always, *made.drained)
    return {each.name for each in (*expected, *made.checks)}


def made(experiment: str) -> Experiment:
    module = importlib.import_module(f"blackstart.suites.shop.{experiment.replace('-', '_')}")
    found: Experiment = module.experiment(shop(), Flags())
    return found


@pytest.mark.parametrize("name", mutants.names())
def test_a_mutant_replaces_parts_that_there_are_and_is_caught_by_what_its_experiment_expects(name: str) -> None:
    mutant = mutants.load(name)
    assert mutant.must_fail and not set(mutant.must_fail) & set(mutant.may_fail)
    assert all(issubclass(kind, HEALTHY[part]) for part, kind in mutant.parts.items())
    assert {*mutant.must_fail, *mutant.may_fail} <= named(made(mutant.experiment))
    assert "parts" not in mutant.declaration()


@pytest.mark.parametrize(
    "experiment", ["discovery-failure", "broker-partition", "connection-exhaustion", "event-storm"]
)
def test_each_experiment_has_two_mutants_at_least(experiment: str) -> None:
    of_it = [name for name in mutants.names() if mutants.load(name).experiment == experiment]
    assert len(of_it) >= 2

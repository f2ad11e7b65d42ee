"""What the gateway's criteria are measured by: what the target says of itself, or what it shows, and nothing else."""

import importlib
from collections.abc import Iterator

import pytest

from blackstart.commands.target_file import from_table
from blackstart.evidence.journal import Record
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.reading import Answer
from blackstart.model.target import Target
from blackstart.probes.metric_share import MetricShare
from blackstart.probes.undeclared_fact import UndeclaredFact
from blackstart.suites.gateway.system import SYSTEM
from blackstart.verdict.checks.catalogue import apply
from blackstart.verdict.checks.recorded import Recorded
from tests.unit.histories import history_of

TABLE = {
    "name": "gateway",
    "api": "http://127.0.0.1:9",
    "requests": {"route": "/api/v1/users/{int:1-9999}", "headers": {"X-API-Key": "k"}},
    "services": {"redis": {"address": "127.0.0.1:1", "proxy_name": "redis"}},
}
FACTS = {"breaker_open_s": 60.0, "limit_per_window": 7, "window_s": 2, "max_workers": 33}


def made(name: str, **facts: object) -> Experiment:
    module = importlib.import_module(f"blackstart.suites.gateway.{name.replace('-', '_')}")
    target: Target = from_table({**TABLE, "facts": facts}, "here")
    experiment = module.experiment(target, Flags())
    assert isinstance(experiment, Experiment)
    return experiment


def unstated(experiment: Experiment) -> Iterator[str]:
    yield from (check.name for check in experiment.checks if check.check == "undeclared_fact")
    waits = [each for each in experiment.recovery if isinstance(each.condition.probe, UndeclaredFact)]
    yield from (each.name for each in waits if each.criterion)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("baseline", set()),
        ("redis-unavailable", {"serves_again", "closes_again"}),
        ("redis-latency", {"half_open_seen", "closes_again", "full_recovery"}),
        ("redis-flapping", {"closes_again"}),
        ("thundering-herd", {"stabilises", "limit_kept"}),
        ("redis-bandwidth", {"serves_again", "closes_again"}),
    ],
)
def test_what_depends_on_a_fact_that_is_missing_is_not_observed(name: str, told: set[str]) -> None:
    assert set(unstated(made(name))) == told == {one for criteria in made(name).needs.values() for one in criteria}
    assert made(name).needs.keys() <= SYSTEM.declarations.keys()
    assert not set(unstated(made(name, **FACTS)))


def test_every_gateway_experiment_is_looked_at() -> None:
    (each,) = [mark for mark in test_what_depends_on_a_fact_that_is_missing_is_not_observed.pytestmark]  # type: ignore[attr-defined]
    assert {row[0] for row in each.args[1]} == set(SYSTEM.order)


def test_one_of_two_facts_is_not_enough_for_the_limit_and_the_other_is_named() -> None:
    (check,) = [each for each in made("thundering-herd", limit_per_window=7).checks if each.name == "limit_kept"]
    result = apply(check, Recorded(history_of(), Record(())))
    assert result.status == "inconclusive"
    assert "window_s" in result.message and "[facts]" in result.message and "limit_per_window" not in result.message


def test_the_targets_own_numbers_are_the_limits() -> None:
    (kept,) = [each for each in made("thundering-herd", **FACTS).checks if each.name == "limit_kept"]
    assert (kept.params["most"], kept.params["window_s"]) == (7, 2.0)
    (bounded,) = [each for each in made("redis-bandwidth", **FACTS).always if each.name == "workers_bounded"]
    assert bounded.condition.wanted == 33
    (closes,) = [each for each in made("redis-latency", **FACTS).recovery if each.name == "closes_again"]
    assert closes.within_s == 75.0


def test_without_a_stated_number_of_workers_the_gateways_own_is_the_limit() -> None:
    (bounded,) = [each for each in made("redis-bandwidth").always if each.name == "workers_bounded"]
    assert isinstance(bounded.condition.probe, MetricShare) and bounded.condition.wanted == 100


@pytest.mark.parametrize(
    ("page", "picked"),
    [
        (b"gateway_workers_active 50\ngateway_workers_max 200\n", ("value", 25.0)),
        (b"gateway_workers_active 300\ngateway_workers_max 200\n", ("value", 150.0)),
        (b"gateway_workers_active 50\n", ("absent", None)),
        (b"gateway_workers_max 200\n", ("absent", None)),
        (b"gateway_workers_active 50\ngateway_workers_max 0\n", ("unreadable", None)),
    ],
)
def test_a_share_needs_both_of_its_series(page: bytes, picked: tuple[str, object]) -> None:
    share = MetricShare("gateway_workers_active", "gateway_workers_max")
    assert share.pick(Answer("answer", page, 200))[:2] == picked

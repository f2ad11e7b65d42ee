"""Which gateway experiments need proof that the gateway felt the fault, and what they call a recovery."""

from __future__ import annotations

import importlib

import pytest

from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.suites.gateway.system import SYSTEM

PROXIED = ("redis-unavailable", "redis-latency", "redis-flapping", "redis-bandwidth")


def made(name: str, *ok_details: str) -> Experiment:
    route = {"route": "/api/v1/users/1", "headers": {"X-API-Key": "k"}}
    told = {"detail_from": "json:limiter", "ok_details": list(ok_details)} if ok_details else {}
    module = importlib.import_module(f"blackstart.suites.gateway.{name.replace('-', '_')}")
    target = Target(
        "gateway",
        api="http://127.0.0.1:8080",
        facts={"breaker_open_s": 10.0},
        routes={"requests": {**route, **told}},
    )
    built: Experiment = module.experiment(target, Flags())
    return built


@pytest.mark.parametrize("name", SYSTEM.order)
def test_what_breaks_the_way_through_the_proxy_needs_proof_that_the_gateway_felt_it(name: str) -> None:
    premises = [check.name for check in made(name).checks if check.premise]
    assert premises == (["gateway_felt_it"] if name in PROXIED else [])


@pytest.mark.parametrize(
    ("name", "expectation"),
    [("redis-unavailable", "serves_again"), ("redis-latency", "full_recovery"), ("redis-bandwidth", "serves_again")],
)
def test_a_fallback_is_no_recovery_where_the_target_names_what_a_counted_answer_says(
    name: str, expectation: str
) -> None:
    for details, usual in ((("counted", "bypassed"), "counted"), ((), "")):
        (found,) = [each for each in made(name, *details).recovery if each.name == expectation]
        assert found.condition.probe == LoadOutcome(usual=usual)


def test_the_narrow_way_is_the_one_that_a_limiter_sends_much_on_so_that_many_connections_feel_it_too() -> None:
    (narrow,) = made("redis-bandwidth").faults
    assert (narrow.rate_kbytes_per_s, narrow.stream) == (1, "upstream")


@pytest.mark.parametrize("name", SYSTEM.order)
def test_a_drill_whose_load_is_not_served_before_the_fault_does_not_begin(name: str) -> None:
    asked = [each.condition for each in made(name).baseline if each.name == "load_served_before"]
    assert asked == ([LoadOutcome(name="load_answer").is_("ok")] if name in PROXIED else [])

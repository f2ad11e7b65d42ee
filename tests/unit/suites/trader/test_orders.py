"""How [orders] and [plans] are read: a route or a command, never both, never neither."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from blackstart.base.errors import BadTarget, Refused
from blackstart.engine.planning import make
from blackstart.evidence.journal import Record
from blackstart.loads import Commands, OpenLoop
from blackstart.model import facts
from blackstart.model.flags import Flags
from blackstart.model.target import Service, Target
from blackstart.probes.sql import SqlScalar
from blackstart.safety.preflight import guard_rails
from blackstart.suites.trader import postgres_blip, rate_limit_spike
from blackstart.suites.trader._orders import flowing_orders
from blackstart.suites.trader.system import SYSTEM
from blackstart.verdict.checks.catalogue import apply
from blackstart.verdict.checks.recorded import Recorded
from tests.unit.histories import history_of

API = "http://127.0.0.1:8000"


def target(allow: tuple[str, ...] = (), table: str = "orders", **orders: Any) -> Target:
    postgres = Service("postgres", address="127.0.0.1:5432", dsn="postgresql://t@127.0.0.1/t", control={"manual": "it"})
    return Target(
        "trader",
        api=API,
        services={"postgres": postgres},
        routes={table: orders},
        allow=allow,
        facts={"orders_key_column": "ref"},
    )


def orders(**table: Any) -> OpenLoop | Commands | None:
    return flowing_orders(target(**table), timeout_s=4.5)


def test_a_route_is_an_open_loop_at_ten_a_second() -> None:
    load = orders(route="/orders")
    assert isinstance(load, OpenLoop)
    assert (load.operations[0].url, load.operations[0].timeout_s, load.stages[0].rate_per_s) == ("/orders", 4.5, 10)


def test_a_command_is_split_as_a_shell_would_and_given_the_key_by_name() -> None:
    load = orders(command="./place --id {key} 'two words'")
    assert isinstance(load, Commands)
    assert load.argv == ("./place", "--id", "{key}", "two words")
    assert (load.key_env, load.op, load.ok_codes, load.fail_codes) == ("CLIENT_ORDER_ID", "order", (0,), ())
    assert load.at(API).env == {"API": API}


def test_a_commands_place_limits_and_codes_are_the_targets() -> None:
    load = orders(command=["place"], host="ssh://ops@db1", timeout_s=9, fail_codes=[4], key_env="ID", rate_per_s=1)
    assert isinstance(load, Commands)
    assert (load.host, load.timeout_s, load.fail_codes, load.key_env) == ("ssh://ops@db1", 9, (4,), "ID")
    assert load.stages[0].rate_per_s == 1


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"route": "/orders", "command": "place"}, "a route and a command"),
        ({}, "names no route, as in route = .* or a command"),
        ({"method": "POST"}, "names no route"),
        ({"command": ""}, "needs a program"),
        ({"command": []}, "needs a program"),
        ({"command": 3}, "not iterable"),
        ({"command": "place 'open"}, "No closing quotation"),
        ({"command": "place", "method": "POST"}, 'takes no "method"'),
        ({"command": "place", "timeout": 3}, 'Did you mean "timeout_s"'),
        ({"command": "place", "ok_codes": []}, "no exit code means ok"),
        ({"command": "place", "fail_codes": [0]}, "both ok and fail"),
        ({"command": "place", "fail_codes": ["4xx"]}, "whole numbers"),
        ({"command": "place", "host": "db1"}, "ssh://user@host"),
        ({"command": "place", "rate_per_s": 0}, "duration_s"),
        ({"route": "/orders", "rate_per_s": -1}, "rate_per_s"),
        ({"route": "/orders", "verb": "POST"}, "verb"),
    ],
)
def test_a_table_that_cant_be_meant_is_refused_by_name(table: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadTarget, match=rf'"trader", \[orders\]: .*{complaint}'):
        orders(**table)


def test_plans_by_a_command_are_refused() -> None:
    with pytest.raises(BadTarget, match=r"\[plans\]: it names no route.*takes a route"):
        rate_limit_spike.experiment(target(table="plans", command="place"), Flags())


def test_without_a_table_there_is_no_load() -> None:
    bare = Target("trader", api=API)
    assert flowing_orders(bare, 4.5) is None
    assert postgres_blip.experiment(bare, Flags()).traffic is None


def test_a_command_is_judged_with_time_to_start() -> None:
    aim = dataclasses.replace(target(command="place"), facts={"db_timeout_s": 2.0})
    made = postgres_blip.experiment(aim, Flags())
    checks = {check.name: check.params for check in made.checks}
    assert checks["order_refused_in_time"]["limits_ms"] == {"max": 4500}
    # Slow is what every program is at its start: only one that is over the limit was visibly affected.
    assert checks["orders_affected"]["slow_ms"] == 4500


def test_without_a_stated_time_limit_of_the_database_no_order_is_measured_by_one() -> None:
    made = postgres_blip.experiment(target(route="/orders"), Flags())
    (check,) = [each for each in made.checks if each.name == "order_refused_in_time"]
    result = apply(check, Recorded(history_of(), Record(())))
    assert result.status == "inconclusive" and "db_timeout_s" in result.message and "[facts]" in result.message


def test_orders_that_are_never_accepted_are_a_baseline_that_does_not_hold() -> None:
    for table in ({"command": "place"}, {"route": "/orders"}):
        made = postgres_blip.experiment(target(**table), Flags())
        assert "orders_accepted_before" in [expectation.name for expectation in made.baseline]


def test_the_command_is_told_beforehand() -> None:
    aim = target(command="./place {key}")
    assert make(postgres_blip.experiment(aim, Flags()), aim).drives == (
        "run `./place '{key}'` for each request of the load orders"
    )


def test_a_command_on_another_machine_must_be_allowed() -> None:
    aim = target(command="place", host="ssh://ops@db1")
    with pytest.raises(Refused, match="the load's order is at db1"):
        guard_rails.refuse(make(postgres_blip.experiment(aim, Flags()), aim))
    allowing = target(("db1",), command="place", host="ssh://ops@db1")
    guard_rails.refuse(make(postgres_blip.experiment(allowing, Flags()), allowing))


def test_duplicates_in_a_database_that_cant_be_asked_are_told_but_no_criterion() -> None:
    declared = target(table="plans", route="/plans")
    undeclared = dataclasses.replace(declared, facts={})
    for aim, criterion in ((declared, True), (undeclared, False), (Target("trader", api=API), False)):
        made = rate_limit_spike.experiment(aim, Flags())
        assert {check.name: check.criterion for check in made.checks}["no_duplicate_in_database"] is criterion


def test_the_table_of_orders_and_its_columns_are_asked_by_the_names_that_the_target_declares() -> None:
    names = {"orders_table": "shop.Bookings", "orders_key_column": "clientRef"}
    aim = dataclasses.replace(target(table="plans", route="/plans"), facts=names)
    made = rate_limit_spike.experiment(aim, Flags())
    asked = {probe.name: probe.query for probe in made.collect if isinstance(probe, SqlScalar)}
    # A column that must be unique may be null in many rows.
    doubled = 'FROM "shop"."Bookings" WHERE "clientRef" IS NOT NULL GROUP BY "clientRef" HAVING count(*) > 1'
    assert doubled in asked["duplicates"]
    assert [p.query for p in made.collect_before if isinstance(p, SqlScalar)] == [asked["duplicates"]]
    assert 'json_agg("clientRef")' in asked["keys"] and 'FROM "shop"."Bookings"' in asked["keys"]


@pytest.mark.parametrize("name", ['x"; DROP TABLE orders; --', "", "a b", "1st", "a.b.c", 7, "a{b}"])
def test_what_is_no_name_of_a_column_is_refused_before_it_is_asked_for(name: object) -> None:
    for fact in ("orders_table", "orders_key_column", "orders_number_column"):
        with pytest.raises(BadTarget, match=f'"{fact}" in \\[facts\\] must be the name of a table or column'):
            facts.refuse_bad({fact: name}, SYSTEM.facts, "trader.toml")
    facts.refuse_bad({"orders_table": "public.größe_$1"}, SYSTEM.facts, "trader.toml")


@pytest.mark.parametrize(("queue_per_s", "orders_a_plan"), [(50, 10), (1, 20), (0.1, 200)])
def test_plans_flow_among_the_orders_at_half_of_what_their_queue_can_place(
    queue_per_s: float, orders_a_plan: int
) -> None:
    routes = {"orders": {"route": "/orders"}, "plans": {"route": "/plans"}}
    load = flowing_orders(Target("trader", api=API, routes=routes, facts={"throttle_orders_per_s": queue_per_s}), 2.0)
    assert isinstance(load, OpenLoop)
    assert [(one.name, one.weight) for one in load.operations] == [("order", orders_a_plan), ("plan", 1)]
    assert load.stages[0].rate_per_s == pytest.approx(10.0 * (1 + 1 / orders_a_plan))

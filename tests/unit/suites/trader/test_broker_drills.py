"""The drills that need a broker, or ways to it: what they break, and what they say where a target has none."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import Any

import pytest

from blackstart.base.errors import BadTarget, NotShown
from blackstart.commands import left_out
from blackstart.faults.blackhole import Blackhole
from blackstart.faults.cut import Cut
from blackstart.faults.drop import Drop
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Service, Target
from blackstart.suites.trader import partition, token_expiry, websocket_reconnect
from blackstart.suites.trader.system import SYSTEM

BROKER = {
    "refuse_tokens": "broker:/refuse",
    "accept_tokens": "broker:/accept",
    "status": "broker:/status",
    "orders": "broker:/orders",
}
SERVICES = {
    "redis": Service("redis", address="127.0.0.1:7001", dsn="redis://127.0.0.1:6379/0", proxy_name="redis"),
    "postgres": Service("postgres", address="127.0.0.1:7002", dsn="postgresql://t@127.0.0.1/t", proxy_name="postgres"),
    "broker": Service("broker", url="http://127.0.0.1:9000"),
    "marketdata": Service("marketdata", address="127.0.0.1:9001", proxy_name="marketdata"),
}
WHOLE = Target(
    "trader",
    api="http://127.0.0.1:8000",
    proxy="http://127.0.0.1:8474",
    services=SERVICES,
    routes={"broker": BROKER, "orders": {"route": "/orders"}},
    facts={"ticks_table": "ticks", "ticks_number_column": "seq", "stream_backoff_s": [0.2, 0.4, 0.8, 1.5]},
)


def without(*services: str, **changes: Any) -> Target:
    left = {name: service for name, service in SERVICES.items() if name not in services}
    return replace(WHOLE, services=left, **changes)


def check(drill: Experiment, name: str) -> Any:
    return next(one for one in drill.checks if one.name == name)


@pytest.mark.parametrize("drill", [token_expiry, websocket_reconnect])
@pytest.mark.parametrize("target", [without("broker"), replace(WHOLE, routes={}), without("broker", routes={})])
def test_without_a_broker_it_refuses_with_the_lines_to_write(drill: Any, target: Target) -> None:
    with pytest.raises(NotShown) as refused:
        drill.experiment(target, Flags())
    told = str(refused.value)
    assert all(line in told for line in ("[services.broker]", "[broker]", *(f"{key} = " for key in BROKER)))
    assert "invoke lab.up trader --broker" in told


@pytest.mark.parametrize("target", [without("marketdata"), replace(WHOLE, proxy="")])
def test_without_a_proxy_on_the_way_to_the_stream_it_refuses_with_the_lines_to_write(target: Target) -> None:
    with pytest.raises(NotShown, match=r"\[services.marketdata\]"):
        websocket_reconnect.experiment(target, Flags())


def test_a_key_of_the_broker_that_is_not_known_is_named_with_the_nearest() -> None:
    with pytest.raises(BadTarget, match=r'\[broker\] refuse_token: unknown key\. Did you mean "refuse_tokens"'):
        token_expiry.experiment(replace(WHOLE, routes={"broker": {"refuse_token": "broker:/x"}}), Flags())


def test_the_token_is_refused_and_accepted_again_at_the_broker_without_the_headers_of_the_trader() -> None:
    (fault,) = token_expiry.experiment(replace(WHOLE, headers={"X-Ops-Key": "env:OPS_KEY"}), Flags()).faults
    (refuse,), (accept,) = fault.activate, fault.deactivate
    assert (refuse.url, accept.url) == ("http://127.0.0.1:9000/refuse", "http://127.0.0.1:9000/accept")
    assert not refuse.headers and not accept.headers


def test_a_backoff_that_is_not_declared_is_not_made_up() -> None:
    assert check(token_expiry.experiment(WHOLE, Flags()), "renewal_backs_off").check == "undeclared_fact"
    assert check(websocket_reconnect.experiment(WHOLE, Flags()), "reconnect_backs_off").check == "gaps_grow"


def test_a_stream_is_cut_or_falls_silent_for_longer_than_a_heartbeat_may_be_old() -> None:
    for variant, fault in (("", Cut("marketdata")), ("silent", Blackhole("marketdata", stream="both"))):
        drill = websocket_reconnect.experiment(WHOLE, Flags(), variant)
        assert drill.faults == (fault,)
        assert drill.hold_min_s > Flags().heartbeat_max_s


def test_without_a_table_of_ticks_it_must_be_told_one_or_leave_the_gap_out_by_name() -> None:
    blind = replace(WHOLE, facts={}, system=SYSTEM)
    drill = websocket_reconnect.experiment(blind, Flags())
    assert check(drill, "gap_filled").criterion
    assert list(left_out.lacking(drill, blind)) == ["ticks_table", "ticks_number_column"]
    assert not left_out.lacking(left_out.leaving_out(drill, ["ticks_table"]), blind)
    whole = replace(WHOLE, system=SYSTEM)
    assert not left_out.lacking(websocket_reconnect.experiment(whole, Flags()), whole)


BOTH = ("redis", "postgres")


@pytest.mark.parametrize(
    ("variant", "faults"),
    [
        ("", tuple(Blackhole(store, stream="both") for store in BOTH)),
        ("redis", (Blackhole("redis", stream="both"),)),
        ("postgres", (Blackhole("postgres", stream="both"),)),
        ("redis-answers-lost", (Blackhole("redis", stream="downstream"),)),
        ("postgres-answers-lost", (Blackhole("postgres", stream="downstream"),)),
        ("requests-lost", tuple(Blackhole(store) for store in BOTH)),
        ("cut", tuple(map(Cut, BOTH))),
    ],
)
def test_a_partition_is_from_one_store_or_both_one_way_or_both_ways(variant: str, faults: tuple[Any, ...]) -> None:
    drill = partition.experiment(WHOLE, Flags(), variant)
    assert drill.faults == faults
    assert ("leader_0" in [one.name for one in drill.during]) == (faults[0].service == "redis")


def test_packets_are_dropped_only_where_this_machine_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/sbin/{name}")
    assert partition.experiment(WHOLE, Flags(), "drop").faults == tuple(map(Drop, BOTH))
    here = replace(SERVICES["postgres"], address="127.0.0.1:5432")
    with pytest.raises(NotShown, match="would cut off our own look at postgres, too"):
        partition.experiment(replace(WHOLE, services={**SERVICES, "postgres": here}), Flags(), "drop")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NotShown, match="takes Linux, root and iptables"):
        partition.experiment(WHOLE, Flags(), "drop")


def test_a_store_without_a_proxy_is_named_with_the_lines_to_write() -> None:
    direct = replace(WHOLE, services={**SERVICES, "postgres": replace(SERVICES["postgres"], proxy_name="")})
    with pytest.raises(NotShown, match=r"(?s)\[services.postgres\].*proxy_name = \"postgres\".*trader --broker"):
        partition.experiment(direct, Flags())
    assert partition.experiment(direct, Flags(), "redis").faults == (Blackhole("redis", stream="both"),)


def test_what_was_under_way_to_a_store_that_is_silent_is_not_placed_while_paused() -> None:
    slack_s = check(partition.experiment(WHOLE, Flags()), "no_order_while_paused").params["slack_s"]
    assert slack_s > 2.0  # the time limit of a call to the database, where none is declared
    assert "slack_s" not in check(partition.experiment(WHOLE, Flags(), "redis"), "no_order_while_paused").params


def test_an_order_that_tcp_kept_while_packets_were_dropped_is_not_placed_while_paused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/sbin/{name}")

    def counters(variant: str) -> object:
        return check(partition.experiment(WHOLE, Flags(), variant), "no_order_while_paused").params["counters"]

    assert (counters("cut"), counters("redis")) == (("orders_placed", "newest_order"),) * 2
    assert counters("drop") == ("orders_placed",)

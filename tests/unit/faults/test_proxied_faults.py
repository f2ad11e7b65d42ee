"""Faults in a fault proxy as data: which calls are made, which undo them, and what would prove either."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget, Refused
from blackstart.faults import _proxied
from blackstart.faults._proxied import ProxyRoute
from blackstart.faults._wire import Route, route_to
from blackstart.faults.bandwidth import Bandwidth
from blackstart.faults.blackhole import Blackhole
from blackstart.faults.cut import Cut
from blackstart.faults.flap import Flap
from blackstart.faults.latency import Latency
from blackstart.faults.lose_statements import LoseStatements
from blackstart.faults.reset import Reset
from blackstart.faults.slow_close import SlowClose
from blackstart.model.change import Change, Fault
from blackstart.model.expect import Condition
from blackstart.model.injector import lost_means, reasons
from blackstart.model.step import Command, HttpCall
from blackstart.model.target import Service, Target
from blackstart.probes.control_state import ControlState
from blackstart.probes.proxy_state import ProxyState, ToxicState
from blackstart.proxy.client import ProxyInfo

API = "http://127.0.0.1:8474"
FAULTS: tuple[Fault, ...] = (
    Latency("redis", 2000, 500), Bandwidth("redis", 1), Cut("redis"), Reset("redis"), SlowClose("redis", 5000),
    Flap("redis", 100),
)  # fmt: skip


def target(**more: Any) -> Target:
    service = Service("redis", **{"address": "localhost:6379", "proxy_name": "re/dis", **more})
    return Target("shop", proxy=API, services={"redis": service})


@pytest.fixture(autouse=True)
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis answers in 1 ms, and nobody is asked."""
    monkeypatch.setattr(Route, "normal", lambda self: None)
    monkeypatch.setattr(Route, "normal_ms", lambda self, trip: 1.0)


@pytest.fixture(params=[True, False], ids=["embedded", "toxiproxy"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ProxyRoute:
    """The way through the proxy, as it would be found."""
    found = ProxyRoute(route_to(target(), "redis"), API, "re/dis", request.param, "blackstart.shop.redis")
    for module in ("latency", "bandwidth", "cut", "reset", "slow_close", "flap"):
        monkeypatch.setattr(f"blackstart.faults.{module}.proxy_route_to", lambda target, name: found)
    return found


def plan(fault: Fault) -> Change:
    (change,) = fault.plan(target())
    return change


def wire(change: Change) -> list[Condition]:
    """What is measured on the wire, for the effect; the rest is what the proxy and our own child say."""
    return [one for one in change.bites if not isinstance(one.probe, ToxicState | ProxyState | ControlState)]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_what_the_guardian_reads_is_what_was_planned(way: ProxyRoute, fault: Fault) -> None:
    change = plan(fault)
    assert from_data(json.loads(json.dumps(to_data(change)))) == change
    assert change.undo_is_noop and change.what == fault.describe() and change.service == "redis"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_no_undo_touches_anything_but_what_is_ours(way: ProxyRoute, fault: Fault) -> None:
    for step in plan(fault).undo:
        if not isinstance(step, HttpCall):
            continue
        assert step.url.startswith(f"{API}/proxies/re%2Fdis")
        assert "/reset" not in step.url
        if step.method == "DELETE":
            assert "/toxics/blackstart.shop.redis." in step.url and 404 in step.ok_statuses
        else:
            assert step.body == {"enabled": True}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_what_the_proxy_says_is_never_enough(way: ProxyRoute, fault: Fault) -> None:
    change = plan(fault)
    assert wire(change) and len(change.bites) > len(wire(change))
    assert change.gone[0].probe.name == "redis_wire" and len(change.gone) >= 2


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_a_proxy_that_dies_is_noticed_and_said(way: ProxyRoute, fault: Fault) -> None:
    lost = lost_means([plan(fault)])
    assert [condition.wanted for condition in lost] == ["no proxy"]
    assert reasons([plan(fault)], [f"{lost[0]} (abort condition)", "something else"]) == (
        f"the fault's own means failed: {lost[0]} (abort condition)",
    )


def test_a_delay_counts_as_seen_when_most_of_it_is_there(way: ProxyRoute) -> None:
    change = plan(Latency("redis", 200, 50))
    assert wire(change)[0].wanted == 121.0 and change.do[0].body["attributes"] == {"latency": 200, "jitter": 50}  # type: ignore[union-attr]


def test_a_delay_longer_than_a_read_counts_as_seen_when_the_read_is_that_late(way: ProxyRoute) -> None:
    assert wire(plan(Latency("redis", 60_000)))[0].wanted == 1500.0


@pytest.mark.parametrize(
    ("stream", "streams"),
    [("upstream", ["upstream"]), ("downstream", ["downstream"]), ("both", ["upstream", "downstream"])],
)
def test_what_is_lost_each_way_is_a_toxic_and_all_of_them_come_and_go_together(
    stream: Any, streams: list[str], way: ProxyRoute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blackstart.faults.blackhole.proxy_route_to", lambda target, name: way)
    change = plan(Blackhole("redis", stream=stream))
    assert [step.body["stream"] for step in change.do] == streams  # type: ignore[union-attr]
    assert len({step.url for step in change.undo}) == len(streams)  # type: ignore[union-attr]
    toxics = [one for one in (*change.bites, *change.gone) if one.probe.name.endswith("_toxic")]
    assert len({one.probe.name for one in toxics}) == len(streams)
    assert [one.op for one in change.bites if one.op == "timed_out"] == ["timed_out"]


def test_a_lease_is_given_exactly_where_it_is_known(way: ProxyRoute) -> None:
    for fault in (Latency("redis", 200), Reset("redis"), SlowClose("redis", 9)):
        assert ("lease" in plan(fault).do[0].body) is way.embedded  # type: ignore[union-attr]


PARTLY = {
    Reset("redis", 100, share=0.3): ("reset_peer", 0.3, {"timeout": 100}),
    Blackhole("redis", 0.3): ("timeout", 0.3, {"timeout": 0}),
    Reset("postgres", share=0.3): ("lose_statements", 1.0, {"percent": 30, "how": "reset"}),
    Blackhole("postgres", 0.3): ("lose_statements", 1.0, {"percent": 30, "how": "silent"}),
    LoseStatements("postgres", "insert", 0.3): (
        "lose_statements",
        1.0,
        {"percent": 30, "how": "reset", "operation": "insert"},
    ),
}


@pytest.mark.parametrize("fault", PARTLY)
def test_what_hits_a_part_alone_is_proved_by_what_it_hit(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(fault.service, f"localhost:{6379 if fault.service == 'redis' else 5432}", proxy_name="p")
    route = route_to(Target("shop", services={fault.service: service}), fault.service)
    monkeypatch.setattr(type(route), "normal", lambda self: None)
    ways = (ProxyRoute(route, API, "p", True, "ours"), ProxyRoute(route, API, "p", False, "ours"))
    module = type(fault).__module__
    monkeypatch.setattr(f"{module}.proxy_route_to", lambda target, name: ways[0])
    (change,) = fault.plan(target())
    body = change.do[0].body
    assert (body["type"], body["toxicity"], body["attributes"]) == PARTLY[fault]
    assert [(bite.probe.name, bite.op) for bite in change.bites][1] == (f"{fault.service}_{body['type']}_hits", "above")
    monkeypatch.setattr(f"{module}.proxy_route_to", lambda target, name: ways[1])
    with pytest.raises(Refused, match="Blackstart's own"):
        fault.plan(target())


@pytest.mark.parametrize("share", [0.001, 0.005, 0.125])
def test_a_share_of_statements_that_can_not_be_drawn_is_refused_and_not_rounded(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ProxyRoute(route_to(target(dsn="postgresql://u@localhost:6379/x"), "redis"), API, "p", True, "ours")
    for module in ("reset", "blackhole", "lose_statements"):
        monkeypatch.setattr(f"blackstart.faults.{module}.proxy_route_to", lambda target, name: found)
    for fault in (Reset("redis", share=share), Blackhole("redis", share), LoseStatements("redis", "insert", share)):
        with pytest.raises(Refused, match=f"whole percentage can be lost, 1 % at least, and not {share * 100:g} %"):
            fault.plan(target())
    for whole in (0.01, 0.07, 0.29, 0.57):  # of which some, times 100, are a little less than whole
        (change,) = Reset("redis", share=whole).plan(target())
        assert change.do[0].body["attributes"]["percent"] == round(whole * 100)  # type: ignore[union-attr]


def test_a_delay_of_another_kind_needs_a_proxy_that_knows_it(way: ProxyRoute) -> None:
    normal = Latency("redis", 316, 79, distribution="normal", each="answer")
    if not way.embedded:
        with pytest.raises(Refused, match="Blackstart's own"):
            plan(normal)
        return
    attributes = plan(normal).do[0].body["attributes"]  # type: ignore[union-attr]
    assert attributes == {"latency": 316, "jitter": 79, "distribution": "normal", "each": "answer"}


def test_a_cut_uses_the_toxic_that_has_a_lease_or_else_disables_the_proxy(way: ProxyRoute) -> None:
    (step,) = plan(Cut("redis")).do
    assert isinstance(step, HttpCall)
    assert step.body.get("type") == "down" if way.embedded else step.body == {"enabled": False}


def test_a_flap_ends_its_child_before_it_lets_the_proxy_up(way: ProxyRoute) -> None:
    change = plan(Flap("redis", 100))
    kill, up = change.undo
    assert isinstance(kill, Command) and kill.ok_codes == (0, 66) and isinstance(up, HttpCall)
    assert "blackstart.faults._flapper" in " ".join(change.do[0].argv)  # type: ignore[union-attr]
    assert [str(one) for one in change.bites] == ["redis_comings at least 1", "redis_flapper_status is running"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Latency("r", 0), lambda: Latency("r", 10, 10), lambda: Latency("r", 10, -1), lambda: Latency("r", True),
        lambda: Bandwidth("r", 0), lambda: Reset("r", -1), lambda: SlowClose("r", 0), lambda: Flap("r", 5),
        lambda: Flap("r", 100_000), lambda: Reset("r", share=0.0), lambda: Reset("r", share=1.1),
        lambda: Blackhole("r", float("nan")), lambda: Latency("r", 0, 0, distribution="exponential"),
        lambda: Latency("r", 10, 6, distribution="normal"), lambda: Blackhole("r", 0.5, "downstream"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_meant_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        make()


UNSEEN = {
    "bandwidth": Bandwidth("x", 1),
    "reset": Reset("x"),
    "slow_close": SlowClose("x", 9),
    "latency": Latency("x", 9),
    "blackhole": Blackhole("x"),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_nobody_could_see_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where = Target("shop", proxy=API, services={"x": Service("x", "localhost:99", proxy_name="x")})
    found = ProxyRoute(route_to(where, "x"), API, "x", True, "blackstart.shop.x")
    monkeypatch.setattr(f"blackstart.faults.{name}.proxy_route_to", lambda target, name: found)
    with pytest.raises(Refused, match="nobody could see"):
        UNSEEN[name].plan(where)


@pytest.mark.parametrize(
    ("service", "speaks"),
    [
        (Service("cache", "h:1", dsn="redis://h:1"), "redis"),
        (Service("redis", "h:1"), "redis"),
        (Service("x", "h:6379"), "redis"),
        (Service("db", "h:1", dsn="postgresql+psycopg://u@h/x"), "postgres"),
        (Service("x", "h:5432"), "postgres"),
        (Service("shop", "h:80", url="http://h/"), "http"),
        (Service("shop", "h:81", url="http://h/"), ""),
        (Service("broker", "h:9092"), "kafka"),
        (Service("redis", "h:1", dsn="amqp://h"), ""),
    ],
)
def test_what_a_service_speaks_is_told_by_its_dsn_its_url_its_name_or_its_port(service: Service, speaks: str) -> None:
    assert route_to(Target("t", services={service.name: service}), service.name).speaks == speaks


def test_everything_is_asked_through_the_address_not_the_dsn() -> None:
    where = target(dsn="redis://:secret@past-the-proxy:7000/0", address="127.0.0.1:26379")
    liveness = route_to(where, "redis").liveness()
    assert liveness is not None and liveness.endpoint().describe() == "PING redis://127.0.0.1:26379"


def test_a_service_without_an_address_is_refused() -> None:
    with pytest.raises(BadTarget, match="has no address"):
        route_to(target(address=""), "redis")


def info(**more: Any) -> ProxyInfo:
    return ProxyInfo(
        **{
            "name": "p",
            "listen": "127.0.0.1:26379",
            "upstream": "localhost:6379",
            "enabled": True,
            "toxics": (),
            **more,
        }
    )  # type: ignore[arg-type]


def test_an_address_that_is_the_proxys_upstream_is_past_the_proxy() -> None:
    with pytest.raises(Refused, match="past the proxy"):
        _proxied._refuse_unused(route_to(target(address="127.0.0.1:6379"), "redis"), info())
    _proxied._refuse_unused(route_to(target(address="localhost:26379"), "redis"), info())
    _proxied._refuse_unused(route_to(target(address="gateway:26379"), "redis"), info(listen="[::]:26379"))


def test_a_disabled_proxy_can_not_be_disturbed() -> None:
    with pytest.raises(Refused, match="is disabled"):
        _proxied._refuse_unused(route_to(target(), "redis"), info(enabled=False))


def test_the_words_of_the_flapper_hold_no_password(way: ProxyRoute, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = replace(way, api="http://ops:s3cret@127.0.0.1:8474")
    monkeypatch.setattr("blackstart.faults.flap.proxy_route_to", lambda target, name: secret)
    change = plan(Flap("redis", 100))
    words = [word for step in change.do if isinstance(step, Command) for word in step.argv]
    assert words and "s3cret" not in " ".join(words)

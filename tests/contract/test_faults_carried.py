"""A target that goes past its proxy is noticed while its load flows, before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blackstart.base.errors import Refused
from blackstart.engine.planning import make, proved_in_use
from blackstart.faults import _carried
from blackstart.faults.latency import Latency
from blackstart.loads import OpenLoop, Operation, Stage
from blackstart.model.change import Change
from blackstart.model.experiment import Experiment, Traffic
from blackstart.model.target import Service, Target
from blackstart.safety.preflight.rehearsal import rehearse
from tests.contract.fault_proxies import Client, EchoServer, FaultProxy, redis_server
from tests.requirements import require
from tests.services import eventually
from tests.unit.builders import AFTER


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    made = FaultProxy("embedded")
    yield made
    made.close()


def change(proxy: FaultProxy, port: int) -> Change:
    service = Service("redis", address=f"127.0.0.1:{port}", proxy_name="redis")
    (planned,) = Latency("redis", 300).plan(Target("test", proxy=proxy.url, services={"redis": service}))
    return planned


def test_a_target_that_goes_past_its_proxy_is_refused_at_the_rehearsal(proxy: FaultProxy) -> None:
    with redis_server() as upstream:
        made = change(proxy, proxy.proxy_to(upstream, "redis"))
        with pytest.raises(Refused, match='nothing passes through the proxy "redis": the target goes past it'):
            rehearse([proved_in_use(made)])
        assert proxy.call("GET", "/proxies/redis").json()["toxics"] == []


def test_a_target_that_holds_a_connection_through_it_is_not(proxy: FaultProxy) -> None:
    with redis_server() as upstream:
        port = proxy.proxy_to(upstream, "redis")
        made = change(proxy, port)
        with Client(port) as client:
            client.send(b"PING\r\n")
            client.receive(7)
            rehearse([proved_in_use(made)])


def test_a_target_that_connects_for_each_request_is_not(proxy: FaultProxy) -> None:
    server = EchoServer()
    port = proxy.proxy_to(server.port, "redis")
    before = _carried.seen(proxy.url, "redis")
    with Client(port) as client:
        client.echo_s()
    assert before == (0.0, 0.0)
    assert eventually(lambda: (_carried.seen(proxy.url, "redis") or (1, 0))[0] == 0)
    assert (_carried.seen(proxy.url, "redis") or (0, 0))[1] > 0
    server.close()


def test_toxiproxy_can_not_tell_and_says_nothing() -> None:
    require("toxiproxy")
    made = FaultProxy("toxiproxy")
    try:
        made.proxy_to(1, "redis")
        assert _carried.carried(made.url, "redis", 0.1) is None
    finally:
        made.close()


def test_it_is_asked_exactly_where_a_load_flows_by_then(proxy: FaultProxy) -> None:
    with redis_server() as upstream:
        port = proxy.proxy_to(upstream, "redis")
        service = Service("redis", address=f"127.0.0.1:{port}", proxy_name="redis")
        target = Target("test", api="http://127.0.0.1:9", proxy=proxy.url, services={"redis": service})
        load = OpenLoop((Operation("visit", "http://127.0.0.1:9/"),), (Stage(1.0),))
        asked = {}
        for name, traffic in (("none", None), ("fault", Traffic(load, "fault")), ("throughout", Traffic(load))):
            drill = Experiment("d", "", "", faults=(Latency("redis", 300),), recovery=(AFTER,), traffic=traffic)
            asked[name] = sum("_carried" in str(step) for step in make(drill, target).changes[0].rights)
        assert asked == {"none": 0, "fault": 0, "throughout": 1}


def test_no_proxy_at_all_is_an_error_and_no_answer() -> None:
    with pytest.raises(OSError, match="refused"):
        _carried.carried("http://127.0.0.1:9", "redis")

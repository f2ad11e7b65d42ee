"""Faults in a fault proxy, the embedded one and Toxiproxy, on the way to a real Redis: measured on the wire."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import redis
import requests
from redis.backoff import NoBackoff
from redis.retry import Retry

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused, StepFailed
from blackstart.commands import proxy_server
from blackstart.controls.steps.local import carry_out as carried_out
from blackstart.faults.bandwidth import Bandwidth
from blackstart.faults.cut import Cut
from blackstart.faults.flap import Flap
from blackstart.faults.latency import Latency
from blackstart.faults.reset import Reset
from blackstart.faults.slow_close import SlowClose
from blackstart.model.change import Change, Fault
from blackstart.model.target import Service, Target
from blackstart.probes.control_state import ControlState
from blackstart.probes.proxy_state import ProxyState, ToxicState
from blackstart.safety.heal.restore import is_gone, restore, stays_gone
from blackstart.safety.preflight.rehearsal import rehearse
from tests.contract.fault_proxies import FaultProxy, missing, redis_server
from tests.requirements import require
from tests.services import by_shell, carry_out, eventually, free_port, pings, so

FAULTS: tuple[Fault, ...] = (
    Latency("redis", 300), Latency("redis", 400, 200, "upstream"), Latency("redis", 3000), Bandwidth("redis", 1),
    Bandwidth("redis", 500, "upstream"), Cut("redis"), Reset("redis"), SlowClose("redis", 400), Flap("redis", 100),
)  # fmt: skip


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    with redis_server() as port:
        yield port


@pytest.fixture(params=["embedded", "toxiproxy"])
def proxy(request: pytest.FixtureRequest, upstream: int) -> Iterator[FaultProxy]:
    if request.param == "toxiproxy":
        require("toxiproxy")
    if reason := missing(request.param):
        pytest.skip(reason)
    made = FaultProxy(request.param)
    try:
        made.listens = made.proxy_to(upstream, "redis")  # type: ignore[attr-defined]
        yield made
    finally:
        made.close()


def target(proxy: FaultProxy, port: int | None = None, **more: Any) -> Target:
    listens: int = proxy.listens  # type: ignore[attr-defined]
    service = Service("redis", address=f"127.0.0.1:{port or listens}", proxy_name="redis")
    return Target("test", proxy=proxy.url, services={"redis": replace(service, **more)})


def planned(fault: Fault, where: Target) -> Change:
    """The fault's change, as the guardian reads it from the ledger."""
    (change,) = fault.plan(where)
    again = from_data(json.loads(json.dumps(to_data(change))))
    assert isinstance(again, Change) and again == change
    return again


def state(proxy: FaultProxy) -> tuple[bool, list[str]]:
    told = proxy.call("GET", "/proxies/redis").json()
    return told["enabled"], sorted(toxic["name"] for toxic in told["toxics"])


def works(proxy: FaultProxy) -> bool:
    port: int = proxy.listens  # type: ignore[attr-defined]
    return pings(port, 2.0)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_it_bites_on_the_wire_and_its_undo_leaves_nothing_of_ours(proxy: FaultProxy, fault: Fault) -> None:
    proxy.toxic("noop", name="redis")
    change = planned(fault, target(proxy))
    rehearse([change])
    assert state(proxy) == (True, ["noop_downstream"]) and works(proxy)
    carry_out(change.do)
    assert eventually(lambda: so(change.bites), 20), [str(c) for c in change.bites]
    assert not so(change.gone)
    assert restore(change, print, 20)
    assert stays_gone(change, 1.0)
    assert state(proxy) == (True, ["noop_downstream"]) and works(proxy)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_heal_sh_undoes_it_with_plain_shell(proxy: FaultProxy, fault: Fault) -> None:
    change = planned(fault, target(proxy))
    carry_out(change.do)
    assert eventually(lambda: so(change.bites), 20)
    by_shell(change.undo)
    by_shell(change.undo)
    assert eventually(lambda: is_gone(change))
    assert state(proxy) == (True, []) and works(proxy)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_a_service_past_the_proxy_shows_no_bite(proxy: FaultProxy, upstream: int, fault: Fault) -> None:
    """Its address leads elsewhere: the toxic is there, and nothing changes on the wire."""
    with redis_server() as direct:
        change = planned(fault, target(proxy, direct))
        carry_out(change.do)
        try:
            assert not eventually(lambda: so(change.bites), 1.5)
            said = [one for one in change.bites if isinstance(one.probe, ToxicState | ProxyState | ControlState)]
            assert so(said) and not so([one for one in change.bites if one not in said])
        finally:
            assert restore(change, print, 20)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_a_proxy_that_dies_takes_the_fault_with_it(proxy: FaultProxy, fault: Fault) -> None:
    change = planned(fault, target(proxy))
    carry_out(change.do)
    assert eventually(lambda: so(change.bites), 20)
    proxy.close()
    lost = [condition.probe.lost() for condition in change.bites if hasattr(condition.probe, "lost")]
    lost += [condition.probe.lost() for condition in change.gone if hasattr(condition.probe, "lost")]
    assert lost and so(lost)
    assert restore(change, lambda text: None, 20)


def test_a_service_whose_address_is_the_proxys_upstream_is_refused(proxy: FaultProxy, upstream: int) -> None:
    with pytest.raises(Refused, match="Not started: redis is reached at .*, past the proxy"):
        Latency("redis", 300).plan(target(proxy, upstream))


def test_a_disabled_proxy_is_refused(proxy: FaultProxy) -> None:
    proxy.call("POST", "/proxies/redis", {"enabled": False})
    with pytest.raises(Refused, match="is disabled"):
        Cut("redis").plan(target(proxy))


def test_a_proxy_that_is_not_there_is_refused(proxy: FaultProxy) -> None:
    with pytest.raises(Refused, match=r"Not started: the fault proxy of redis can't be used: .*no proxy answers there"):
        Cut("redis").plan(replace(target(proxy), proxy=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(Refused, match="proxy not found"):
        Cut("redis").plan(target(proxy, proxy_name="rediss"))


def test_a_target_without_a_proxy_is_refused(proxy: FaultProxy) -> None:
    with pytest.raises(Refused, match="has no fault proxy"):
        Cut("redis").plan(replace(target(proxy), proxy=""))
    with pytest.raises(Refused, match='service "redis" has no proxy_name'):
        Cut("redis").plan(target(proxy, proxy_name=""))


def test_a_service_that_does_not_answer_is_refused(proxy: FaultProxy) -> None:
    for fault in FAULTS:
        if isinstance(fault, Bandwidth):
            continue  # that is seen when it is rehearsed
        with pytest.raises(Refused, match="only what works can be broken"):
            fault.plan(target(proxy, free_port()))


@contextmanager
def older(proxy: FaultProxy) -> Iterator[str]:
    """The API as shopify/toxiproxy:2.1.4 has it, which many files still pull: version in plain text, and no PATCH."""

    class Front(BaseHTTPRequestHandler):
        def _passed_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/version":
                return self._say(200, b"2.1.4", "text/plain;charset=utf-8")
            kind = {"Content-Type": self.headers.get("Content-Type") or ""}
            told = requests.request(self.command, proxy.url + self.path, data=body, headers=kind, timeout=10)
            return self._say(told.status_code, told.content, "application/json")

        def _say(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = _passed_on

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Latency("redis", 300), id="16-toxiproxy-in-docker-an-older-one-latency"),
        pytest.param(Cut("redis"), id="16-toxiproxy-in-docker-an-older-one-cut"),
    ],
)
def test_an_older_toxiproxy_is_looked_at_and_used_as_any(
    proxy: FaultProxy, fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    with older(proxy) as url:
        assert proxy_server.status(url) == 0
        assert f"{url}: up, API version 2.1.4, proxies: 1" in capsys.readouterr().out
        change = planned(fault, replace(target(proxy), proxy=url))
        rehearse([change])
        carry_out(change.do)
        assert eventually(lambda: so(change.bites), 20), [str(c) for c in change.bites]
        assert restore(change, print, 20) and stays_gone(change, 1.0)
    assert state(proxy) == (True, []) and works(proxy)


def test_a_name_that_is_taken_makes_the_step_fail_and_leaves_the_other_toxic(proxy: FaultProxy) -> None:
    change = planned(Latency("redis", 300), target(proxy))
    proxy.call("POST", "/proxies/redis/toxics", {**change.do[0].body, "lease": None})  # type: ignore[union-attr]
    with pytest.raises(StepFailed, match="409"):
        carried_out(change.do[0])


def test_a_rehearsed_cut_ends_no_open_connection(proxy: FaultProxy) -> None:
    port: int = proxy.listens  # type: ignore[attr-defined]
    with redis.Redis(
        host="127.0.0.1", port=port, socket_timeout=5, retry=Retry(NoBackoff(), 0), single_connection_client=True
    ) as client:
        mine = client.client_id()
        rehearse([planned(Cut("redis"), target(proxy))])
        assert client.client_id() == mine


def test_the_embedded_proxys_toxics_are_leased_to_this_process(proxy: FaultProxy) -> None:
    body = planned(Latency("redis", 300), target(proxy)).do[0].body  # type: ignore[union-attr]
    assert ("lease" in body) is not proxy.real
    if not proxy.real:
        assert body["lease"]["pid"] and body["lease"]["started"] and body["lease"]["seconds"] == 600.0


def test_a_flap_that_is_undone_as_soon_as_it_was_done_never_comes(proxy: FaultProxy) -> None:
    """What toggles must not be missed by an undo that comes while it is starting up."""
    (change,) = Flap("redis", 50).plan(target(proxy))
    toggling = next(one.probe for one in change.bites if isinstance(one.probe, ControlState))
    for _ in range(3):
        carry_out(change.do)
        assert so([toggling.is_("running")])
        assert restore(change, print, 10.0)
        assert not eventually(lambda: so([toggling.is_("running")]), 1.0)
        assert is_gone(change)

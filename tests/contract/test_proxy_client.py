"""Our client with both proxies: it sees, adds, removes only what is its own, and gives back what it changed."""

import os
import subprocess
import sys
from typing import Any

import pytest

from blackstart.proxy.client import ProxyConflict, ProxyUnreachable, ProxyUnsupported, ToxiproxyClient, own_lease
from tests.contract.fault_proxies import FaultProxy, eventually
from tests.contract.test_proxy_conformance import process, proxy

__all__ = ["process", "proxy"]


@pytest.fixture
def client(proxy: FaultProxy) -> ToxiproxyClient:
    return ToxiproxyClient(proxy.url, owner="run-1")


def test_a_proxy_is_made_shown_and_deleted(client: ToxiproxyClient) -> None:
    made = client.create("p", "127.0.0.1:1")
    assert client.proxies() == {"p": made}
    assert client.proxy("p") == made
    assert (made.upstream, made.enabled, made.toxics, made.port > 0) == ("127.0.0.1:1", True, (), True)
    with pytest.raises(ProxyConflict):
        client.create("p", "127.0.0.1:1")
    client.delete("p")
    assert client.proxies() == {}
    assert client.version()


def test_only_own_toxics_are_removed(proxy: FaultProxy, client: ToxiproxyClient) -> None:
    client.create("p", "127.0.0.1:1")
    client.create("q", "127.0.0.1:1")
    proxy.toxic("latency", {"latency": 5})
    other = ToxiproxyClient(proxy.url, owner="run-11")
    other.add_toxic("p", "noop")
    client.add_toxic("p", "latency", {"latency": 7}, toxicity=0.5, stream="upstream")
    assert client.add_toxic("q", "noop", name="extra").name == "run-1.extra"
    assert [(name, toxic.name) for name, toxic in client.own_toxics()] == [
        ("p", "run-1.latency_upstream"),
        ("q", "run-1.extra"),
    ]
    assert client.remove_own_toxics() == 2
    assert sorted(toxic.name for toxic in client.proxy("p").toxics) == ["latency_downstream", "run-11.noop_downstream"]


def test_enabled_is_given_back_as_it_was(client: ToxiproxyClient) -> None:
    client.create("on", "127.0.0.1:1")
    client.create("off", "127.0.0.1:1", enabled=False)
    assert client.set_enabled("on", False) is True
    assert client.set_enabled("on", True) is False
    assert client.set_enabled("on", False) is True
    assert client.set_enabled("off", False) is False
    client.restore_enabled()
    assert {name: one.enabled for name, one in client.proxies().items()} == {"on": True, "off": False}


def test_a_lease_is_taken_or_said_to_be_unsupported(proxy: FaultProxy, client: ToxiproxyClient) -> None:
    client.create("p", "127.0.0.1:1")
    if proxy.real:
        with pytest.raises(ProxyUnsupported, match="does not know lease"):
            client.add_toxic("p", "noop", lease=own_lease())
    else:
        made = client.add_toxic("p", "noop", lease={**own_lease(), "seconds": 30})
        assert made.lease is not None
        assert made.lease["pid"] == os.getpid()
        client.renew("p", made.name, 60)
        assert client.proxy("p").toxics[0].lease != made.lease
    client.remove_own_toxics()
    assert client.proxy("p").toxics == ()


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("bandwidth", {"rate": 1, "scope": "connection"}),
        ("latency", {"latency": 1, "distribution": "normal"}),
    ],
)
def test_an_attribute_is_taken_or_said_to_be_unsupported(
    proxy: FaultProxy, client: ToxiproxyClient, kind: str, attributes: dict[str, Any]
) -> None:
    client.create("p", "127.0.0.1:1")
    if proxy.real:
        with pytest.raises(ProxyUnsupported):
            client.add_toxic("p", kind, attributes)
        assert client.proxy("p").toxics == ()
    else:
        assert attributes.items() <= client.add_toxic("p", kind, attributes).attributes.items()


def test_a_killed_owner_leaves_no_toxic(proxy: FaultProxy, client: ToxiproxyClient) -> None:
    if proxy.real:
        pytest.skip("Toxiproxy has no leases: there a killed owner's toxics are the guardian's to remove")
    client.create("p", "127.0.0.1:1")
    story = (
        "import sys; from blackstart.proxy.client import *; client = ToxiproxyClient(sys.argv[1]);"
        "client.add_toxic('p', 'latency', {'latency': 5}, lease=own_lease()); print('added', flush=True); input()"
    )
    argv = [sys.executable, "-c", story, proxy.url]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"added\n"
        assert len(client.proxy("p").toxics) == 1
        owner.kill()
        owner.wait(10)
        assert eventually(lambda: client.proxy("p").toxics == (), within_s=5)


def test_a_proxy_that_died_is_unreachable(process: FaultProxy) -> None:
    own = FaultProxy(process.kind)
    client = ToxiproxyClient(own.url)
    client.version()
    own.close()
    with pytest.raises(ProxyUnreachable):
        client.proxies()

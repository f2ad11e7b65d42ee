"""Our client with both proxies: it sees what is there."""

import pytest

from blackstart.proxy.client import ProxyProblem, ProxyUnreachable, ToxiproxyClient
from tests.contract.fault_proxies import FaultProxy
from tests.contract.test_proxy_conformance import process, proxy

__all__ = ["process", "proxy"]


def test_a_proxy_is_seen_with_its_toxics(proxy: FaultProxy) -> None:
    client = ToxiproxyClient(proxy.url)
    assert client.proxies() == {}
    port = proxy.proxy_to(1)
    proxy.toxic("latency", {"latency": 5})
    seen = client.proxy("p")
    assert client.proxies() == {"p": seen}
    assert (seen.listen, seen.upstream, seen.enabled) == (f"127.0.0.1:{port}", "127.0.0.1:1", True)
    assert [(toxic.type, toxic.attributes["latency"], toxic.lease) for toxic in seen.toxics] == [("latency", 5, None)]
    assert client.version()
    with pytest.raises(ProxyProblem, match="HTTP 404"):
        client.proxy("q")


def test_a_proxy_that_died_is_unreachable(process: FaultProxy) -> None:
    own = FaultProxy(process.kind)
    client = ToxiproxyClient(own.url)
    client.version()
    own.close()
    with pytest.raises(ProxyUnreachable):
        client.proxies()

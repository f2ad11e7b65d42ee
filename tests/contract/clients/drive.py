"""Drives a proxy server with the client `toxiproxy-python`; arguments: port of the API, port of an echo server."""

import socket
import sys
import time

from toxiproxy import Toxiproxy
from toxiproxy.exceptions import NotFound, ProxyExists

api, upstream = int(sys.argv[1]), int(sys.argv[2])


def echo_s(port: int) -> float:
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        began = time.perf_counter()
        client.sendall(b"ping")
        assert client.recv(4) == b"ping"
        return time.perf_counter() - began


def swift(port: int) -> bool:
    """Whether nothing slows it down; a busy machine may, now and then."""
    return min(echo_s(port) for _ in range(5)) < 0.1


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return True
    return False


def raises(kind: type[Exception], call: object, *args: object) -> bool:
    try:
        call(*args)  # type: ignore[operator]
    except kind:
        return True
    return False


server = Toxiproxy()
server.update_api_consumer("127.0.0.1", api)
assert server.running()
assert b"version" in server.version()
proxy = server.create(name="p", upstream=f"127.0.0.1:{upstream}")
port = int(proxy.listen.rpartition(":")[2])
assert raises(ProxyExists, lambda: server.create(name="p", upstream="127.0.0.1:1"))
assert swift(port)
proxy.add_toxic(type="latency", attributes={"latency": 150, "jitter": 10})
assert echo_s(port) >= 0.14
toxic = proxy.get_toxic("latency_downstream")
assert (toxic.type, toxic.attributes) == ("latency", {"latency": 150, "jitter": 10})
proxy.destroy_toxic("latency_downstream")
assert proxy.toxics() == {}
assert raises(NotFound, proxy.destroy_toxic, "latency_downstream")
with proxy.down():
    assert refused(port)
assert swift(port)
server.populate([{"name": "q", "upstream": "127.0.0.1:1", "listen": "127.0.0.1:0"}])
assert sorted(server.proxies()) == ["p", "q"]
proxy.add_toxic(type="bandwidth", stream="upstream", attributes={"rate": 0})
assert server.reset()
assert proxy.toxics() == {}
server.destroy_all()
assert server.proxies() == {}
print("toxiproxy-python: all well")

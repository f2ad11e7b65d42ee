"""What only the embedded proxy has: leases, `down`, `fail_first`, proxy-wide bandwidth, and its command line."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackstart.safety.processes import identity
from tests.contract.fault_proxies import Client, EchoServer, FaultProxy, eventually, missing, refused
from tests.contract.test_proxy_conformance import LATE_S, echo
from tests.services import free_port

__all__ = ["echo"]


@pytest.fixture(params=["embedded", "embedded-uvloop"], scope="module")
def process(request: pytest.FixtureRequest) -> Iterator[FaultProxy]:
    if reason := missing(request.param):
        pytest.skip(reason)
    proxy = FaultProxy(request.param)
    yield proxy
    assert proxy.alive()
    proxy.close()


@pytest.fixture
def proxy(process: FaultProxy) -> Iterator[FaultProxy]:
    yield process
    for name in process.call("GET", "/proxies").json():
        process.call("DELETE", f"/proxies/{name}")


def toxics(proxy: FaultProxy) -> list[str]:
    return [toxic["name"] for toxic in proxy.call("GET", "/proxies/p/toxics").json()]


def fate_of_a_new_connection(port: int) -> str:
    try:
        with Client(port) as client:
            return client.fate(1.0)
    except ConnectionResetError:  # the RST may be here before `connect` has come back
        return "reset"


# ---------------------------------------------------------------- leases


def test_a_toxic_goes_with_the_process_that_owns_it(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner, Client(port) as client:
        lease = {"pid": owner.pid, "started": identity.started(owner.pid)}
        proxy.toxic("latency", {"latency": 2000}, lease=lease)
        proxy.toxic("noop", name="p")
        assert client.echo_s() >= 2.0
        owner.send_signal(signal.SIGKILL)
        owner.wait(10)
        assert eventually(lambda: toxics(proxy) == ["noop_downstream"], within_s=5)
        assert client.echo_s() < LATE_S


def test_a_lease_in_seconds_lapses_and_renewal_puts_it_off(proxy: FaultProxy) -> None:
    proxy.proxy_to(1)
    proxy.toxic("noop", lease={"seconds": 2.5})
    for _ in range(5):
        time.sleep(0.6)  # the time that passes is what is tested
        answer = proxy.call("PATCH", "/proxies/p/toxics/noop_downstream", {"lease": {"seconds": 2.5}})
        assert answer.status_code == 200
    assert eventually(lambda: toxics(proxy) == [], within_s=5)


def test_a_down_that_lapses_brings_the_port_back(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("down", lease={"seconds": 2})
    assert refused(port)
    assert eventually(lambda: not refused(port), within_s=5)


# ---------------------------------------------------------------- down, fail_first, bandwidth


@pytest.mark.parametrize("existing", ["keep", "cut"])
def test_down_refuses_new_connections_and_keeps_or_cuts_old_ones(
    proxy: FaultProxy, echo: EchoServer, existing: str
) -> None:
    port = proxy.proxy_to(echo.port)
    with Client(port) as client:
        client.echo_s()
        proxy.toxic("down", {"existing": existing})
        assert refused(port)
        if existing == "keep":
            client.echo_s()
        else:
            assert client.fate() in ("closed", "reset")
        proxy.call("DELETE", "/proxies/p/toxics/down_downstream")
        with Client(port) as again:
            again.echo_s()


def test_a_proxy_born_down_comes_up_when_the_toxic_goes(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port, toxics=[{"type": "down"}])
    assert refused(port)
    proxy.call("POST", "/reset")
    with Client(port) as client:
        client.echo_s()


def test_a_port_that_refuses_is_never_given_to_another(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.call("POST", "/proxies/p", {"enabled": False})
    for _ in range(2000):  # on loopback a client could be given the very port it dials, and reach itself
        assert refused(port)
    assert proxy.call("POST", "/proxies/p", {"enabled": True}).status_code == 200


def test_flapping_every_few_milliseconds_always_comes_back(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    for _ in range(50):
        assert proxy.call("POST", "/proxies/p", {"enabled": False}).status_code == 200
        assert proxy.call("POST", "/proxies/p", {"enabled": True}).status_code == 200
        with Client(port) as client:
            client.echo_s()


def test_the_first_connections_fail_before_they_reach_the_upstream(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("fail_first", {"count": 3})
    assert [fate_of_a_new_connection(port) for _ in range(5)] == ["reset", "reset", "reset", "open", "open"]
    assert echo.accepted == 2


def test_a_bandwidth_for_the_proxy_is_shared_by_its_connections(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("bandwidth", {"rate": 400, "scope": "proxy"})
    clients = [Client(port) for _ in range(4)]
    began = time.perf_counter()
    threads = [threading.Thread(target=client.send, args=(bytes(100_000),)) for client in clients]
    for thread in threads:
        thread.start()
    assert all(len(client.receive(100_000)) == 100_000 for client in clients)
    assert 0.95 <= time.perf_counter() - began < 1.1 + LATE_S
    for client in clients:
        client.socket.close()


def test_a_seed_repeats_jitter_to_the_millisecond(echo: EchoServer) -> None:
    def delays_ms() -> list[int]:
        proxy = FaultProxy("embedded", "--seed", "42")
        try:
            port = proxy.proxy_to(echo.port)
            proxy.toxic("latency", {"latency": 20, "jitter": 200, "distribution": "exponential"})
            with Client(port) as client:
                return [round(client.echo_s() * 1000) for _ in range(6)]
        finally:
            proxy.close()

    def alike(one: list[int], other: list[int]) -> bool:
        return all(abs(first - second) < 100 for first, second in zip(one, other, strict=True))

    first = delays_ms()
    assert len(set(first)) > 3
    # A machine that is busy at the wrong moment adds to one of them: two that are alike are the proof.
    assert alike(first, delays_ms()) or alike(delays_ms(), delays_ms())


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
def test_whatever_ends_a_connection_nothing_of_it_stays(proxy: FaultProxy, echo: EchoServer) -> None:
    port, nowhere = proxy.proxy_to(echo.port), proxy.proxy_to(1, "nowhere")
    files = Path(f"/proc/{proxy.process.pid}/fd")
    fate_of_a_new_connection(port)
    before = len(list(files.iterdir()))
    for toxic in (None, "latency", "timeout", "reset_peer", "bandwidth", "limit_data", "slow_close", "down"):
        clients = [Client(port) for _ in range(30)]
        for client in clients[::2]:
            client.echo_s()
        if toxic:
            body = {"type": toxic, "stream": "both", "toxicity": 0.5 if toxic != "down" else 1}
            assert proxy.call("POST", "/proxies/p/toxics", body).status_code == 200
        for number, client in enumerate(clients):
            with contextlib.suppress(OSError):  # some have been ended by the toxic
                client.send(b"more")
                if number % 3 == 1:
                    client.socket.shutdown(socket.SHUT_WR)
                elif number % 3 == 2:
                    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.socket.close()
        proxy.call("POST", "/reset")
        fate_of_a_new_connection(nowhere)
    assert eventually(lambda: 'open_connections{proxy="p"} 0.0' in proxy.call("GET", "/metrics").text)
    assert eventually(lambda: len(list(files.iterdir())) <= before + 2)  # the API's own connection may be open


# ---------------------------------------------------------------- the command line


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    """The proxy's program, to its end."""
    command = [sys.executable, "-m", "blackstart.proxy", *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_a_port_in_use_is_refused_with_40(echo: EchoServer) -> None:
    done = run("--port", str(echo.port))
    assert done.returncode == 40
    assert done.stderr.startswith(f"Not started: the proxy's API can't listen on 127.0.0.1:{echo.port}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "can't be read"),
        ("{}", "a list of proxies is needed"),
        ('[{"name": "p"}]', "missing required field: upstream at proxy 1"),
        ('[{"name": "p", "upstream": "127.0.0.1:1", "listen": "127.0.0.1:TAKEN"}]', "address already in use"),
    ],
)
def test_a_bad_configuration_is_refused_with_40(tmp_path: Path, echo: EchoServer, text: str, reason: str) -> None:
    config = tmp_path / "populate.json"
    config.write_text(text.replace("TAKEN", str(echo.port)))
    done = run("--port", "0", "--config", str(config))
    assert (done.returncode, done.stderr.startswith("Not started: the configuration")) == (40, True)
    assert reason in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_configured_proxy_works_and_a_signal_ends_it_in_order(
    tmp_path: Path, echo: EchoServer, number: signal.Signals
) -> None:
    port, config = free_port(), tmp_path / "populate.json"
    one: dict[str, Any] = {"name": "p", "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{echo.port}"}
    toxics = [{"type": "latency", "attributes": {"latency": 100}}]
    config.write_text(json.dumps([{**one, "toxics": toxics}]), encoding="utf-8-sig")  # as an editor may leave it
    proxy = FaultProxy("embedded", "-config", str(config))
    with Client(port) as client:
        assert 0.1 <= client.echo_s() < 0.1 + LATE_S
        proxy.process.send_signal(number)
        assert proxy.process.wait(10) == 0
        assert client.fate() in ("closed", "reset")
    assert refused(port)


def test_a_low_soft_limit_of_open_files_does_not_limit_connections(echo: EchoServer) -> None:
    proxy = FaultProxy("embedded", wrap=("sh", "-c", 'ulimit -Sn 128; exec "$@"', "sh"))
    try:
        port = proxy.proxy_to(echo.port)
        clients = [Client(port) for _ in range(200)]
        for client in clients:
            client.echo_s()
            client.socket.close()
    finally:
        proxy.close()


def test_sigkill_frees_every_port(echo: EchoServer) -> None:
    proxy = FaultProxy("embedded")
    port = proxy.proxy_to(echo.port)
    with Client(port) as client:
        client.echo_s()
        os.kill(proxy.process.pid, signal.SIGKILL)
        proxy.process.wait(10)
    assert refused(port)

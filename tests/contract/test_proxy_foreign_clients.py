"""Clients that others wrote for Toxiproxy, installed from their registries, drive the embedded proxy.

`BLACKSTART_REQUIRE=registries` turns a skip for want of a package into a failure.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.fault_proxies import Client, EchoServer, FaultProxy, refused
from tests.contract.test_proxy_conformance import LATE_S, echo
from tests.registries import cannot, install

__all__ = ["echo"]

CLIENTS = Path(__file__).parent / "clients"
PYTHON_CLIENT = "toxiproxy-python==0.1.1"
NODE_CLIENT = "toxiproxy-node-client@4.1.0"


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    own = FaultProxy("embedded")
    yield own
    own.close()


def drive(command: list[str], proxy: FaultProxy, echo: EchoServer, **where: object) -> str:
    done = subprocess.run(
        [*command, str(proxy.port), str(echo.port)], capture_output=True, text=True, timeout=60, check=False, **where
    )  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_the_python_client_drives_it(tmp_path: Path, proxy: FaultProxy, echo: EchoServer) -> None:
    install(sys.executable, "-m", "pip", "install", "--quiet", "--target", "lib", PYTHON_CLIENT, cwd=tmp_path)
    env = os.environ | {"PYTHONPATH": str(tmp_path / "lib")}
    assert "all well" in drive([sys.executable, str(CLIENTS / "drive.py")], proxy, echo, env=env)


def test_the_node_client_drives_it(tmp_path: Path, proxy: FaultProxy, echo: EchoServer) -> None:
    if not (shutil.which("npm") and shutil.which("node")):
        cannot("no node and npm on PATH")
    install("npm", "install", "--no-audit", "--no-fund", "--prefix", ".", NODE_CLIENT, cwd=tmp_path)
    assert "all well" in drive(["node", str(CLIENTS / "drive.mjs")], proxy, echo, cwd=tmp_path)


def test_the_command_line_of_toxiproxy_drives_it(proxy: FaultProxy, echo: EchoServer) -> None:
    program = shutil.which("toxiproxy-cli") or shutil.which(os.path.expanduser("~/go/bin/toxiproxy-cli"))
    if program is None:
        cannot("no toxiproxy-cli (go install github.com/Shopify/toxiproxy/v2/cmd/cli@v2.12.0)")

    def cli(*words: str) -> str:
        argv = [program, "--host", proxy.url, *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    cli("create", "-l", "127.0.0.1:0", "-u", f"127.0.0.1:{echo.port}", "p")
    port = int(proxy.call("GET", "/proxies/p").json()["listen"].rpartition(":")[2])
    cli("toxic", "add", "-t", "latency", "-a", "latency=150", "p")
    with Client(port) as client:
        assert 0.15 <= client.echo_s() < 0.15 + LATE_S
        cli("toxic", "update", "-n", "latency_downstream", "-a", "latency=20", "p")
        assert min(client.echo_s() for _ in range(5)) < 0.15
    assert "latency_downstream" in cli("inspect", "p")
    cli("toxic", "remove", "-n", "latency_downstream", "p")
    cli("toggle", "p")
    assert refused(port)
    cli("toggle", "p")
    assert "p" in cli("list")
    cli("delete", "p")
    assert proxy.call("GET", "/proxies").json() == {}

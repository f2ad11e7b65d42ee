"""`invoke proxy.up`, `proxy.down` and `proxy.status`, as they are typed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.contract.fault_proxies import EchoServer, eventually, refused
from tests.contract.test_proxy_conformance import echo
from tests.requirements import require
from tests.services import free_port

__all__ = ["echo"]

ROOT = Path(__file__).parents[2]


def invoke(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "invoke", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def nothing_left() -> Iterator[None]:
    yield
    invoke("proxy.down")


@pytest.mark.usefixtures("nothing_left")
def test_a_detached_proxy_comes_up_is_shown_and_goes_down() -> None:
    port = free_port()
    up = invoke("proxy.up", "--port", str(port), "--detach")
    assert (up.returncode, up.stdout.startswith(f"Proxy up: http://127.0.0.1:{port}, pid ")) == (0, True), up.stderr
    made = {"name": "redis", "upstream": "127.0.0.1:1", "toxics": [{"type": "latency", "lease": {"seconds": 99}}]}
    assert requests.post(f"http://127.0.0.1:{port}/proxies", json=made, timeout=5).status_code == 201
    shown = invoke("proxy.status").stdout
    assert f"http://127.0.0.1:{port}: up, API version 2." in shown
    assert "-> 127.0.0.1:1, enabled" in shown
    assert "latency_downstream: latency downstream, toxicity 1, latency 0, jitter 0, lease" in shown
    down = invoke("proxy.down")
    assert (down.returncode, down.stdout) == (0, f"Proxy down: http://127.0.0.1:{port}\n")
    assert refused(port)
    assert invoke("proxy.down").stdout == "No detached proxy is up.\n"


@pytest.mark.usefixtures("nothing_left")
def test_a_proxy_whose_api_is_on_ipv6_is_found_at_the_url_that_it_names() -> None:
    require("ipv6")
    up = invoke("proxy.up", "--host", "::1", "--port", "0", "--detach")
    url = up.stdout.removeprefix("Proxy up: ").partition(",")[0]
    assert (up.returncode, requests.get(f"{url}/version", timeout=5).ok) == (0, True)
    assert f"{url}: up, API version 2." in invoke("proxy.status").stdout
    assert invoke("proxy.down").stdout == f"Proxy down: {url}\n"


@pytest.mark.parametrize("more", [[], ["--detach"]])
def test_a_port_in_use_is_refused_with_40(echo: EchoServer, more: list[str]) -> None:
    done = invoke("proxy.up", "--port", str(echo.port), *more)
    assert done.returncode == 40
    assert done.stderr.startswith(f"Not started: the proxy's API can't listen on 127.0.0.1:{echo.port}")


def test_in_the_foreground_it_runs_until_ctrl_c() -> None:
    port = free_port()
    command = [sys.executable, "-m", "invoke", "proxy.up", "--port", str(port), "--seed", "7"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert eventually(lambda: not refused(port), within_s=20)
        os.kill(running.pid, signal.SIGINT)
        assert running.wait(10) == 0
        assert running.stdout is not None
        assert f"Proxy API listens on http://127.0.0.1:{port} (seed 7)" in running.stdout.read()


@pytest.mark.parametrize("port", ["99999", "65536", "-1", "abc", "", "1e3", "³"])
@pytest.mark.parametrize("task", ["proxy.up", "proxy.down"])
def test_a_port_that_is_none_is_refused_with_40_and_nothing_listens(task: str, port: str) -> None:
    done = invoke(task, f"--port={port}")
    assert (done.returncode, done.stdout) == (40, "")
    assert done.stderr.startswith(f"Not started: --port={port!r}: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rubbish", "..."),
        ("redis://127.0.0.1:6379", "redis://..."),
        ("http://", "http://..."),
        ("http://127.0.0.1:abc", "http://..."),
        ("a b:1", "..."),
        ("", ""),
    ],
)
def test_the_status_of_what_is_no_url_is_refused_with_40(url: str, shown: str) -> None:
    done = invoke("proxy.status", f"--url={url}")
    assert (done.returncode, done.stdout) == (40, "")
    # Nobody knows which part of what is no URL is a password.
    assert done.stderr.startswith(f"Not started: --url={shown!r}: ") and done.stderr.count("\n") == 1


def test_the_status_of_something_that_is_no_proxy_is_30(echo: EchoServer) -> None:
    done = invoke("proxy.status", "--url", f"http://127.0.0.1:{echo.port}")
    assert done.returncode == 30 and "Traceback" not in done.stderr


def test_the_status_of_a_server_that_is_not_there_says_so() -> None:
    port = free_port()
    done = invoke("proxy.status", "--url", f"127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (
        30,
        f"127.0.0.1:{port}: no proxy answers. Start one with `invoke proxy.up`.\n",
    )


def test_listing_the_tasks_imports_no_library() -> None:
    story = "import sys, blackstart.tasks.proxy; print(sorted({'aiohttp', 'requests'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", story], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.usefixtures("nothing_left")
def test_an_api_that_others_can_reach_is_said_and_is_called_by_the_names_that_were_told() -> None:
    up = invoke("proxy.up", "--host", "0.0.0.0", "--allow-host", "proxy", "--port", "0", "--detach")
    warning, told = up.stdout.splitlines()
    assert warning.startswith("WARNING: the API has no password, and other machines can reach it at 0.0.0.0")
    url = told.removeprefix("Proxy up: ").partition(",")[0].replace("0.0.0.0", "127.0.0.1")
    asked = {name: requests.get(f"{url}/proxies", headers={"Host": name}, timeout=5).status_code for name in
             ("proxy", "evil.example")}  # fmt: skip
    assert asked == {"proxy": 200, "evil.example": 403}
    quiet = invoke("proxy.up", "--port", "0", "--detach")
    assert "WARNING" not in quiet.stdout

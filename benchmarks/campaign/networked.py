"""Systems that are hit on the wire: a Redis behind the fault proxy, and one behind iptables in a network namespace."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.campaign.observer import Look, answers_http, now_s, passes_all, pings_redis
from benchmarks.campaign.system import ROOT, Missing, System, own_experiments


@contextlib.contextmanager
def proxied(state: Path) -> Iterator[System]:
    """A Redis behind the embedded fault proxy, hit by what only a proxy can do."""
    if not shutil.which("redis-server"):
        raise Missing("there is no redis-server")
    api, front, back = (_free_port() for _ in range(3))
    with contextlib.ExitStack() as stack:
        words = ["redis-server", "--port", str(back), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        server = _lasting(stack, words, state)
        proxy = _lasting(
            stack, [sys.executable, "-m", "blackstart.proxy", "-host", "127.0.0.1", "-port", str(api)], state
        )
        url = f"http://127.0.0.1:{api}"
        _wait("the fault proxy", lambda: answers_http(f"{url}/version"))
        body = {"name": "redis", "listen": f"127.0.0.1:{front}", "upstream": f"127.0.0.1:{back}"}
        told = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{url}/proxies", json.dumps(body).encode(), told, method="POST")
        urllib.request.urlopen(request, timeout=10).close()
        _wait("Redis", lambda: pings_redis("127.0.0.1", front))
        target = state / "proxied.toml"
        target.write_text(
            f'name = "proxied"\nproxy = "{url}"\n[services.redis]\naddress = "127.0.0.1:{front}"\n'
            'proxy_name = "redis"\n'
        )
        yield System(
            "proxied",
            target,
            [
                Look("redis", partial(pings_redis, "127.0.0.1", front)),
                Look("proxy", partial(passes_all, f"{url}/proxies"), 0.02),
            ],
            own_experiments("latency_redis", "bandwidth_redis", "reset_redis", "slow_close_redis"),
            {server.pid, proxy.pid},
            assume_link="1",
            gap_s=0.03,
            undo_s=0.03,
        )


def _lasting(stack: contextlib.ExitStack, words: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """A server for as long as the stack."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    server = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=folder, env=environment
    )
    stack.callback(server.wait, 10)
    stack.callback(server.kill)
    return server


def _wait(what: str, comes: Callable[[], bool]) -> None:
    until_s = now_s() + 20
    while not comes():
        if now_s() > until_s:
            raise Missing(f"{what} does not come up")
        time.sleep(0.02)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def iptables(state: Path) -> Iterator[System]:
    """A Redis in a network namespace of its own; rules drop or reject what goes to it."""
    if os.geteuid() or not shutil.which("ip") or not shutil.which("iptables"):
        raise Missing("needs root, ip and iptables")
    name = f"campaign{uuid.uuid4().hex[:6]}"
    with contextlib.ExitStack() as stack:
        run("ip", "netns", "add", name)
        stack.callback(run, "ip", "netns", "del", name)
        run("ip", "netns", "exec", name, "ip", "link", "set", "lo", "up")
        inside = ["ip", "netns", "exec", name]
        server = subprocess.Popen(
            [*inside, "redis-server", "--port", "6379", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        stack.callback(server.wait, 10)
        stack.callback(server.kill)
        target = state / "iptables.toml"
        target.write_text(
            'name = "iptables"\n[services.redis]\naddress = "127.0.0.1:6379"\n'
            'dsn = "redis://127.0.0.1:6379"\nnet = { interface = "lo" }\n'
            'control = { process = "redis-server *:6379", start = ["redis-server", "--port", "6379"] }\n'
        )
        within_s = now_s() + 10
        while not _in_namespace(name, pings_redis, "127.0.0.1", 6379):
            if now_s() > within_s:
                raise Missing("no Redis comes up in the namespace")
        queues = ["tbf_redis", *(["netem_redis"] if _has_netem(inside) else [])] if shutil.which("tc") else []
        runs = own_experiments("drop_redis", "reject_redis", *queues)
        before = _queues(name)
        yield System(
            "iptables",
            target,
            [
                Look("redis", partial(_in_namespace, name, pings_redis, "127.0.0.1", 6379), 0.02),
                Look("rules", partial(_has_no_rule, name), 0.2),
                *([Look("queues", lambda: _queues(name) == before, 0.1)] if queues else []),
            ],
            runs,
            {server.pid},
            assume_link="1",
            prefix=inside,
            gap_s=0.012,
            undo_s=0.02,
        )


def run(*words: str) -> None:
    """A command that has to succeed."""
    subprocess.run(words, capture_output=True, timeout=30, check=True)


def _has_no_rule(name: str) -> bool:
    seen = subprocess.run(
        ["ip", "netns", "exec", name, "iptables-save"], capture_output=True, text=True, timeout=10, check=False
    )
    return "blackstart" not in seen.stdout


def _has_netem(inside: list[str]) -> bool:
    """Whether this kernel can delay packets: tried on a namespace of ours, and taken back."""
    words = [*inside, "tc", "qdisc", "{}", "dev", "lo", "root", "netem", "delay", "1ms"]
    tried = [
        subprocess.run([verb if word == "{}" else word for word in words], capture_output=True, timeout=10, check=False)
        for verb in ("add", "del")
    ]
    return not tried[0].returncode


def _queues(name: str) -> str:
    """The queues of the namespace's loopback."""
    words = ["ip", "netns", "exec", name, "tc", "qdisc", "show", "dev", "lo"]
    return subprocess.run(words, capture_output=True, text=True, timeout=10, check=False).stdout


def _in_namespace(name: str, ask: object, *more: object) -> bool:
    """Asked by a thread that has moved into the namespace: sockets made there are in it."""
    import ctypes  # noqa: PLC0415

    handle = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(handle)
    assert callable(ask)
    return bool(ask(*more))

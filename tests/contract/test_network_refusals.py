"""Whole runs of network faults whose proxy is not there, or says no: refused or inconclusive, with the reason."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from blackstart.faults.cut import Cut
from blackstart.faults.latency import Latency
from blackstart.safety.ledger.ledger import Ledger
from tests.contract.fault_proxies import FaultProxy
from tests.contract.network_runs import NetworkRun, through, untouched
from tests.services import free_port

pytestmark = pytest.mark.slow


@contextmanager
def refusing(proxy: FaultProxy, why: str) -> Iterator[str]:
    """An API that answers as the proxy does, but adds nothing."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            told = None if self.command == "POST" else proxy.call(self.command, self.path)
            body = f'{{"error": "{why}", "status": 500}}'.encode() if told is None else told.content
            self.send_response(500 if told is None else told.status_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = handle_one

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_proxy_that_is_not_there_is_a_refusal(proxy: FaultProxy, upstream: int, tmp_path: Path) -> None:
    target = {**through(proxy, upstream, upstream), "proxy": f"http://127.0.0.1:{free_port()}"}
    run = NetworkRun(tmp_path, Cut("redis"), target)
    assert run.end() == 40
    assert "Not started: the fault proxy of redis can't be used" in run.text


def test_a_toxic_of_our_name_that_is_there_already_is_a_refusal(upstream: int, tmp_path: Path) -> None:
    """What is not ours stays."""
    proxy = FaultProxy("embedded")
    try:
        port = proxy.proxy_to(upstream, "redis")
        proxy.call(
            "POST", "/proxies/redis/toxics", {"type": "noop", "name": "blackstart.test.redis.latency_downstream"}
        )
        run = NetworkRun(tmp_path, Latency("redis", 300), through(proxy, port, upstream))
        assert run.end() == 40, run.text
        assert "does not look healthy to begin with" in run.text
    finally:
        proxy.close()


def test_a_proxy_that_refuses_the_toxic_makes_the_run_inconclusive(
    proxy: FaultProxy, upstream: int, tmp_path: Path
) -> None:
    port = proxy.proxy_to(upstream, "redis")
    with refusing(proxy, "out of memory") as url:
        run = NetworkRun(tmp_path, Latency("redis", 300), {**through(proxy, port, upstream), "proxy": url})
        assert run.end() == 30, run.text
    assert "500" in run.text and "out of memory" in run.text
    assert untouched(proxy) and run.guardian_gone(10) and Ledger().outstanding() == []

"""PromQL against a real Prometheus that scrapes a small exporter."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from blackstart.base.clock import now_s
from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget
from blackstart.model.expect import always, never
from blackstart.model.expect import eventually as until
from blackstart.model.reading import Answer
from blackstart.model.target import Target
from blackstart.probes.promql import PromQL
from blackstart.probes.read import read_once
from blackstart.verdict.expectation_monitor import Monitor
from tests.requirements import require
from tests.services import eventually
from tests.unit.probes.servers import answering, free_port, http, requests_of, serving

PAGE = b"""trader_is_leader{instance_id="a"} 1.0
orders_total{status="ok"} 3
orders_total{status="bad"} 4
never_a_number NaN
"""
ONE_SERIES = (
    b'{"status": "success", "data": {"resultType": "vector", '
    b'"result": [{"metric": {"job": "shop"}, "value": [1700000000, "3"]}]}}'
)


class Exporter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Target, subprocess.Popen[bytes]]]:
    require("prometheus")
    folder: Path = tmp_path_factory.mktemp("prometheus")
    exporter = ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    port = free_port()
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "lab", "static_configs": [{"targets": [f"127.0.0.1:{exporter.server_port}"]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    binary = shutil.which("prometheus") or "prometheus"
    flags = {"config.file": folder / "prometheus.yml", "storage.tsdb.path": folder / "data",
             "web.listen-address": f"127.0.0.1:{port}"}  # fmt: skip
    argv = [binary, *(f"--{name}={value}" for name, value in flags.items())]
    server = subprocess.Popen(argv, stderr=(folder / "log").open("wb"))
    target = Target("lab", prometheus=f"http://127.0.0.1:{port}/")
    try:
        limit = time.monotonic() + 60
        while read_once(PromQL("orders_total", "count").bind(target), 2.0).value != 2:
            assert time.monotonic() < limit, (folder / "log").read_text()[-2000:]
            time.sleep(0.1)
        yield target, server
    finally:
        server.send_signal(signal.SIGCONT)
        server.kill()
        server.wait(10)
        exporter.shutdown()
        exporter.server_close()


def ask(target: Target, query: str, aggregate: str | None = None) -> tuple[str, object, str]:
    reading = read_once(PromQL(query, aggregate).bind(target), 5.0)  # type: ignore[arg-type]
    return reading.kind, reading.value, reading.note


@pytest.mark.prometheus
def test_expression_is_a_number(prometheus: tuple[Target, object]) -> None:
    target, _ = prometheus
    assert ask(target, "trader_is_leader") == ("value", 1.0, "")
    assert ask(target, "sum(orders_total) * 2") == ("value", 14.0, "")
    assert ask(target, "scalar(sum(orders_total))") == ("value", 7.0, "")
    assert ask(target, "orders_total", "max") == ("value", 4.0, "")
    assert ask(target, "never_a_number") == ("absent", None, "NaN is no number")


@pytest.mark.prometheus
def test_empty_result_is_absent_and_never_zero(prometheus: tuple[Target, object]) -> None:
    target, _ = prometheus
    kind, value, note = ask(target, "no_such_series", "sum")
    assert (kind, value) == ("absent", None)
    assert "no_such_series" in note


@pytest.mark.prometheus
def test_several_series_without_an_aggregate_are_unreadable_and_named(prometheus: tuple[Target, object]) -> None:
    target, _ = prometheus
    kind, _, note = ask(target, "orders_total")
    assert kind == "unreadable"
    assert 'status="ok"' in note
    assert 'status="bad"' in note


@pytest.mark.prometheus
def test_a_wrong_expression_and_a_range_are_unreadable(prometheus: tuple[Target, object]) -> None:
    target, _ = prometheus
    kind, _, note = ask(target, "sum(")
    assert kind == "unreadable"
    assert "400" in note
    assert ask(target, "orders_total[5m]")[0] == "unreadable"
    assert ask(target, '"text"')[0] == "unreadable"
    assert ask(target, "scalar(no_such_series)")[0] == "absent"


@pytest.mark.prometheus
def test_frozen_prometheus_is_unreadable_within_the_limit(
    prometheus: tuple[Target, subprocess.Popen[bytes]],
) -> None:
    target, server = prometheus
    server.send_signal(signal.SIGSTOP)
    assert eventually(lambda: psutil.Process(server.pid).status() == psutil.STATUS_STOPPED)
    try:
        begun = time.monotonic()
        reading = read_once(PromQL("up").bind(target), 0.5)
        assert reading.kind == "unreadable" and "timed out" in reading.note
        assert time.monotonic() - begun < 4
    finally:
        server.send_signal(signal.SIGCONT)
    assert read_once(PromQL("up").bind(target), 5.0).kind == "value"


def test_prometheus_that_is_not_there_and_a_stranger_tell_nothing_of_the_target() -> None:
    kind, _, note = ask(Target("t", prometheus=f"http://127.0.0.1:{free_port()}"), "up")
    assert kind == "unreadable"
    assert "refused" in note
    assert ask(Target("t", prometheus="localhost:9090"), "up")[0] == "unreadable"
    with serving(answering(http(b"<html>"))) as port:
        assert ask(Target("t", prometheus=f"http://127.0.0.1:{port}"), "up")[0] == "unreadable"
    with serving(answering(http(b'{"data": {"result": 5}}'))) as port:
        assert ask(Target("t", prometheus=f"http://127.0.0.1:{port}"), "up")[0] == "unreadable"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        pytest.param("http://127.0.0.1:PORT/prometheus", "value", id="23-prometheus-behind-a-prefix"),
        pytest.param("http://127.0.0.1:PORT/prometheus/", "value", id="23-prometheus-behind-a-prefix-and-a-slash"),
        pytest.param("http://ops:hunter2@127.0.0.1:PORT/tenant/x", "unreadable", id="23-prometheus-behind-another"),
        pytest.param("http://127.0.0.1:PORT", "unreadable", id="23-prometheus-behind-a-prefix-that-is-left-out"),
    ],
)
def test_the_path_before_the_api_is_kept_and_a_404_is_told_with_its_url(url: str, kind: str) -> None:
    heads: list[bytes] = []

    def behind_a_prefix(conn: socket.socket) -> None:
        for head in requests_of(conn):
            heads.append(head)
            found = head.startswith(b"GET /prometheus/api/v1/query?query=open_breakers ")
            conn.sendall(http(ONE_SERIES) if found else http(b"{}", "404 Not Found"))

    with serving(behind_a_prefix) as port:
        told = url.replace("PORT", str(port))
        seen = ask(Target("t", prometheus=told), "open_breakers")
    assert seen[0] == kind and len(heads) == 1, heads
    if kind == "value":
        assert seen[1:] == (3.0, "")
    else:
        asked = told.replace("ops:hunter2@", "")
        assert "404" in seen[2] and seen[2].endswith(f"of {asked}/api/v1/query")


def test_answer_larger_than_the_limit_is_unreadable() -> None:
    with serving(answering(http(b"x" * (5 * 1024 * 1024)))) as port:
        kind, _, note = ask(Target("t", prometheus=f"http://127.0.0.1:{port}"), "up")
    assert kind == "unreadable"
    assert "larger than" in note


def test_a_prometheus_that_is_away_breaks_no_always_and_keeps_no_never() -> None:
    probe = PromQL("errors").bind(Target("t", prometheus=f"http://127.0.0.1:{free_port()}"))
    for expectation in (always(probe.is_(0)), never(probe.above(0)), until(probe.is_(0), within_s=0.1)):
        monitor = Monitor(expectation, "always", now_s(), anchor_s=now_s())
        for _ in range(3):
            monitor.feed(read_once(probe, 2.0), 1.0)
        finding = monitor.finish(now_s() + 0.2)
        assert finding.status == "inconclusive" and "refused" in finding.message, finding


def test_probe_is_plain_and_needs_a_prometheus() -> None:
    bound = PromQL("up", "sum").bind(Target("t", prometheus="http://h:9090/"))
    assert bound.prometheus == "http://h:9090"
    assert from_data(json.loads(json.dumps(to_data(bound)))) == bound
    with pytest.raises(BadTarget, match="no prometheus"):
        PromQL("up").bind(Target("t"))
    assert PromQL("up").pick(Answer("answer", []))[0] == "absent"

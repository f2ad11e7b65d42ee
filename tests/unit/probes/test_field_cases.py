"""What people have told of in public of pages and servers that probes read: what is read of them, and what it means.

Each id begins with the number and the name of the case in the collection of such reports.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from blackstart.base import clock
from blackstart.base.trust import VARIABLES
from blackstart.faults.pause import Pause
from blackstart.model.expect import Condition, Conditions, always, never
from blackstart.model.reading import Reading
from blackstart.model.target import Service, Target
from blackstart.probes.http import HttpJson
from blackstart.probes.in_container import RedisInContainer
from blackstart.probes.metrics import Metric
from blackstart.probes.promql import PromQL
from blackstart.probes.read import read_once
from blackstart.probes.redis_ping import RedisPing
from blackstart.probes.redis_value import RedisCommand
from blackstart.probes.sql import SqlScalar
from blackstart.verdict.expectation_monitor import Monitor
from tests import certificates
from tests.requirements import require
from tests.services import redis_server
from tests.unit.probes.servers import answering, free_port, http, serving
from tests.unit.probes.test_in_container import ENGINE


def judged(reading: Reading, condition: Condition) -> tuple[str, str]:
    """What `always` and `never` make of it where it is all that is ever read, for longer than a flicker."""
    found = []
    for made in (always(condition, name="x"), never(condition, name="x")):
        began_s = clock.now_s()
        monitor = Monitor(made, "always", began_s, anchor_s=began_s)
        for number in range(40):
            at_s = began_s + number / 10
            monitor.feed(Reading(reading.probe, reading.kind, at_s, at_s, reading.value, reading.note), 0.1)
        found.append(monitor.finish(began_s + 4.0).status)
    return found[0], found[1]


READ = ("held", "broke")
OURS = ("inconclusive", "inconclusive")
"""What we can't read is not observed: it neither accuses the target nor lets it pass."""
THEIRS = ("broke", "inconclusive")

# ---------------------------------------------------------------- pages of metrics

EXEMPLARS = (
    '# TYPE jobs histogram\njobs_bucket{le="0.1"} 1 # {trace_id="ab12"} 0.06\n'
    'jobs_bucket{le="+Inf"} 3 # {trace_id="cd34"} 7.5 1.6e9\njobs_sum{} 3.25\njobs_count{} 3\n# EOF\n'
)
STAMPS = "seen 800.1 1719898389938\nseen 600.1 1719898393939\nseen 3 1719898397940\n"
UTF8 = '{"http.server.open", "service.name"="shop"} 3\nseen{"service.name"="shop"} 3\n'
FILLER = "".join(f'filler_total{{n="{number:012d}"}} 1\n' for number in range(5_500_000 // 32))
PLAIN, PACKED = ("Content-Type: text/plain",), ("Content-Type: text/plain", "Content-Encoding: gzip")
PAGES: dict[str, tuple[Conditions, object, bytes, tuple[str, ...]]] = {
    "exemplar": (Metric("jobs_bucket", {"le": "+Inf"}), 3, EXEMPLARS.encode(), PLAIN),
    "exemplar_sum": (Metric("jobs_sum"), 3.25, EXEMPLARS.encode(), PLAIN),
    "stamps": (Metric("seen"), 3, STAMPS.encode(), PLAIN),
    "same": (Metric("info", {"a": "x"}), 1, b'info{a="x"} 1.0\ninfo{a="y"} 1.0\ninfo{a="x"} 1.0\n', PLAIN),
    "gzip": (Metric("seen"), 3, gzip.compress(b"seen 3\n"), PACKED),
    "utf8label": (Metric("seen"), 3, UTF8.encode(), PLAIN),
    "utf8name": (Metric("http.server.open"), 3, UTF8.encode(), PLAIN),
    "large": (Metric("seen"), 3, f"seen 3\n{FILLER}".encode(), PLAIN),
    "large-and-gzip": (Metric("seen"), 3, gzip.compress(f"seen 3\n{FILLER}".encode(), 1), PACKED),
    "hex": (Metric("seen"), 3, b"seen 0x3p0\n", PLAIN),
}


def below(probe: Any, port: int) -> Any:
    return probe.bind(Target("thing", api=f"http://127.0.0.1:{port}", prometheus=f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("probe", "value", "body", "headers"), PAGES.values(), ids=[f"11-metrics-pages-{name}" for name in PAGES]
)
def test_a_page_that_prometheus_reads_is_read(probe: Any, value: object, body: bytes, headers: tuple[str, ...]) -> None:
    with serving(answering(http(body, "200 OK", *headers))) as port:
        reading = read_once(below(probe, port), 10.0)
    assert (reading.kind, reading.value) == ("value", value), reading.note
    assert judged(reading, probe.is_(value)) == READ


@pytest.mark.parametrize(
    ("probe", "body", "told", "means"),
    [
        pytest.param(
            Metric("seen"), b"\xef\xbb\xbfseen 3\n", r"not Prometheus text, line 1: '\ufeffseen 3'", OURS,
            id="11-metrics-pages-bom",
        ),
        pytest.param(Metric("seen"), b'{"status": "UP"}', "not Prometheus text", THEIRS, id="11-metrics-pages-json"),
        pytest.param(
            HttpJson("/html", "status"), b"<html><body>Sign in</body></html>", "not JSON", THEIRS,
            id="11-metrics-pages-html",
        ),
    ],
)  # fmt: skip
def test_a_page_that_is_none_is_told_as_that(probe: Any, body: bytes, told: str, means: tuple[str, str]) -> None:
    with serving(answering(http(body, "200 OK", *PLAIN))) as port:
        reading = read_once(below(probe, port), 5.0)
    assert told in reading.note
    assert judged(reading, probe.is_(3)) == means


# ---------------------------------------------------------------- queries that give no number

MATRIX = {"resultType": "matrix", "result": [{"metric": {}, "values": [[1700000000, "3"]]}]}
TWO = [{"metric": {"pod": pod}, "value": [1700000000, "0"]} for pod in ("a", "b")]
QUERIES: dict[str, tuple[dict[str, object], str]] = {
    "27-promql-that-gives-no-number-a-range": (MATRIX, "a range, of which a function such as rate() makes a number"),
    "27-promql-that-gives-no-number-two-series": ({"resultType": "vector", "result": TWO}, 'pod="a"'),
    "23-prometheus-behind-a-prefix-a-text": (
        {"resultType": "string", "result": [1700000000, "three"]}, "not a vector or scalar"),
    "23-prometheus-behind-a-prefix-nan": (
        {"resultType": "vector", "result": [{"metric": {}, "value": [1700000000, "NaN"]}]}, "NaN is no number"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "told"), QUERIES.values(), ids=QUERIES)
def test_a_query_that_gives_no_number_is_the_querys_mistake(data: dict[str, object], told: str) -> None:
    body = json.dumps({"status": "success", "data": data}).encode()
    with serving(answering(http(body, "200 OK", "Content-Type: application/json"))) as port:
        reading = read_once(below(PromQL("errors_total", name="q"), port), 5.0)
    assert told in reading.note, reading
    assert judged(reading, PromQL("errors_total", name="q").is_(0)) == OURS
    assert judged(reading, PromQL("errors_total", name="q").above(0)) == OURS


def test_a_query_with_a_warning_is_a_number_all_the_same() -> None:
    """23: `PromQL info: metric might not be a counter`."""
    told = {"resultType": "scalar", "result": [1700000000, "3"]}
    body = json.dumps({"status": "success", "warnings": ["PromQL info: might not be a counter"], "data": told}).encode()
    with serving(answering(http(body))) as port:
        assert read_once(below(PromQL("errors_total", name="q"), port), 5.0).value == 3


# ---------------------------------------------------------------- a database by its socket


@pytest.mark.parametrize(
    "dsn",
    [
        pytest.param("postgresql:///shop?host={}&port=5433&user=shop", id="05-unix-socket-dsn"),
        pytest.param("postgresql+asyncpg:///shop?host={}&port=5433&user=shop", id="05-unix-socket-dsn-with-a-driver"),
        pytest.param("postgresql://shop@{}/shop?port=5433", id="05-unix-socket-dsn-encoded"),
        pytest.param("host={} port=5433 user=shop dbname=shop\n", id="05-unix-socket-dsn-in-words"),
    ],
)
def test_a_database_is_asked_at_its_socket(tmp_path: Path, dsn: str) -> None:
    """One that has just been started: what it says has come by no other way."""
    fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
    seen: list[bytes] = []

    def answer() -> None:
        with contextlib.suppress(OSError):
            conn, _ = server.accept()
            with conn:
                seen.append(conn.recv(1000))
                conn.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / ".s.PGSQL.5433"))
        server.listen()
        server.settimeout(10)
        thread = threading.Thread(target=answer)
        thread.start()
        folder = quote(str(tmp_path), safe="") if "@{}" in dsn else str(tmp_path)
        database = Service("postgres", dsn=dsn.format(folder))
        reading = read_once(SqlScalar("select 1").bind(Target("t", services={"postgres": database})), 5.0)
        thread.join(15)
    assert b"user\0shop\0" in seen[0] and b"database\0shop\0" in seen[0]
    assert reading.kind == "unreachable" and "starting up" in reading.note


# ---------------------------------------------------------------- real servers of Redis


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Any]:
    servers: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        argv = [redis_server(), "--save", "", "--dir", str(tmp_path), *words]
        servers.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()
        server.wait(10)


def wait_for(probe: Any, value: str, server: subprocess.Popen[bytes] | None = None) -> None:
    limit = time.monotonic() + 30
    while (reading := read_once(probe, 2.0)).value != value:
        if server and server.poll() is not None:
            pytest.skip("needs a redis-server that was built with TLS")
        assert time.monotonic() < limit, reading
        time.sleep(0.05)


@pytest.mark.parametrize("name", [pytest.param("never_poisoned", id="26-errors-of-redis-cli-as-values")])
def test_an_error_that_redis_cli_prints_is_no_value_that_holds(
    started: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """redis-cli ends with 0 although the server wants a password, and what must never be there is."""
    require("redis-cli")
    port, cli = free_port(), shutil.which("redis-cli")
    started("--port", str(port), "--requirepass", "kW9xTq7Zp4mVb")
    wait_for(RedisPing(dsn=f"redis://127.0.0.1:{port}"), "NOAUTH")
    for tool, text in {
        "engine": ENGINE.replace("BIN", str(tmp_path)),
        "redis-cli": f'#!/bin/sh\nexec {cli} -p {port} "$@"\n',
    }.items():
        (tmp_path / tool).write_text(text)
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("CONTAINER_ENGINE", str(tmp_path / "engine"))
    cache = Service("redis", control={"compose": "redis", "project": "shop"})
    poisoned = RedisInContainer(("EXISTS", "poison"), name=name).bind(Target("thing", services={"redis": cache}))
    reading = read_once(poisoned, 5.0)
    assert reading.kind == "unreadable" and "NOAUTH" in reading.note
    assert judged(reading, poisoned.is_("1")) == OURS


@pytest.mark.parametrize(
    "by",
    [
        pytest.param("?ssl_cert_reqs=none", id="08-redis-tls-self-signed-not-checked"),
        pytest.param("?ssl_ca_certs=CERTIFICATE", id="08-redis-tls-self-signed-named"),
        pytest.param("SSL_CERT_FILE", id="08-redis-tls-self-signed-trusted-by-the-shell"),
        pytest.param("", id="08-redis-tls-self-signed-not-trusted"),
    ],
)
def test_a_redis_with_a_certificate_of_its_own_is_read_alike_by_probes_and_proofs(
    started: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    (key, made), port = certificates.made(tmp_path), free_port()
    words = {"--port": "0", "--tls-port": str(port), "--tls-cert-file": made, "--tls-key-file": key,
             "--tls-ca-cert-file": made, "--tls-auth-clients": "no"}  # fmt: skip
    server = started(*(str(word) for pair in words.items() for word in pair))
    wait_for(RedisPing(dsn=f"rediss://localhost:{port}?ssl_cert_reqs=none"), "PONG", server)
    if by in VARIABLES:
        monkeypatch.setenv(by, str(made))
    query = "" if by in VARIABLES else by.replace("CERTIFICATE", str(made))
    (tmp_path / "redis.pid").write_text(str(server.pid))
    control = {"pidfile": str(tmp_path / "redis.pid"), "start": ["true"]}
    redis = Service("redis", f"localhost:{port}", dsn=f"rediss://localhost:{port}/0{query}", control=control)
    target = Target("thing", services={"redis": redis})
    asked = (RedisPing(), RedisCommand(("DBSIZE",)), RedisCommand(("INFO",), field="redis_mode"))
    readings = [read_once(probe.bind(target), 5.0) for probe in asked]  # type: ignore[attr-defined]
    if not by:
        assert {reading.kind for reading in readings} == {"unreadable"}
        assert all("not trusted" in reading.note and "SSL_CERT_FILE" in reading.note for reading in readings)
        return
    assert [reading.value for reading in readings] == ["PONG", 0, "standalone"], readings
    (change,) = Pause("redis").plan(target)
    assert [str(one) for one in change.gone if not one.matches(read_once(one.probe, 5.0))] == []

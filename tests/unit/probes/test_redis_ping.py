"""The PING probe against a real Redis and against what is none."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget
from blackstart.model.target import Service, Target
from blackstart.probes.read import read_once
from blackstart.probes.redis_ping import RedisPing
from tests.services import redis_server
from tests.unit.probes.servers import answering, free_port, serving, target_on


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = free_port()
    argv = [redis_server(), "--port", str(port), "--save", "", "--dir", str(tmp_path), "--requirepass", "se cret"]
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        yield port, server
    finally:
        server.kill()
        server.wait(10)


def ping(dsn: str, timeout_s: float = 2.0) -> tuple[str, object, str]:
    reading = read_once(RedisPing(dsn=dsn), timeout_s)
    return reading.kind, reading.value, reading.note


def wait_for_pong(dsn: str) -> None:
    limit = time.monotonic() + 30
    while ping(dsn)[1] != "PONG":
        assert time.monotonic() < limit, ping(dsn)
        time.sleep(0.02)


def test_real_redis_answers_is_timed_out_when_frozen_and_unreachable_when_killed(
    redis: tuple[int, subprocess.Popen[bytes]],
) -> None:
    port, server = redis
    dsn = f"redis://:se%20cret@127.0.0.1:{port}/0"
    wait_for_pong(dsn)
    reader = RedisPing(dsn=dsn).endpoint().open()
    assert reader.read(2).body == "PONG"
    os.kill(server.pid, signal.SIGSTOP)
    begun = time.monotonic()
    assert reader.read(0.3).kind == "timed_out"
    assert time.monotonic() - begun < 5
    os.kill(server.pid, signal.SIGCONT)
    assert reader.read(2).body == "PONG"
    server.kill()
    server.wait(10)
    assert reader.read(2).kind == "unreachable"
    reader.close()


def test_missing_and_wrong_password_are_never_a_pong(redis: tuple[int, subprocess.Popen[bytes]]) -> None:
    port, _ = redis
    wait_for_pong(f"redis://:se%20cret@127.0.0.1:{port}")
    assert ping(f"redis://127.0.0.1:{port}")[:2] == ("value", "NOAUTH")
    kind, _, note = ping(f"redis://:wr0ngpass@127.0.0.1:{port}")
    assert kind == "unreadable"
    assert "WRONGPASS" in note
    assert "wr0ngpass" not in note


def test_loading_redis_says_so() -> None:
    def handle(conn: object) -> None:
        conn.recv(100)  # type: ignore[attr-defined]
        conn.sendall(b"-LOADING Redis is loading the dataset in memory\r\n")  # type: ignore[attr-defined]

    with serving(handle) as port:
        assert ping(f"redis://127.0.0.1:{port}") == (
            "value",
            "LOADING",
            "LOADING Redis is loading the dataset in memory",
        )


def test_redis_that_takes_no_more_clients_answers_that(redis: tuple[int, subprocess.Popen[bytes]]) -> None:
    port, _ = redis
    dsn = f"redis://:se%20cret@127.0.0.1:{port}"
    wait_for_pong(dsn)
    with Redis(port=port, password="se cret") as held:
        held.config_set("maxclients", 1)
        assert ping(f"redis://127.0.0.1:{port}") == ("value", "MAXCLIENTS", "ERR max number of clients reached")


def test_port_that_takes_and_drops_connections_is_unreachable() -> None:
    with serving(lambda conn: None) as port:
        assert ping(f"redis://127.0.0.1:{port}")[0] == "unreachable"


def test_web_server_is_not_redis() -> None:
    with serving(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n", close=True)) as port:
        kind, _, note = ping(f"redis://127.0.0.1:{port}", 0.5)
    assert kind in ("malformed", "timed_out"), note


def test_dsn_is_the_services_or_made_of_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert RedisPing().bind(target_on(7)).dsn == "redis://127.0.0.1:7"
    monkeypatch.setenv("TEST_REDIS", "redis://:hunter22@h:1/0")
    by_reference = Target("t", services={"redis": Service("redis", dsn="env:TEST_REDIS")})
    bound = RedisPing().bind(by_reference)
    assert bound.dsn == "env:TEST_REDIS"
    assert from_data(json.loads(json.dumps(to_data(bound)))) == bound
    assert "hunter22" not in RedisPing(dsn="redis://:hunter22@h:1/0").endpoint().describe()


@pytest.mark.parametrize(
    "service", [Service("redis"), Service("redis", dsn="http://x"), Service("redis", dsn="env:NOT_SET")]
)
def test_service_that_gives_no_redis_is_refused(service: Service) -> None:
    with pytest.raises(BadTarget):
        RedisPing().bind(Target("t", services={"redis": service}))

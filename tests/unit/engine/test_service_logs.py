"""What the services' own logs said during a run, and not before it, and without our own reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blackstart.engine import service_logs
from blackstart.model.target import Service, Target


def target(path: Path) -> Target:
    return Target("shop", services={"redis": Service("redis", log=str(path)), "silent": Service("silent")})


def test_only_lines_of_the_time_of_the_run_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "redis.log"
    log.write_text("Redis is starting\nReady to accept connections\n")
    before = service_logs.mark(target(log))
    assert dict(service_logs.tails(target(log), before)) == {}
    with log.open("a") as file:
        file.write("Connection lost\n")
    assert dict(service_logs.tails(target(log), before)) == {"redis": ["Connection lost"]}


def test_a_log_that_was_begun_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "redis.log"
    log.write_text("long ago\n" * 100)
    before = service_logs.mark(target(log))
    log.write_text("Restarted\n")
    assert dict(service_logs.tails(target(log), before)) == {"redis": ["Restarted"]}


def test_a_log_that_is_not_there_yet_is_read_once_it_is(tmp_path: Path) -> None:
    log = tmp_path / "redis.log"
    before = service_logs.mark(target(log))
    log.write_text("Here\n")
    assert dict(service_logs.tails(target(log), before)) == {"redis": ["Here"]}


UVICORN = """INFO:     172.18.0.1:41 - "GET /ready HTTP/1.1" 503 Service Unavailable
ERROR: leader lock lost
INFO:     172.18.0.1:42 - "GET /ready?full=1 HTTP/1.1" 200 OK
INFO:     172.18.0.1:43 - "GET /readyz HTTP/1.1" 200 OK
INFO:     172.18.0.1:44 - "POST /orders HTTP/1.1" 201 Created
172.18.0.1 - - "GET /elsewhere HTTP/1.1" 200 "-" "blackstart/0.1.0"
"""


def test_our_own_reads_are_left_out_and_nobody_elses(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.touch()
    begun = service_logs.mark(target(log))
    log.write_text(UVICORN + UVICORN.splitlines()[0] * 300)
    (found,) = dict(service_logs.tails(target(log), begun, {"/ready"})).values()
    assert [line.partition(" - ")[2] or line for line in found] == [
        "ERROR: leader lock lost", '"GET /readyz HTTP/1.1" 200 OK', '"POST /orders HTTP/1.1" 201 Created',
    ]  # fmt: skip


ENGINE = """#!/bin/sh
case "$*" in
"ps -a --no-trunc"*) printf 'redis\\trunning\\t\\t\\t\\t0af9\\n' ;;
"ps -aq"*) echo 0af9 ;;
"ps -q --filter publish=8000") echo 1bc2 ;;
"logs --tail 400 --since 20"*Z" 0af9") echo "Redis is ready" ;;
"logs --tail 400 --since 20"*Z" 1bc2") echo "the API lost its lock" >&2 ;;
*) echo "$*" >&2; exit 1 ;;
esac
"""


@pytest.mark.parametrize("api", ["http://localhost:8000", "http://localhost:8001", ""])
def test_of_containers_the_lines_since_the_run_began_are_asked_for_and_the_apis_are_among_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: str
) -> None:
    engine = tmp_path / "docker"
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    shop = Target("shop", api=api, services={"redis": Service("redis", control={"docker": "redis"})})
    found = dict(service_logs.tails(shop, service_logs.mark(shop)))
    assert found.pop("redis") == ["Redis is ready"]
    assert found == ({"api": ["the API lost its lock"]} if api.endswith("8000") else {})

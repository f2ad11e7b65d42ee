"""What the services' own logs said during a run, and not before it."""

from __future__ import annotations

from pathlib import Path

from blackstart.engine import service_logs
from blackstart.model.target import Service, Target


def target(path: Path) -> Target:
    return Target("shop", services={"redis": Service("redis", log=str(path)), "silent": Service("silent")})


def test_only_lines_of_the_time_of_the_run_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "redis.log"
    log.write_text("Redis is starting\nReady to accept connections\n")
    before = service_logs.sizes(target(log))
    assert dict(service_logs.tails(target(log), before)) == {}
    with log.open("a") as file:
        file.write("Connection lost\n")
    assert dict(service_logs.tails(target(log), before)) == {"redis": ["Connection lost"]}


def test_a_log_that_was_begun_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "redis.log"
    log.write_text("long ago\n" * 100)
    before = service_logs.sizes(target(log))
    log.write_text("Restarted\n")
    assert dict(service_logs.tails(target(log), before)) == {"redis": ["Restarted"]}


def test_a_log_that_is_not_there_yet_is_read_once_it_is(tmp_path: Path) -> None:
    log = tmp_path / "redis.log"
    before = service_logs.sizes(target(log))
    log.write_text("Here\n")
    assert dict(service_logs.tails(target(log), before)) == {"redis": ["Here"]}

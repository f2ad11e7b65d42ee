"""What services are set to, read of real ones: and what is set otherwise shows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from blackstart import controls
from blackstart.model.target import Service
from blackstart.probes import settings
from tests.docker_engine import docker, redis_container
from tests.postgres import postgres_server
from tests.requirements import require
from tests.services import eventually, free_port, pings, redis_server

WITHIN_S = 5.0


@pytest.fixture
def server() -> Iterator[int]:
    port = free_port()
    child = subprocess.Popen([redis_server(), "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL)
    try:
        assert eventually(lambda: pings(port))
        yield port
    finally:
        child.kill()
        child.wait()


def other(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str | None, str | None]]:
    return {
        name: (before.get(name), after.get(name)) for name in {*before, *after} if before.get(name) != after.get(name)
    }


def test_a_redis_tells_what_was_set_while_it_runs(server: int) -> None:
    service = Service("cache", dsn=f"redis://127.0.0.1:{server}/3")
    before = settings.of(service, WITHIN_S)
    assert {"maxmemory", "maxmemory-policy", "save", "appendonly", "maxclients"} <= before.keys()
    with redis.Redis(port=server) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    assert other(before, settings.of(service, WITHIN_S)) == {"maxmemory-policy": ("noeviction", "allkeys-lru")}


def test_a_postgres_tells_what_it_was_given_and_nothing_of_the_session_that_asks(tmp_path: Path) -> None:
    with postgres_server(tmp_path, "book") as port:
        service = Service("db", dsn=f"postgresql://book@127.0.0.1:{port}/book")
        before = settings.of(service, WITHIN_S)
        assert before["fsync"] == "off" and before["statement_timeout"] == "0"
        with psycopg.connect(service.dsn, autocommit=True) as client:
            client.execute("ALTER SYSTEM SET work_mem = '9MB'")
            client.execute("SELECT pg_reload_conf()")
        assert eventually(lambda: other(before, settings.of(service, WITHIN_S)) == {"work_mem": ("4096", "9216")})


def test_one_that_does_not_answer_is_told_from_one_that_does_not_tell(server: int) -> None:
    with redis.Redis(port=server) as client:
        client.acl_setuser("guest", enabled=True, nopass=True, commands=["+ping"])
    assert settings.of(Service("cache", dsn=f"redis://guest:x@127.0.0.1:{server}"), WITHIN_S) == {}
    assert settings.of(Service("cache", address=f"127.0.0.1:{server}"), WITHIN_S) == {}
    with pytest.raises(LookupError, match="unreachable"):
        settings.of(Service("cache", dsn=f"redis://127.0.0.1:{free_port()}"), WITHIN_S)


@pytest.mark.docker
def test_a_container_tells_its_image_its_limits_and_its_restart_policy() -> None:
    require("docker")
    with redis_container(restart="on-failure:3") as (name, _):
        control = controls.of(Service("cache", control={"docker": name})).resolve()
        before = dict(control.settings())
        assert before["image"].startswith("sha256:") and before["restart policy"] == "on-failure:3"
        assert "Memory" not in before
        docker("update", "--memory", "96m", "--memory-swap", "192m", name)
        assert other(before, dict(control.settings())).keys() == {"Memory", "MemorySwap"}

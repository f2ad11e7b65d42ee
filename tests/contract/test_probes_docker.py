"""Probes of services in real containers: their logs, and whether an address leads to them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from blackstart.model.target import Service, Target
from blackstart.probes.log_lines import LogMatches
from blackstart.safety.preflight.link_proofs import Listens, ServedByControl
from tests.docker_engine import docker, redis_container
from tests.requirements import require

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def container() -> Iterator[tuple[str, int]]:
    require("docker")
    with redis_container() as found:
        yield found


def target(name: str, port: int) -> Target:
    place = f"127.0.0.1:{port}"
    service = Service("redis", address=place, url=f"http://{place}", control={"docker": name})
    return Target("t", services={"redis": service})


def test_published_port_is_the_containers_and_another_is_not(container: tuple[str, int]) -> None:
    name, port = container
    for proof in (ServedByControl("redis"), Listens("redis")):
        assert proof.bind(target(name, port)).missing() == ""
        assert "is another server" in proof.bind(target(name, port + 1)).missing()


def test_lines_of_docker_logs_are_counted_from_the_moment_of_looking(container: tuple[str, int]) -> None:
    name, port = container
    probe = LogMatches("redis", "Ready to accept connections").bind(target(name, port))
    reader = probe.endpoint().open()
    assert reader.read(10).body == {"count": 0, "last": None}
    docker("restart", name)
    limit = time.monotonic() + 20
    while (answer := reader.read(10)).body["count"] != 1:
        assert time.monotonic() < limit, answer
        time.sleep(0.2)
    assert "Ready to accept connections" in answer.body["last"]

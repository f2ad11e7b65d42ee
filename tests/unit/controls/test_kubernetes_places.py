"""Whether what answers somewhere is one of a workload's pods."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from blackstart.controls import container_process
from blackstart.controls.kubernetes_places import not_at
from tests.unit.controls.kubernetes_objects import pod

PORTS = [{"containerPort": 6379, "hostPort": 16379}]


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pods' node is this machine."""
    monkeypatch.setattr(container_process, "main_pid", lambda container_id: 42)


@pytest.fixture
def listening() -> Iterator[int]:
    """A port of a process of this machine that is in no container."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def service(selector: dict[str, str] | None, **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "nodePort": 30080}]
    return {
        "metadata": {"name": "s"},
        "spec": {"selector": selector, "clusterIPs": ["10.96.0.9"], "ports": ports, **spec},
    }


def at(host: str, port: int, *services: dict[str, Any]) -> str:
    return not_at("the deployment shop/redis", [pod("a", ports=PORTS)], services, [host], port)


@pytest.mark.parametrize(
    ("host", "port"), [("10.1.0.7", 6379), ("localhost", 16379), ("127.0.0.1", 16379), ("1.2.3.4", 16379)]
)
@pytest.mark.usefixtures("local")
def test_a_pods_own_address_and_its_nodes_port_are_its(host: str, port: int) -> None:
    assert at(host, port) == ""


@pytest.mark.parametrize(
    ("host", "port"), [("10.96.0.9", 80), ("1.2.3.4", 30080), ("localhost", 30080), ("5.5.5.5", 80), ("6.6.6.6", 80)]
)
@pytest.mark.usefixtures("local")
def test_a_service_that_picks_the_pods_leads_to_them(host: str, port: int) -> None:
    balanced = service({"app": "redis"}, externalIPs=["5.5.5.5"])
    balanced["status"] = {"loadBalancer": {"ingress": [{"ip": "6.6.6.6"}]}}
    assert at(host, port, balanced) == ""
    for other in ({"app": "other"}, {}, None):
        assert at(host, port, service(other)) != ""


@pytest.mark.usefixtures("local")
def test_another_port_is_another_server_and_it_is_said_where_the_pods_are() -> None:
    told = at("localhost", 6380)
    assert told.endswith("so localhost:6380 is another server") and "10.1.0.7:6379" in told and "any node:16379" in told


@pytest.mark.usefixtures("local")
def test_a_process_that_is_in_none_of_its_containers_is_named(listening: int) -> None:
    assert f"port {listening} is served by process" in at("localhost", listening)


def test_where_the_nodes_are_other_machines_nothing_speaks_against_it() -> None:
    assert at("localhost", 6380) == at("redis.example.com", 6379) == ""

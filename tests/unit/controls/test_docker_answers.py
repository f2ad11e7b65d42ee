"""What a container engine prints: which ports a container has, and where it publishes them."""

import json

import pytest

from blackstart.controls.docker_answers import inner_port, not_published


@pytest.mark.parametrize(
    ("told", "published", "inner"),
    [
        ('{"6379/tcp": [{"HostIp": "127.0.0.1", "HostPort": "55747"}]}', 55747, 6379),
        ('{"6379/tcp": [{"HostPort": "1"}], "80/tcp": [{"HostPort": "2"}]}', 2, 80),
        ('{"53/udp": [{"HostPort": "5353"}]}', 5353, 5353),
        ('{"6379/tcp": null}', 6379, 6379),
        ("{}", 6379, 6379),
        ("null", 6379, 6379),
        ("no json", 6379, 6379),
    ],
)
def test_the_port_behind_a_published_one_is_found(told: str, published: int, inner: int) -> None:
    assert inner_port(told, published) == inner


def told(ports: object, address: str = "172.18.0.3", mode: str = "shop_default") -> str:
    return f"{json.dumps({'Ports': ports, 'Networks': {'n': {'IPAddress': address}}})} {mode}\n"


def test_container_that_publishes_the_port_is_the_one() -> None:
    published = told({"6379/tcp": [{"HostIp": "0.0.0.0", "HostPort": "6379"}]})
    assert not_published(published, "redis", "localhost", 6379) == ""
    assert "publishes ports 6379" in not_published(published, "redis", "localhost", 6380)


def test_container_that_publishes_nothing_is_not_the_server_on_this_machine() -> None:
    for ports in ({}, None, {"6379/tcp": None}):
        assert "publishes no port" in not_published(told(ports), "redis", "localhost", 6379)


def test_container_is_known_by_its_own_address_and_by_the_machines_network() -> None:
    assert not_published(told({}), "redis", "172.18.0.3", 6379) == ""
    assert not_published(told({}, "", "host"), "redis", "localhost", 6379) == ""
    assert not_published(told({}, ""), "redis", "", 6379) != ""


@pytest.mark.parametrize("text", ["", "oops bridge", "[] bridge", '{"Ports": {"a": [{}]}} bridge'])
def test_engine_that_can_not_be_read_proves_nothing(text: str) -> None:
    assert "can't be read" in not_published(text, "redis", "localhost", 6379)

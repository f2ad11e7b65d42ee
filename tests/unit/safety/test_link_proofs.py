"""Proofs of the link: what a container publishes, and orders that the API and the database both know."""

import json

import pytest

from blackstart.codec import plain
from blackstart.probes.http import HttpText
from blackstart.probes.sql import SqlScalar
from blackstart.safety.link_proofs import AllOf, KeysInDatabase, not_published
from tests.unit.probes.servers import answering, http, serving, target_on


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


@plain
class Told:
    service: str
    text: str

    def bind(self, target: object) -> "Told":
        return self

    def missing(self) -> str:
        return self.text


def test_all_proofs_must_stand() -> None:
    assert AllOf("redis", (Told("redis", ""), Told("redis", ""))).missing() == ""
    assert AllOf("redis", (Told("redis", "a"), Told("redis", ""), Told("redis", "b"))).missing() == "a; b"


@pytest.mark.parametrize(
    ("orders", "said"),
    [
        (b'{"orders": []}', "no orders yet"),
        (b"<html>", "no orders that can be read"),
        (b'{"orders": [{"id": 1}]}', "no orders that can be read"),
        (b'{"orders": [{"client_order_id": "a"}]}', "the database holds unreachable"),
    ],
)
def test_orders_that_are_not_shown_or_not_found_prove_nothing(orders: bytes, said: str) -> None:
    with serving(answering(http(orders))) as port:
        asked = SqlScalar("", dsn="postgresql://me@127.0.0.1:9/x")
        proof = KeysInDatabase("postgres", HttpText("/orders"), asked).bind(target_on(port))
        assert said in proof.missing()

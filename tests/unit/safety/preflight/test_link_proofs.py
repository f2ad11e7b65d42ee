"""Proofs of the link: orders that the API and the database both know."""

import pytest

from blackstart.base.codec import plain
from blackstart.probes.http import HttpText
from blackstart.probes.sql import SqlScalar
from blackstart.safety.preflight.link_proofs import AllOf, KeysInDatabase
from tests.unit.probes.servers import answering, http, serving, target_on


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
        (b'{"orders": [{"client_order_id": null}]}', "no orders yet"),
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

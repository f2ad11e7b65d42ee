"""Holes are filled, everything else stays, and chance depends on the seed and the number alone."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.loads import Operation
from blackstart.loads.driving.prepared import Prepared
from blackstart.loads.template import Template


def test_a_json_body_keeps_its_braces() -> None:
    body = Template('{"client_order_id": "{key}", "side": "BUY", "quantity": {n}, "price": 101.5, "x": {"y": {}}}')
    assert json.loads(body.fill("k-7", 7)) == {
        "client_order_id": "k-7", "side": "BUY", "quantity": 7, "price": 101.5, "x": {"y": {}},
    }  # fmt: skip


def test_random_holes_stay_within_what_they_say() -> None:
    template = Template("{choice:BUY|SELL} {int:-3-2}")
    seen = {template.fill("k", n, random.Random(n)) for n in range(300)}
    assert {text.split()[0] for text in seen} == {"BUY", "SELL"}
    assert {int(text.split()[1]) for text in seen} == set(range(-3, 3))


@given(st.text(st.characters(exclude_characters="{}")))
def test_text_without_holes_stays_as_it_is(text: str) -> None:
    template = Template(text)
    assert template.fixed and not template.random
    assert template.fill("k", 1) == text


@pytest.mark.parametrize(("text", "reason"), [("{choice:a|}", "empty choice"), ("{int:9-1}", "must not be above")])
def test_holes_that_make_no_sense_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Template(text)


def test_one_request_is_the_same_each_time_it_is_made() -> None:
    operation = Operation("o", "http://h/{key}", "POST", {"x-idempotency-key": "{key}"}, body="{int:1-1000000}")
    first, again, other = Prepared(operation, 1), Prepared(operation, 1), Prepared(operation, 2)
    assert first.request("k-5", 5) == again.request("k-5", 5)
    assert first.request("k-5", 5) != other.request("k-5", 5)
    assert first.request("k-5", 5).startswith(b"POST /k-5 HTTP/1.1\r\nHost: h\r\n")
    assert b"x-idempotency-key: k-5\r\n" in first.request("k-5", 5)


def test_a_request_is_whole_http() -> None:
    operation = Operation("o", "http://[::1]:81/a b?q=ü&r=%20", "PUT", {"host": "other", "X": "1"}, body="ü")
    assert Prepared(operation, keep_alive=False).request("k", 1) == (
        b"PUT /a%20b?q=%C3%BC&r=%20 HTTP/1.1\r\nUser-Agent: blackstart-load\r\nAccept: */*\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\nhost: other\r\nX: 1\r\nContent-Length: 2\r\n\r\n"
        b"\xc3\xbc"
    )
    assert Prepared(Operation("o", "http://h:81")).request("k", 1).startswith(b"GET / HTTP/1.1\r\nHost: h:81\r\n")

"""HTTP probes: what they pick from an answer, and that they are plain data."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget
from blackstart.model.reading import Answer
from blackstart.model.target import Service, Target
from blackstart.probes.http import HttpJson, HttpStatus, HttpText
from blackstart.probes.metrics import Metric
from blackstart.probes.read import reading_of

TARGET = Target(
    "shop",
    api="http://127.0.0.1:8000/base/",
    headers={"X-Ops-Key": "env:TEST_OPS_KEY", "X-Kind": "drill"},
    services={"api-2": Service("api-2", url="http://127.0.0.1:8002")},
)


def answer(data: object, status: int = 200) -> Answer:
    return Answer("answer", json.dumps(data).encode(), status)


def test_status_is_the_number_whatever_the_body() -> None:
    assert HttpStatus("/ready").pick(Answer("answer", b"<html>", 503)) == ("value", 503, "")


def test_redirect_is_a_value() -> None:
    assert HttpStatus("/ready").pick(Answer("answer", b"", 302)) == ("value", 302, "")


@pytest.mark.parametrize(
    ("field", "data", "value"),
    [
        ("status", {"status": "healthy"}, "healthy"),
        ("is_paused|paused", {"paused": True}, True),
        ("is_paused|paused", {"is_paused": False, "paused": True}, False),
        ("orders.1.id", {"orders": [{"id": 7}, {"id": 8}]}, 8),
        ("a.b", {"a": {"b": None}}, None),
        ("0", [1.5], 1.5),
    ],
)
def test_field_is_found_by_path_and_alternative(field: str, data: object, value: object) -> None:
    assert HttpJson("/x", field).pick(answer(data)) == ("value", value, "")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_its_page_not_read(status: int) -> None:
    page = answer({"status": "moved"}, status)
    for probe in (HttpJson("/", "status"), HttpText("/"), Metric("up")):
        kind, value, note = probe.pick(page)
        assert (kind, value) == ("unreadable", None) and "name the path that it leads to" in note


def test_a_number_of_thousands_of_digits_is_nobodys_failure_and_another_field_is_read() -> None:
    page = answer({})
    page = replace(page, body=b'{"a": 1, "b": ' + b"9" * 5000 + b', "c": -' + b"9" * 400 + b"}")
    assert reading_of(HttpJson("/", "a"), page, 0, 1).value == 1
    assert reading_of(HttpJson("/", "b"), page, 0, 1).value == math.inf
    for body in (page.body, b'{"c": -' + b"9" * 400 + b"}"):
        assert reading_of(HttpJson("/", "c"), replace(page, body=body), 0, 1).value == -math.inf


def test_missing_field_of_a_good_answer_is_absent() -> None:
    kind, value, note = HttpJson("/x", "a|b").pick(answer({"c": 1}))
    assert (kind, value) == ("absent", None)
    assert "no field a or b" in note


def test_of_an_error_the_status_is_told_and_not_that_its_page_is_no_json() -> None:
    page = Answer("answer", b"404 page not found\n", 404)
    assert HttpJson("/orders", "orders").pick(page) == ("malformed", None, "status 404")
    kind, _, note = HttpJson("/orders", "orders").pick(Answer("answer", b"<html>", 200))
    assert kind == "malformed" and note.startswith("status 200, not JSON: ")


def test_missing_field_of_an_error_is_malformed() -> None:
    kind, _, note = HttpJson("/health", "status").pick(answer({"detail": "Internal Server Error"}, 500))
    assert kind == "malformed"
    assert "status 500" in note


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b'{"a": 1} x'])
def test_broken_json_with_status_200_is_malformed(body: bytes) -> None:
    assert HttpJson("/x", "a").pick(Answer("answer", body, 200))[0] == "malformed"


@pytest.mark.parametrize("body", ['{"a": "\xe4"}'.encode("latin-1"), b"[" * 100_000])
def test_an_encoding_or_depth_beyond_us_is_unreadable_unless_it_is_an_error(body: bytes) -> None:
    assert HttpJson("/x", "a").pick(Answer("answer", body, 200))[0] == "unreadable"
    assert HttpJson("/x", "a").pick(Answer("answer", body, 503))[0] == "malformed"


def test_list_or_object_is_not_a_value_and_nobodys_failure() -> None:
    assert HttpJson("/x", "orders").pick(answer({"orders": []}))[0] == "unreadable"
    assert HttpJson("/x", "detail").pick(answer({"detail": [{"msg": "no"}]}, 422))[0] == "malformed"


def test_field_inside_a_python_repr_is_found_where_it_is_asked_for() -> None:
    detail = "Readiness check error: 503: {'ok': False, 'leader': 0, 'scan_heartbeat': inf, 'error': 'it\\'s {so}'}"
    old_build = answer({"detail": detail}, 503)
    assert HttpJson("/ready", "leader", repr_in="detail").pick(old_build) == ("value", 0, "")
    assert HttpJson("/ready", "scan_heartbeat", repr_in="detail").pick(old_build) == ("value", float("inf"), "")
    assert HttpJson("/ready", "leader").pick(old_build)[0] == "malformed"
    broken = answer({"detail": "Readiness check error: {'ok': __import__('os')}"}, 503)
    assert HttpJson("/ready", "ok", repr_in="detail").pick(broken)[0] == "malformed"


def test_text_is_the_body_and_an_error_page_is_malformed() -> None:
    assert HttpText("/orders").pick(Answer("answer", "ä".encode(), 200)) == ("value", "ä", "")
    assert HttpText("/orders").pick(Answer("answer", b"oops", 500))[0] == "malformed"
    assert HttpText("/orders").pick(Answer("answer", b"\xff", 200))[0] == "unreadable"


@given(st.binary(max_size=200), st.sampled_from([200, 404, 503]))
def test_no_body_makes_a_pick_raise(body: bytes, status: int) -> None:
    for probe in (HttpStatus("/x"), HttpJson("/x", "a.0|b", repr_in="detail"), HttpText("/x")):
        kind, _, note = probe.pick(Answer("answer", body, status))
        assert kind in ("value", "absent", "malformed", "unreadable")
        assert kind == "value" or note


def test_bind_makes_the_address_absolute_and_keeps_secrets_as_references(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_OPS_KEY", "hunter22hunter22")
    probe = HttpJson("api-2:/ready", "leader").bind(TARGET)
    assert probe.path == "http://127.0.0.1:8002/ready"
    data = json.dumps(to_data(probe.endpoint()))
    assert "env:TEST_OPS_KEY" in data
    assert "hunter22" not in data
    assert HttpStatus("/ready").bind(TARGET).path == "http://127.0.0.1:8000/base/ready"


def test_bind_refuses_a_header_whose_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_OPS_KEY", raising=False)
    with pytest.raises(BadTarget, match="TEST_OPS_KEY"):
        HttpStatus("/ready").bind(TARGET)


def test_strange_host_is_not_given_the_targets_headers() -> None:
    assert HttpStatus("http://127.0.0.1:8000.evil.test/").bind(TARGET).headers == ()


def test_probes_come_back_from_json_equal_and_hashable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_OPS_KEY", "x")
    for probe in (HttpStatus("/a"), HttpJson("/a", "b", repr_in="d"), HttpText("/a", max_bytes=9)):
        bound = probe.bind(TARGET)
        again = from_data(json.loads(json.dumps(to_data(bound))))
        assert again == bound
        assert hash(again) == hash(bound)
        assert again.endpoint() == bound.endpoint()


def test_describe_hides_a_password_in_the_url() -> None:
    assert "geheim" not in HttpStatus("http://me:geheim@h/x?token=geheim2").endpoint().describe()


def test_field_that_is_no_path_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a path"):
        HttpJson("/x", "a|")


@pytest.mark.parametrize("status", [401, 403, 406])
def test_a_login_that_is_missing_is_ours_but_to_a_probe_of_the_status(status: int) -> None:
    refused = Answer("answer", b"<html>", status)
    for probe in (HttpJson("/x", "a"), HttpText("/x"), Metric("a")):
        assert probe.pick(refused)[0] == "unreadable"
    assert HttpJson("/x", "a").pick(answer({"detail": "who?"}, status))[0] == "unreadable"
    assert HttpStatus("/x").pick(refused)[:2] == ("value", status)


def test_a_login_that_is_refused_says_by_which_header_it_was_asked_for() -> None:
    named, bare = (("X-Ops-Key", "env:OPS_KEY"),), ()
    for probe in (HttpJson, HttpText, Metric):
        path = () if probe is Metric else ("/x",)
        told = [probe(*path, *(("a",) if probe is not HttpText else ()), headers=each) for each in (named, bare)]
        with_it, without = (one.pick(answer({"detail": "who?"}, 401))[2] for one in told)
        assert with_it.startswith("status 401 with the header X-Ops-Key") and "OPS_KEY" not in with_it
        assert without.startswith('status 401 without a header of the target file, as headers = { X-Ops-Key = "env:')
    assert HttpStatus("/x", headers=named).pick(Answer("answer", b"", 401)) == (
        "value", 401, "status 401 with the header X-Ops-Key",
    )  # fmt: skip
    assert HttpStatus("/x").pick(Answer("answer", b"", 503)) == ("value", 503, "")

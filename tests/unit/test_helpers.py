"""The helpers for people's own scripts."""

import json
import time
from pathlib import Path

import pytest

from blackstart.helpers import (
    HelperError,
    NotAsExpected,
    NotInTime,
    NotObservable,
    NotRead,
    assert_paused,
    assert_resumed,
    jqval,
    metric,
    snapshot_metrics,
    wait_ready,
)
from tests.unit.probes.servers import Handler, answering, free_port, http, requests_of, serving

PAGE = b'# TYPE a gauge\na{x="1"} 2.0\na{x="2"} 3.0\nb 1.0\n'


def json_page(data: object, status: str = "200 OK") -> Handler:
    return answering(http(json.dumps(data).encode(), status))


@pytest.mark.parametrize(
    ("source", "path", "value"),
    [
        ({"paused": True}, ".paused", True),
        ({"is_paused": True}, ".paused", True),
        ({"paused": False}, ".is_paused", False),
        ('{"orders": [{"id": 5}]}', ".orders.0.id", 5),
        (b"[1, 2]", "1", 2),
        ({"a": {"b": [1]}}, ".a", {"b": [1]}),
        ({"a": 1}, ".", {"a": 1}),
        ({"detail": "Readiness check error: 503: {'leader': 0}"}, ".leader", 0),
    ],
)
def test_value_is_found_at_its_path(source: object, path: str, value: object) -> None:
    assert jqval(source, path) == value  # type: ignore[arg-type]


def test_value_of_a_url_is_found_whatever_the_status() -> None:
    with serving(json_page({"status": "not_ready"}, "503 No")) as port:
        assert jqval(f"http://127.0.0.1:{port}/ready", ".status") == "not_ready"


def test_missing_value_is_named_and_never_made_up() -> None:
    with pytest.raises(NotObservable, match=r"has no \.paused"):
        jqval({"mode": "PAPER"}, ".paused")
    with pytest.raises(NotRead, match="not JSON"):
        jqval("<html>", ".paused")


def test_metric_is_a_number() -> None:
    with serving(answering(http(PAGE))) as port:
        base = f"http://127.0.0.1:{port}"
        assert metric(base, "b") == 1.0
        assert metric(f"{base}/metrics", "a", {"x": "2"}) == 3.0
        assert metric(base, "a", aggregate="sum") == 5.0


def test_absent_metric_is_an_error_and_never_zero() -> None:
    with serving(answering(http(PAGE))) as port:
        base = f"http://127.0.0.1:{port}"
        with pytest.raises(NotObservable, match="no series c"):
            metric(base, "c", aggregate="sum")
        with pytest.raises(NotRead, match="2 label sets"):
            metric(base, "a")
    with serving(answering(http(b"<html>"))) as port, pytest.raises(NotRead, match="not Prometheus text"):
        metric(f"http://127.0.0.1:{port}", "a")
    with serving(answering(http(PAGE, "404 Not Found"))) as port, pytest.raises(NotRead, match="404"):
        metric(f"http://127.0.0.1:{port}", "a")


def test_waiting_ends_as_soon_as_it_is_ready() -> None:
    not_yet = http(b"{}", "503 No")
    with serving(answering(not_yet, not_yet, http(b"{}"))) as port:
        took_s = wait_ready(f"http://127.0.0.1:{port}/", timeout_s=10)
    assert 0.3 < took_s < 5


def test_waiting_ends_at_its_limit_and_says_what_was_seen() -> None:
    with serving(json_page({}, "503 No")) as port, pytest.raises(NotInTime, match="answered 503"):
        wait_ready(f"http://127.0.0.1:{port}", timeout_s=0.5)
    begun = time.monotonic()
    with pytest.raises(NotInTime, match="refused"):
        wait_ready(f"http://127.0.0.1:{free_port()}", timeout_s=0.5)
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("field", ["is_paused", "paused"])
def test_paused_and_resumed_are_told_apart_under_both_names(field: str) -> None:
    with serving(json_page({field: True})) as port:
        assert_paused(f"http://127.0.0.1:{port}")
        with pytest.raises(NotAsExpected, match="should not be paused"):
            assert_resumed(f"http://127.0.0.1:{port}")
    with serving(json_page({field: False})) as port:
        assert_resumed(f"http://127.0.0.1:{port}")
        with pytest.raises(AssertionError, match="should be paused"):
            assert_paused(f"http://127.0.0.1:{port}", within_s=0.3)


def test_assertion_about_a_state_that_is_not_shown_is_no_pass() -> None:
    with serving(json_page({"mode": "PAPER"})) as port, pytest.raises(NotObservable):
        assert_resumed(f"http://127.0.0.1:{port}")
    with serving(json_page({"is_paused": "false"})) as port, pytest.raises(NotAsExpected):
        assert_resumed(f"http://127.0.0.1:{port}")
    with pytest.raises(NotRead):
        assert_resumed(f"http://127.0.0.1:{free_port()}")


def test_assertion_can_wait_for_what_is_to_come() -> None:
    soon = [http(b'{"is_paused": false}'), http(b'{"is_paused": true}')]
    with serving(answering(*soon)) as port:
        assert_paused(f"http://127.0.0.1:{port}", within_s=5)


def test_snapshot_is_the_page_as_it_was_and_nothing_else_is_left(tmp_path: Path) -> None:
    with serving(answering(http(PAGE))) as port:
        path = snapshot_metrics(f"http://127.0.0.1:{port}", tmp_path / "metrics" / "before.prom")
    assert path.read_bytes() == PAGE
    assert [entry.name for entry in path.parent.iterdir()] == ["before.prom"]
    with serving(answering(http(b"<html>"))) as port, pytest.raises(NotRead):
        snapshot_metrics(f"http://127.0.0.1:{port}", path)
    assert path.read_bytes() == PAGE


def test_answer_that_drips_or_is_too_large_is_not_read() -> None:
    def drip(conn: object) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")  # type: ignore[attr-defined]
        while True:
            conn.sendall(b"x")  # type: ignore[attr-defined]
            time.sleep(0.02)

    begun = time.monotonic()
    with serving(drip) as port, pytest.raises(HelperError):
        jqval(f"http://127.0.0.1:{port}/", ".a", timeout_s=0.4)
    assert time.monotonic() - begun < 2
    with serving(answering(http(b"x" * 5_000_000))) as port, pytest.raises(NotRead, match="larger than"):
        jqval(f"http://127.0.0.1:{port}/", ".a")


def test_password_of_a_url_is_in_no_message() -> None:
    with pytest.raises(NotRead) as caught:
        jqval(f"http://me:hunter22@127.0.0.1:{free_port()}/x", ".a")
    assert "hunter22" not in str(caught.value)


def test_headers_go_with_each_request() -> None:
    heads = []

    def handle(conn: object) -> None:
        for head in requests_of(conn):  # type: ignore[arg-type]
            heads.append(head)
            conn.sendall(http(b'{"is_paused": true}'))  # type: ignore[attr-defined]

    with serving(handle) as port:
        assert_paused(f"http://127.0.0.1:{port}", headers={"X-Ops-Key": "k"})
    assert b"X-Ops-Key: k" in heads[0]

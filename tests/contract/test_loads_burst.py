"""A burst against a real server: all of it in flight at once, and proof of it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.loads import Burst, Operation
from blackstart.loads.runner import LoadHandle
from tests.contract.loads_support import Server, fates, load_server, played, until

ORDER = '{"client_order_id": "{key}", "quantity": {n}}'


@pytest.fixture
def server() -> Iterator[Server]:
    with load_server() as running:
        yield running


@pytest.mark.parametrize("n", [2, 20, 300])
def test_all_requests_of_a_burst_overlap(server: Server, tmp_path: Path, n: int) -> None:
    burst = Burst(n, Operation("hit", f"{server.url}/concurrent", "POST", body="{}"))
    summary, history = played(burst, tmp_path / "history.csv")
    assert summary.complete, summary.reasons
    assert (summary.intended, summary.sent, summary.ok) == (n, n, n)
    assert summary.overlap and summary.overlap.proven
    assert max(row.start_s or 0 for row in history.rows) < min(row.end_s or 0 for row in history.rows)
    assert len({row.intended_s for row in history.rows}) == 1
    assert all(row.latency_ms >= 1000 for row in history.rows)
    assert server.seen()["most"] == n


def test_keys_of_a_burst_are_distinct(server: Server, tmp_path: Path) -> None:
    burst = Burst(15, Operation("plan", f"{server.url}/orders", "POST", body=ORDER), key_prefix="p-")
    _, history = played(burst, tmp_path / "history.csv")
    assert sorted(server.seen()["orders"]) == sorted(f"p-{n}" for n in range(1, 16)) == sorted(fates(history))


def test_one_key_for_all_counts_its_attempts(server: Server, tmp_path: Path) -> None:
    burst = Burst(10, Operation("plan", f"{server.url}/orders", "POST", body=ORDER), key_prefix="same", same_key=True)
    summary, history = played(burst, tmp_path / "history.csv")
    assert summary.complete and summary.ok == 10
    assert server.seen()["orders"] == ["same"]
    assert sorted(row.attempt for row in history.rows) == list(range(1, 11))
    assert sorted(row.status or 0 for row in history.rows) == [200] * 9 + [201]


def test_a_get_is_held_back_too(server: Server, tmp_path: Path) -> None:
    summary, _ = played(Burst(5, Operation("get", f"{server.url}/ok")), tmp_path / "history.csv")
    assert summary.ok == 5 and summary.overlap and summary.overlap.proven


def test_lost_and_late_answers_are_unknown(server: Server, tmp_path: Path) -> None:
    _, dropped = played(Burst(4, Operation("drop", f"{server.url}/drop", "POST", body="x")), tmp_path / "drop.csv")
    assert {(row.outcome, row.status) for row in dropped.rows} == {("info", None)}
    assert "connection lost" in dropped.rows[0].detail
    hang = Operation("hang", f"{server.url}/hang", timeout_s=0.3)
    _, late = played(Burst(4, hang), tmp_path / "late.csv")
    assert {(row.outcome, row.detail) for row in late.rows} == {("info", "timed out after 0.3 s")}


def test_an_endless_answer_ends_by_its_length(server: Server, tmp_path: Path) -> None:
    _, history = played(Burst(2, Operation("endless", f"{server.url}/endless")), tmp_path / "history.csv")
    assert {row.outcome for row in history.rows} == {"info"}
    assert "longer than" in history.rows[0].detail


def test_a_refused_connection_is_unsent_and_makes_the_burst_incomplete(tmp_path: Path) -> None:
    summary, history = played(Burst(3, Operation("get", "http://127.0.0.1:9/")), tmp_path / "history.csv")
    assert not summary.complete
    assert summary.unsent == 3
    assert {row.outcome for row in history.rows} == {"fail"}


def test_an_address_that_does_not_answer_is_told_before_the_go(tmp_path: Path) -> None:
    runner = LoadHandle.start(Burst(3, Operation("get", "http://127.0.0.1:9/")), tmp_path / "history.csv")
    ready = runner.wait_ready(20)
    assert len(ready["unreachable"]) == 1 and ready["unreachable"][0].startswith("127.0.0.1:9: ")
    summary = runner.stop(5)
    assert not summary.complete and "it was ended before it began" in summary.reasons


def test_a_burst_that_somebody_else_ended_is_not_complete(server: Server, tmp_path: Path) -> None:
    burst = Burst(4, Operation("hang", f"{server.url}/hang", timeout_s=60))
    runner = LoadHandle.start(burst, tmp_path / "history.csv")
    runner.wait_ready(20)
    runner.go()
    until(lambda: server.seen()["paths"].get("/hang") == 4, "four requests under way")
    os.kill(runner.pid, signal.SIGTERM)
    summary = runner.wait(20)
    assert summary is not None and summary.stopped
    assert summary.reasons == ("it was ended by a signal, or with its parent",)

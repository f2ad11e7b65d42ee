"""A sequence against a real server: one key, each request when the one before has ended."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.loads import Operation, Sequence
from tests.contract.loads_support import Server, load_server, played


@pytest.fixture
def server() -> Iterator[Server]:
    with load_server() as running:
        yield running


def order(server: Server, name: str, body: str, timeout_s: float = 5.0, path: str = "/orders") -> Operation:
    return Operation(name, f"{server.url}{path}", "POST", body=body, timeout_s=timeout_s)


def test_all_are_sent_in_order_under_one_key(server: Server, tmp_path: Path) -> None:
    bodies = {
        name: f'{{"client_order_id": "{{key}}", "quantity": {n}}}' for n, name in enumerate(("one", "two", "one_"))
    }
    load = Sequence(tuple(order(server, name, body) for name, body in bodies.items()), key_prefix="k")
    summary, history = played(load, tmp_path / "history.csv")
    assert summary.complete and (summary.intended, summary.sent, summary.retries) == (3, 3, 0)
    rows = history.rows
    assert [(row.op, row.key, row.attempt, row.status) for row in rows] == [
        ("one", "k", 1, 201), ("two", "k", 2, 200), ("one_", "k", 3, 200),
    ]  # fmt: skip
    assert all(after.start_s >= before.end_s for before, after in zip(rows, rows[1:], strict=False))  # type: ignore[operator]
    assert server.seen()["orders"] == ["k"]


def test_what_has_no_answer_does_not_keep_the_next_from_being_sent(server: Server, tmp_path: Path) -> None:
    load = Sequence(
        (
            order(server, "silent", "{}", 0.3, "/hang"),
            order(server, "heard", '{"client_order_id": "{key}", "quantity": 1}'),
        )
    )
    summary, history = played(load, tmp_path / "history.csv")
    assert summary.complete
    assert [(row.op, row.outcome) for row in history.rows] == [("silent", "info"), ("heard", "ok")]


def test_a_sequence_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Sequence(())

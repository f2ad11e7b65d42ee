"""What a repetition on purpose was answered: told from a new one, or turned away before anybody looked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.clock import now_s
from blackstart.evidence import history
from blackstart.evidence.history import Row
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.loads.driving.control import Control
from blackstart.loads.driving.sender import Sender
from blackstart.loads.open_loop import OpenLoop
from blackstart.loads.operation import Operation, Retry
from blackstart.loads.stages import constant


class Answered:
    """A request that is acknowledged, and when it is sent again is answered with this status."""

    def __init__(self, status: int, key: str, done: Any) -> None:
        self.tries, self.op = 0, Operation("order", "http://127.0.0.1/")
        self._status, self._key, self._done = status, key, done

    def go(self, intended_s: float) -> None:
        self.tries += 1
        status = self._status if self.tries > 1 else 201
        at_s, outcome = now_s(), "ok" if status == 201 else "fail"
        row = Row("order", self._key, self.tries, intended_s, at_s, at_s, outcome, status)  # type: ignore[arg-type]
        asyncio.get_running_loop().call_soon(self._done, self, row)

    def cut(self) -> None:
        """Nothing is under way."""


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(201, "ok"), (400, "ok"), (409, "ok"), (412, "ok"), (422, "ok"), (401, "fail"), (404, "fail"), (429, "fail")],
)
def test_only_what_says_that_it_is_known_acknowledges_a_repetition(tmp_path: Path, status: int, outcome: str) -> None:
    load = OpenLoop(
        (Operation("order", "http://127.0.0.1/"),), constant(50, 0.1), retry=Retry(0, 0.01, acknowledged_every=1)
    )

    def made(_turn: int, key: str, _number: int, _worker: str, done: Any) -> Answered:
        return Answered(status, key, done)

    async def run() -> None:
        sender = Sender(load, made, HistoryWriter(tmp_path / "history.csv"), (0, 1))
        await sender.run(now_s(), Control())

    asyncio.run(run())
    again = [row for row in history.read(tmp_path / "history.csv").rows if row.attempt == 2]
    assert {(row.outcome, row.status) for row in again} == {(outcome, status)}

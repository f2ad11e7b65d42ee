"""A burst whose answers come before its requests are whole: that overlap proves nothing."""

import asyncio
from pathlib import Path
from typing import Any

from blackstart.evidence import history
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.loads import Burst, Operation
from blackstart.loads.driving.burst import _Volley
from blackstart.loads.driving.prepared import Prepared
from blackstart.loads.summary import Driven, summarise


class Asked:
    """A parent that wants nothing."""

    def __init__(self) -> None:
        self.stopping, self.aborting = asyncio.Event(), asyncio.Event()

    def why_ended(self) -> tuple[str, ...]:
        return ()


class Connection:
    """A connection whose server answers after so many writes: 1 is hasty, 2 as it should be."""

    def __init__(self, after: int, answered: asyncio.Event) -> None:
        self._left, self._answered = after, answered

    def expect(self, listener: Any, head_only: bool = False) -> None:
        self._listener = listener

    def write(self, data: bytes) -> None:
        def answer() -> None:
            self._listener.answered(401, [], b"")
            self._answered.set()

        self._left -= 1
        if not self._left:
            asyncio.get_running_loop().call_soon(answer)

    def close(self) -> None:
        """Nothing is held."""


class Place:
    """Opens the second connection only when the first has had its answer."""

    def __init__(self) -> None:
        self._opened, self._answered = 0, asyncio.Event()

    async def connect(self) -> Any:
        self._opened += 1
        if self._opened > 1:
            await self._answered.wait()
        return Connection(self._opened, self._answered)


def test_answers_to_half_a_request_make_the_burst_incomplete(tmp_path: Path) -> None:
    load = Burst(2, Operation("post", "http://h/", "POST", body="x"))
    path = tmp_path / "history.csv"

    async def play() -> Driven:
        with HistoryWriter(path) as writer:
            volley = _Volley(load, Prepared(load.operation), writer, Asked())  # type: ignore[arg-type]
            volley._place = Place()  # type: ignore[assignment]
            return await volley.fire()

    driven = asyncio.run(play())
    record = history.read(path)
    summary = summarise("burst", "burst", record, driven)
    assert not summary.complete
    assert summary.reasons[0] == "1 of 2 requests were answered, or lost, before they were sent whole"
    assert len(record.rows) == 2
    assert all(row.latency_ms >= 0 for row in record.rows)

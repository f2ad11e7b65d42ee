"""One attempt at one request, from its sending to its row."""

import asyncio

from blackstart.base.clock import now_s
from blackstart.evidence.history import GIVEN_UP, Outcome, Row
from blackstart.loads.driving.connection import Connection, Headers
from blackstart.loads.driving.place import NotSent
from blackstart.loads.driving.pool import Pool
from blackstart.loads.driving.prepared import Prepared
from blackstart.loads.driving.sender import Done


class Attempt:
    """Ends exactly once, with a row, whatever happens: an answer, a lost connection, its time limit, a cut."""

    __slots__ = (
        "_alarm", "_connection", "_done", "_opening", "_pool", "_start_s", "intended_s", "key", "number", "op", "over",
        "request", "tries", "worker",
    )  # fmt: skip

    def __init__(self, op: Prepared, key: str, number: int, worker: str, done: Done, pool: Pool) -> None:
        self.op, self.key, self.number, self.worker = op, key, number, worker
        self.request = op.request(key, number)
        self.tries = 0
        self.intended_s = 0.0
        self.over = False
        self._done = done
        self._pool = pool
        self._connection: Connection | None = None
        self._opening: asyncio.Task[None] | None = None

    @property
    def head_only(self) -> bool:
        """Whether the answer has no body."""
        return self.op.head_only

    def go(self, intended_s: float) -> None:
        """Send it (again): the same key, the same bytes."""
        self.tries += 1
        self.intended_s, self.over = intended_s, False
        self._start_s = now_s()
        self._alarm = asyncio.get_running_loop().call_later(self.op.timeout_s, self._late)
        self._opening = self._pool.send(self)

    def cut(self) -> None:
        """End it now: its fate stays unknown, unless it was never sent."""
        self._give_up("cut: the load had to end")

    # ------------------------------------------------ called by pool and connection

    def carried_by(self, connection: Connection) -> None:
        """It is about to be sent on this connection."""
        self._connection = connection

    def answered(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer."""
        end_s = now_s()
        outcome, instance, detail = self.op.judge(status, headers, body)
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.give_back(connection)
        self._end(end_s, outcome, status, instance, detail)

    def lost(self, why: str) -> None:
        """The connection broke after the request had been sent, or part of it."""
        self._release()
        self._end(now_s(), "info", None, "", why)

    def not_sent(self, failure: NotSent) -> None:
        """No connection came about: it did certainly not happen."""
        if failure.ours:
            self._end(None, "fail", None, "", f"unsent: {failure}")
        else:
            self._end(now_s(), "fail", None, "", str(failure))

    def _late(self) -> None:
        self._give_up(f"{GIVEN_UP}{self.op.timeout_s:g} s")

    def _give_up(self, why: str) -> None:
        if self.over:
            return
        never_sent = self._connection is None
        if never_sent and self._opening is not None:
            self._opening.cancel()
        self._release()
        if never_sent:
            self._end(now_s(), "fail", None, "", f"no connection: {why}")
        else:
            self._end(now_s(), "info", None, "", why)

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.drop(connection)

    def _end(self, end_s: float | None, outcome: Outcome, status: int | None, instance: str, detail: str) -> None:
        self.over = True
        self._alarm.cancel()
        start_s = None if end_s is None else self._start_s
        row = Row(
            self.op.name, self.key, self.tries, self.intended_s, start_s, end_s, outcome, status, instance, detail,
            self.worker,
        )  # fmt: skip
        self._done(self, row)

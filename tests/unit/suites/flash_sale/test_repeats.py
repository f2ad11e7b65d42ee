"""What the sale's load sends again: orders of both products, and an answer that denies one is told as it is."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from blackstart.base.clock import now_s
from blackstart.evidence import history
from blackstart.evidence.history import Row
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.loads import constant
from blackstart.loads.driving.control import Control
from blackstart.loads.driving.prepared import Prepared, prepare
from blackstart.loads.driving.sender import Sender
from blackstart.suites.flash_sale import _sale, worker_crash
from tests.unit.suites.flash_sale.test_checks import SALE, verdict


class Denied:
    """An order that is accepted, and when it is sent again is told that all is sold out."""

    def __init__(self, op: Prepared, key: str, done: Any) -> None:
        self.tries, self.op, self._key, self._done = 0, op, key, done

    def go(self, intended_s: float) -> None:
        self.tries += 1
        at_s, again = now_s(), self.tries > 1
        status, detail = (409, "sold_out") if again else (200, "success")
        row = Row(self.op.name, self._key, self.tries, intended_s, at_s, at_s, "ok", status, "api", detail, "orders/0")
        self._done(self, row._replace(outcome="fail") if again else row)

    def cut(self) -> None:
        """Nothing is under way."""


def test_an_order_that_was_accepted_and_is_then_sold_out_is_seen_of_both_products(tmp_path: Path) -> None:
    of = _sale.sale(SALE)
    again = replace(of.load.retry, after_s=0.01, twice_every=0)
    load = replace(of.load.at(SALE.api), stages=constant(200, 0.3), retry=again)
    turns = prepare(load.operations, load.seed)

    def made(turn: int, key: str, _number: int, _worker: str, done: Any) -> Denied:
        return Denied(turns[turn % len(turns)], key, done)

    async def run() -> None:
        with HistoryWriter(tmp_path / "history.csv") as writer:
            await Sender(load, made, writer, (0, 1)).run(now_s(), Control())

    asyncio.run(run())
    rows = history.read(tmp_path / "history.csv").rows
    denied = [row for row in rows if row.attempt > 1]
    assert {row.op for row in denied} == {_sale.ORDER, _sale.LAST_ONES}
    assert {row.outcome for row in denied} == {"fail"}
    there = {"keys": json.dumps(sorted({row.key for row in rows}))}
    assert verdict(worker_crash, "idempotent_answers", rows, there) == "broke"

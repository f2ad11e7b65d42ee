"""The worker writes, and then says so; what it could not write comes again."""

import asyncio
from pathlib import Path

import pytest

from blackstart_lab.flash_sale import inventory as module
from blackstart_lab.flash_sale.inventory import Inventory
from blackstart_lab.flash_sale.order_source import OrderSource
from blackstart_lab.flash_sale.promise import PROMISED
from tests.unit.blackstart_lab.flash_sale.fakes import FakeLedger, FakeSource, batch, inventory, until


def test_offsets_are_committed_after_the_transaction_and_a_lost_database_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AGAIN_S", 0)
    source, ledger = FakeSource(batch("a", "b"), batch("c")), FakeLedger(fails=2)
    made = inventory(tmp_path, Inventory, source, ledger)
    asyncio.run(until(made.run(), lambda: source.committed == 2))
    assert source.heard == ["rewind", "rewind", "commit", "commit"]
    assert len(ledger.rows) == 3
    assert made.series.processed._value.get() == 3
    assert (made.events.count("database_lost"), made.events.count("database_up")) == (0, 1)


def test_batch_that_comes_twice_is_written_once(tmp_path: Path) -> None:
    source, ledger = FakeSource(batch("a", "b"), batch("a", "b", "c")), FakeLedger()
    made = inventory(tmp_path, Inventory, source, ledger)
    asyncio.run(until(made.run(), lambda: source.committed == 2))
    assert (made.series.processed._value.get(), made.series.known._value.get()) == (3, 2)


def test_loss_and_return_of_the_database_are_told_once_each(tmp_path: Path) -> None:
    made = inventory(tmp_path, Inventory, FakeSource(), FakeLedger())
    for up in (True, True, False, False, True):
        made.noted(up)
    assert (made.events.count("database_lost"), made.events.count("database_up")) == (1, 2)


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"null", b'{"orderId": "1"}', b'"text"', b"\xff"])
def test_message_that_is_no_order_is_passed_over(value: bytes) -> None:
    assert OrderSource("127.0.0.1:1", PROMISED).read(value) is None

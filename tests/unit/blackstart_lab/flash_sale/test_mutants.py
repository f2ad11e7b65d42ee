"""Each mutant differs from the healthy sale at one seam, in the way that its name says."""

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from blackstart_lab.flash_sale import as_coded, mutants, seams
from blackstart_lab.flash_sale.inventory import Inventory
from tests.unit.blackstart_lab.flash_sale.fakes import (
    NOT_SENT,
    UNKNOWN,
    Bench,
    Benches,
    FakeLedger,
    FakeSource,
    batch,
    inventory,
    until,
)

NAMES = {
    *("acks-before-commit", "commits-before-write", "oversell-race", "idempotency-race", "second-unit-on-retry"),
    *("dies-on-db-loss", "zombie-worker", "phantom-orders", "sticky-load-balancer", "no-restart", "negative-stock"),
    "silent-drop-at-gate",
}


def parts(name: str) -> Any:
    return mutants.load(name).parts


def all_at_once(made: Bench, *keys: str) -> Any:
    async def story() -> list[str]:
        return await asyncio.gather(*(made.order(key) for key in keys))

    return story


def test_every_defect_of_the_plan_is_there_and_is_one_of_a_part_or_around_the_programs() -> None:
    assert set(mutants.names()) == NAMES
    for name in NAMES:
        mutant = mutants.load(name)
        assert mutant.must_fail, name
        assert mutant.parts.keys() <= seams.HEALTHY.keys()
        assert all(issubclass(kind, seams.HEALTHY[part]) for part, kind in mutant.parts.items()), name
        assert mutant.parts or mutant.sticky or not mutant.revived, name


def test_acks_before_commit_has_committed_what_it_still_has_in_hand(tmp_path: Path) -> None:
    source = FakeSource(batch(*map(str, range(50))))
    committed: list[int] = []

    class Watched(FakeLedger):
        async def persist(self, orders: Any) -> list[str]:
            committed.append(source.committed)
            return await super().persist(orders)

    made = inventory(tmp_path, parts("acks-before-commit")["inventory"], source, ledger := Watched())
    asyncio.run(until(made.run(), lambda: len(ledger.rows) == 50))
    assert committed == [1] * 50


def test_commits_before_write_never_reads_again_what_it_could_not_write(tmp_path: Path) -> None:
    source, ledger = FakeSource(batch("a"), batch("b")), FakeLedger(fails=1)
    made = inventory(tmp_path, parts("commits-before-write")["inventory"], source, ledger)
    asyncio.run(until(made.run(), lambda: bool(ledger.rows)))
    assert [row["userId"] for row in ledger.rows.values()] == ["user-of-b"]


def test_oversell_race_accepts_more_than_there_is(bench: Benches) -> None:
    made = bench(parts("oversell-race"))
    outcomes = made.run(lambda: _waves(made), stock=20)
    assert outcomes.count("success") > 20


async def _waves(made: Bench) -> list[str]:
    told: list[str] = []
    for wave in range(8):
        told += await asyncio.gather(*(made.order(f"{wave}-{number}") for number in range(10)))
    return told


def test_idempotency_race_accepts_one_key_several_times(bench: Benches) -> None:
    made = bench(parts("idempotency-race"))
    made.topic.takes_s = 0.05
    outcomes = made.run(all_at_once(made, *["a"] * 20))
    assert outcomes.count("success") > 1
    assert len({each.order_id for each in made.topic.sent}) == outcomes.count("success") == 10 - made.units


@pytest.mark.parametrize("failure", [NOT_SENT, UNKNOWN])
def test_second_unit_on_retry_has_taken_two_for_one_order(bench: Benches, failure: Exception) -> None:
    made = bench(parts("second-unit-on-retry"))
    made.topic.fails = [failure]

    async def story() -> list[str]:
        return [await made.order("a") for _ in range(2)]

    assert made.run(story) == ["error", "success"]
    assert made.units == 8


def test_dies_on_db_loss_exits_at_the_first_write_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Exited(Exception):
        pass

    def leave(code: int) -> None:
        raise Exited(code)

    monkeypatch.setattr(os, "_exit", leave)
    made = inventory(
        tmp_path, parts("dies-on-db-loss")["inventory"], FakeSource(batch("a"), batch("b")), FakeLedger(fails=1)
    )
    with pytest.raises(Exited, match="3"):
        asyncio.run(made.run())


def test_zombie_worker_reads_at_its_first_start_and_never_again(tmp_path: Path) -> None:
    def run(job: Coroutine[Any, Any, None]) -> None:
        asyncio.run(asyncio.wait_for(job, 0.2))

    source, ledger = FakeSource(batch("a")), FakeLedger()
    made = inventory(tmp_path, parts("zombie-worker")["inventory"], source, ledger)
    made.events.write("started")
    asyncio.run(until(made.run(), lambda: len(ledger.rows) == 1))
    made.events.write("started")
    source.batches.append(batch("b"))
    with pytest.raises(TimeoutError):
        run(made.run())
    assert len(ledger.rows) == 1


def test_phantom_orders_writes_a_row_that_nobody_sent(tmp_path: Path) -> None:
    source, ledger = FakeSource(batch(*map(str, range(15))), batch(*map(str, range(15, 30)))), FakeLedger()
    made = inventory(tmp_path, parts("phantom-orders")["inventory"], source, ledger)
    asyncio.run(until(made.run(), lambda: source.committed == 2))
    assert (len(ledger.rows), ledger.extra) == (30, 1)


def test_negative_stock_falls_below_zero_for_each_who_comes_too_late(bench: Benches) -> None:
    made = bench(parts("negative-stock"))
    outcomes = made.run(all_at_once(made, *"abcde"), stock=2)
    assert (outcomes.count("success"), outcomes.count("sold_out"), made.units) == (2, 3, -3)


def test_silent_drop_at_gate_acknowledges_what_it_does_not_send(bench: Benches) -> None:
    made = bench(parts("silent-drop-at-gate"), gate_per_s=10)
    outcomes = made.run(all_at_once(made, *map(str, range(10))))
    assert outcomes == ["success"] * 10
    assert len(made.topic.sent) == 5


def test_as_coded_accepts_a_key_several_times_and_takes_a_unit_for_each_failure(bench: Benches) -> None:
    made = bench(as_coded.PARTS)
    made.topic.takes_s = 0.05
    outcomes = made.run(all_at_once(made, *["a"] * 20), stock=30)
    assert outcomes.count("success") > 1
    assert made.units == 30 - outcomes.count("success")
    made.topic.fails = [NOT_SENT]

    async def story() -> list[str]:
        return [await made.order("b"), await made.order("b"), await made.order("b")]

    assert made.run(story, stock=10) == ["error", "success", "ignored"]
    assert made.units == 8


def test_as_coded_worker_that_is_started_without_the_database_lives_and_reads_nothing(tmp_path: Path) -> None:
    source = FakeSource(batch("a"))
    made = inventory(tmp_path, as_coded.PARTS["inventory"], source, FakeLedger(fails=1))
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(made.run(), 0.2))
    assert source.at == 0


def test_as_coded_worker_dies_when_the_database_goes(tmp_path: Path) -> None:
    made: Inventory = inventory(tmp_path, as_coded.PARTS["inventory"], FakeSource(), ledger := FakeLedger())
    ledger.fails = 1
    with pytest.raises(Exception, match="away"):
        asyncio.run(asyncio.wait_for(made.look_after_the_database(), 5))

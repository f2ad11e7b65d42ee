"""The order desk and the throttle queue, on stand-ins."""

import asyncio
from pathlib import Path

import pytest

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.trader.errors import Fenced, Mismatch, QueueFull, Refused
from blackstart_lab.trader.orders import Order
from blackstart_lab.trader.throttle import Throttle
from tests.unit.blackstart_lab.trader.fakes import Bench

ORDER = Order("o-1", "BUY", 1, 2.5)


@pytest.fixture
def leader(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    asyncio.run(bench.lock.attempt())
    return bench


def test_order_of_a_standby_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not leader"):
        asyncio.run(Bench(tmp_path).orders.place(ORDER))


def test_order_while_paused_is_refused(leader: Bench) -> None:
    leader.desk.pause("for the test")
    with pytest.raises(Refused, match="paused"):
        asyncio.run(leader.orders.place(ORDER))


def test_repeated_order_is_a_duplicate_and_counts_no_trade(leader: Bench) -> None:
    first, again = asyncio.run(leader.orders.place(ORDER)), asyncio.run(leader.orders.place(ORDER))
    assert (first.duplicate, again.duplicate, again.order_id) == (False, True, first.order_id)
    assert leader.desk.trades_today == 1
    assert leader.sample("trader_orders_placed_total", order_type="order", status="placed") == 1.0
    assert leader.sample("trader_orders_placed_total", order_type="order", status="duplicate") == 1.0


def test_same_id_with_other_parameters_is_a_mismatch(leader: Bench) -> None:
    asyncio.run(leader.orders.place(ORDER))
    with pytest.raises(Mismatch):
        asyncio.run(leader.orders.place(Order("o-1", "BUY", 2, 2.5)))


def test_lost_database_is_told_and_counted(leader: Bench) -> None:
    leader.database.away = True
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(leader.orders.place(ORDER))
    assert leader.sample("trader_orders_placed_total", order_type="order", status="rejected") == 1.0


def test_token_older_than_the_newest_is_fenced_and_replaced(leader: Bench) -> None:
    leader.database.tokens = leader.database.newest_token = 7
    with pytest.raises(Fenced):
        asyncio.run(leader.orders.place(ORDER))
    asyncio.run(leader.orders.place(ORDER))  # this instance still holds the lock, so it takes a newer token
    assert leader.lock.token == 8


def throttle_of(bench: Bench, capacity: int = 100, orders_per_s: int = 1000) -> Throttle:
    return Throttle(bench.orders, bench.metrics, orders_per_s, capacity)


async def drained(throttle: Throttle, within_s: float = 5) -> None:
    worker = asyncio.create_task(throttle.run())
    async with asyncio.timeout(within_s):
        while throttle.depth:
            await asyncio.sleep(0.005)
    worker.cancel()


def test_depth_has_no_sample_before_the_first_plan(leader: Bench) -> None:
    throttle = throttle_of(leader)
    assert leader.sample("trader_throttle_queue_depth", type="orders") is None
    throttle.submit(ORDER)
    assert leader.sample("trader_throttle_queue_depth", type="orders") == 1.0


def test_queue_places_every_plan_once_and_returns_to_zero(leader: Bench) -> None:
    throttle = throttle_of(leader)
    for number in range(20):
        assert throttle.submit(Order(f"p-{number}", "BUY", 1, 1))
    assert not throttle.submit(Order("p-1", "BUY", 1, 1))
    asyncio.run(drained(throttle))
    assert sorted(leader.database.inserted) == sorted(f"p-{number}" for number in range(20))
    assert leader.sample("trader_throttle_queue_depth", type="orders") == 0.0


def test_full_queue_and_changed_plan_are_refused(leader: Bench) -> None:
    throttle = throttle_of(leader, capacity=1)
    throttle.submit(ORDER)
    with pytest.raises(QueueFull):
        throttle.submit(Order("o-2", "BUY", 1, 1))
    with pytest.raises(Mismatch):
        throttle.submit(Order("o-1", "BUY", 9, 2.5))


def test_plan_is_kept_while_the_database_is_away(leader: Bench) -> None:
    throttle = throttle_of(leader)
    throttle.submit(ORDER)
    leader.database.away = True

    async def story() -> None:
        draining = asyncio.create_task(drained(throttle))
        await asyncio.sleep(0.15)
        assert throttle.depth == 1
        leader.database.away = False
        await draining

    asyncio.run(story())
    assert leader.database.inserted == ["o-1"]


def test_queue_keeps_its_rate(leader: Bench) -> None:
    throttle = throttle_of(leader, orders_per_s=50)
    for number in range(10):
        throttle.submit(Order(f"p-{number}", "BUY", 1, 1))

    async def timed() -> float:
        started = asyncio.get_running_loop().time()
        await drained(throttle)
        return asyncio.get_running_loop().time() - started

    assert 0.15 < asyncio.run(timed()) < 3.0  # ten at 50 a second: nine pauses of 20 ms

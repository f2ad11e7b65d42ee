"""Gate, key and stock, each order in one step of a real Redis."""

import asyncio

import pytest

from blackstart_lab.flash_sale.failures import StoreUnreachable
from blackstart_lab.flash_sale.promise import PROMISED
from blackstart_lab.flash_sale.reservations import Reservations
from tests.unit.blackstart_lab.flash_sale.fakes import PRODUCT, Benches, order


def test_units_are_taken_once_a_key_until_there_are_none(bench: Benches) -> None:
    made = bench()

    async def story() -> list[str]:
        return [(await made.stock.take(order(key))).outcome for key in ("a", "b", "c")]

    assert made.run(story, stock=2) == ["taken", "taken", "sold_out"]
    assert made.units == 0


def test_a_hundred_at_once_get_no_more_than_there_is(bench: Benches) -> None:
    made = bench()

    async def story() -> list[str]:
        every = await asyncio.gather(*(made.stock.take(order(str(number))) for number in range(100)))
        return [each.outcome for each in every]

    outcomes = made.run(story, stock=40)
    assert (outcomes.count("taken"), outcomes.count("sold_out"), made.units) == (40, 60, 0)


def test_gate_lets_so_many_in_each_second_and_takes_nothing_from_the_rest(bench: Benches) -> None:
    made = bench(gate_per_s=3)

    async def story() -> list[str]:
        same = [(await made.stock.take(order(str(number)))).outcome for number in range(5)]
        return [*same, (await made.stock.take(order("next", placed_ms=1_001_000))).outcome]

    assert made.run(story) == ["taken"] * 3 + ["gated"] * 2 + ["taken"]
    assert made.units == 6


def test_key_is_busy_while_it_is_leased_and_then_gives_the_first_order_again(bench: Benches) -> None:
    made = bench(lease_s=1.0)

    async def story() -> None:
        first = await made.stock.take(order("a"))
        assert (await made.stock.take(order("a"))).outcome == "busy"
        async with asyncio.timeout(20):
            while (again := await made.stock.take(order("a", placed_ms=2_000_000))).outcome == "busy":
                await asyncio.sleep(0.02)
        assert (again.outcome, again.order, again.order.sale) == ("again", first.order, "sale-1")
        await made.stock.give_back(first)  # not its owner any more
        await made.stock.accept(again)
        assert (await made.stock.take(order("a"))).outcome == "duplicate"

    made.run(story)
    assert made.units == 9
    assert made.redis.zcard("orders:open") == 0


def test_what_is_given_back_is_as_if_it_had_never_been(bench: Benches) -> None:
    made = bench()

    async def story() -> str:
        await made.stock.give_back(await made.stock.take(order("a")))
        assert made.units == 10
        return (await made.stock.take(order("a"))).outcome

    assert made.run(story) == "taken"


def test_next_sale_forgets_the_keys_of_the_one_before_also_those_at_work(bench: Benches) -> None:
    made = bench()

    async def story() -> None:
        done, open_ = await made.stock.take(order("done")), await made.stock.take(order("open"))
        await made.stock.accept(done)
        await made.stock.open_sale(PRODUCT, 5, "sale-2")
        await made.stock.accept(open_)
        await made.stock.give_back(open_)
        assert made.units == 5
        assert (await made.stock.take(order("done"))).order.sale == "sale-2"

    made.run(story)
    assert made.units == 4


def test_redis_that_is_not_there_is_told_as_that() -> None:
    async def story() -> None:
        stock = Reservations("redis://127.0.0.1:1/0", PROMISED)
        with pytest.raises(StoreUnreachable, match="ConnectionError"):
            await stock.take(order("a"))
        await stock.close()

    asyncio.run(story())

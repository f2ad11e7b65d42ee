"""An order is acknowledged when Kafka has it, and takes one unit however often it is sent."""

import asyncio
import time

from tests.unit.blackstart_lab.flash_sale.fakes import NOT_SENT, UNKNOWN, Benches, order, until


def test_twenty_at_once_with_one_key_are_one_order(bench: Benches) -> None:
    made = bench()
    made.topic.takes_s = 0.1

    async def story() -> list[str]:
        return await asyncio.gather(*(made.order("a") for _ in range(20)))

    outcomes = made.run(story)
    assert (outcomes.count("success"), outcomes.count("ignored")) == (1, 19)
    assert (len(made.topic.sent), made.units) == (1, 9)


def test_order_that_was_certainly_not_sent_gives_key_and_unit_back(bench: Benches) -> None:
    made = bench()
    made.topic.fails = [NOT_SENT]

    async def story() -> tuple[str, int, str]:
        return await made.order("a"), made.units, await made.order("a")

    assert made.run(story) == ("error", 10, "success")
    assert (len(made.topic.sent), made.units) == (1, 9)


def test_retry_of_an_order_of_unknown_fate_sends_the_same_one_and_takes_no_unit(bench: Benches) -> None:
    made = bench()
    made.topic.fails = [UNKNOWN, NOT_SENT]

    async def story() -> list[str]:
        return [await made.order("a") for _ in range(4)]

    assert made.run(story) == ["error", "error", "success", "ignored"]
    assert len({each.order_id for each in made.topic.sent}) == 1
    assert (len(made.topic.sent), made.units) == (2, 9)


def test_request_whose_like_fails_is_an_order_of_its_own(bench: Benches) -> None:
    made = bench()
    made.topic.takes_s, made.topic.fails = 0.1, [NOT_SENT]

    async def story() -> list[str]:
        return await asyncio.gather(*(made.order("a") for _ in range(5)))

    outcomes = made.run(story)
    assert sorted(outcomes) == ["error", "ignored", "ignored", "ignored", "success"]
    assert made.units == 9


def test_request_of_an_instance_that_died_is_taken_over_when_its_lease_is_over(bench: Benches) -> None:
    made = bench(lease_s=0.3)

    async def story() -> tuple[str, float]:
        began = time.monotonic()  # before its lease does
        await made.stock.take(order("a"))  # and no more was heard of it
        return await made.order("a"), time.monotonic() - began

    outcome, took_s = made.run(story)
    assert outcome == "success" and took_s >= 0.25
    assert (len(made.topic.sent), made.units) == (1, 9)


def test_request_that_waits_for_its_like_is_answered_in_the_same_time(bench: Benches) -> None:
    made = bench(refused_within_s=1.4, lease_s=0.6)
    made.topic.takes_s = 1.0  # and then it would have taken them, one after the other
    made.topic.fails = [UNKNOWN] * 3

    async def story() -> tuple[list[str], float]:
        began = time.monotonic()
        outcomes = await asyncio.gather(*(made.order("a") for _ in range(3)))
        return outcomes, time.monotonic() - began

    outcomes, took_s = made.run(story)
    assert outcomes == ["error"] * 3
    assert took_s < 2.0  # and not three times as long, one after the other
    assert made.units == 9


def test_what_nobody_came_back_for_is_sent_all_the_same(bench: Benches) -> None:
    made = bench(lease_s=0.1)
    made.topic.fails = [UNKNOWN]

    async def story() -> None:
        assert await made.order("a") == "error"
        await made.stock.take(order("b"))
        await until(made.intake.finish_left(), lambda: made.redis.zcard("orders:open") == 0)
        assert await made.order("a") == await made.order("b") == "ignored"

    made.run(story)
    assert {each.key for each in made.topic.sent} == {"a", "b"}
    assert made.units == 8

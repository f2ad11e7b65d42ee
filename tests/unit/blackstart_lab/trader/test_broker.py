"""The trader's session at a broker and its market data, against the lab's broker itself: real requests, real frames."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from blackstart_lab.trader import broker, mutants
from blackstart_lab.trader.brokered import BrokeredOrders
from blackstart_lab.trader.errors import BrokerUnavailable
from blackstart_lab.trader.heart import Heart
from blackstart_lab.trader.market_data import MarketData
from blackstart_lab.trader.orders import Order
from blackstart_lab.trader.session import BrokerSession
from tests.unit.blackstart_lab.trader.fakes import PROFILE, Bench

ORDER = Order("o-1", "BUY", 1, 2.5)
WITHIN_S = 10.0
# Nothing here waits for a time limit, and a busy machine must not run into one.
PATIENT = replace(PROFILE, backoff_s=(0.01,), broker_timeout_s=WITHIN_S, stream_silent_s=WITHIN_S)


class Ticks:
    """What market data writes, in place of a database."""

    def __init__(self) -> None:
        self.rows: dict[int, float] = {}

    async def call(self, sql: str, values: Any, **how: Any) -> list[tuple[Any, ...]]:
        self.rows |= dict(zip(*values, strict=True))
        return []


@dataclass
class World:
    """A broker that listens, and a trader's parts beside it."""

    book: broker.Book
    bench: Bench
    session: BrokerSession
    market: MarketData
    ticks: Ticks
    url: str

    def keys(self) -> list[str]:
        return [order["client_order_id"] for order in self.book.orders]


@asynccontextmanager
async def world(folder: Path, session: type[Any] = BrokerSession, market: type[Any] = MarketData,
                orders: type[Any] = BrokeredOrders) -> AsyncIterator[World]:  # fmt: skip
    book = broker.Book()
    app, source = broker.application(book)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    url = f"http://127.0.0.1:{port}"
    bench = Bench(folder, orders=orders)
    await bench.lock.attempt()
    made = session(url, PATIENT, lock=bench.lock, desk=bench.desk, events=bench.events)
    bench.orders.session = made  # type: ignore[attr-defined]
    ticks = Ticks()
    told: dict[str, Any] = {"heart": Heart(bench.metrics, bench.lock), "metrics": bench.metrics}
    data = market(f"ws://127.0.0.1:{port}/stream", made, PATIENT, database=ticks, events=bench.events, **told)
    jobs = [asyncio.create_task(job()) for job in (source.run, made.run)]
    try:
        await until(lambda: made.token)
        yield World(book, bench, made, data, ticks, url)
    finally:
        for job in jobs:
            job.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*jobs)
        if made._http:
            await made._http.close()
        await runner.cleanup()


async def until(fact: Any) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not fact():
            await asyncio.sleep(0.005)


def refuse(world: World) -> None:
    """As /sandbox/refuse-tokens does."""
    world.book.tokens.clear()
    world.book.refusing = True


def test_a_refused_token_pauses_trading_and_a_new_one_resumes_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path) as it:
            await it.bench.orders.place(ORDER)
            refuse(it)
            with pytest.raises(BrokerUnavailable, match="refuses our token"):
                await it.bench.orders.place(Order("o-2", "BUY", 1, 1))
            assert it.bench.desk.is_paused
            with pytest.raises(BrokerUnavailable):  # come again, and not: never
                await it.bench.orders.place(Order("o-3", "BUY", 1, 1))
            await until(lambda: it.book.token_requests > 3)
            assert it.bench.desk.is_paused
            it.book.refusing = False
            await until(lambda: not it.bench.desk.is_paused)
            await it.bench.orders.place(Order("o-2", "BUY", 1, 1))
            assert it.keys() == ["o-1", "o-2"]

    asyncio.run(story())


def test_a_trader_that_people_paused_stays_paused_with_a_new_token(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path) as it:
            refuse(it)
            it.bench.desk.manually_paused = True
            it.session.refused(it.session.token)
            it.book.refusing = False
            await until(lambda: it.session.token)
            assert it.bench.desk.is_paused

    asyncio.run(story())


def test_an_order_that_the_broker_has_is_not_sent_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path) as it:
            await asyncio.gather(*(it.bench.orders.place(ORDER) for _ in range(5)))
            assert it.keys() == ["o-1"]

    asyncio.run(story())


def test_an_order_that_was_written_and_never_got_there_is_sent_when_it_is_repeated(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path) as it:
            refuse(it)
            with pytest.raises(BrokerUnavailable):
                await it.bench.orders.place(ORDER)
            assert (it.bench.database.inserted, it.keys()) == (["o-1"], [])
            it.book.refusing = False
            await until(lambda: it.session.token)
            await it.bench.orders.place(ORDER)
            assert (it.bench.database.inserted, it.keys()) == (["o-1"], ["o-1"])

    asyncio.run(story())


async def gap(it: World) -> None:
    """Market data that listened, was away for some ticks and listens again."""
    for after in (0, 5):
        await until(lambda after=after: it.book.ticks and it.book.ticks[-1][0] >= (it.market.last or 0) + after)
        seen = it.market.last
        jobs = [asyncio.create_task(job()) for job in (it.market.run, it.market.fill, it.market.write)]
        await until(lambda seen=seen: it.market.last not in (None, seen) and it.market.last in it.ticks.rows)
        await until(lambda: not it.market.gaps)
        last = it.market.last or 0
        await until(lambda last=last: max(it.ticks.rows) > last)
        for job in jobs:
            job.cancel()
        await asyncio.wait(jobs)


def missing(rows: dict[int, float]) -> int:
    return max(rows) - min(rows) + 1 - len(rows)


def test_ticks_that_were_missed_are_fetched(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path) as it:
            await gap(it)
            assert it.bench.log.read_text().count('"gap_filled"') >= 1
            assert missing(it.ticks.rows) == 0

    asyncio.run(story())


def test_leaves_gap_goes_on_with_the_next(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, market=mutants.load("leaves-gap").parts["market"]) as it:
            await gap(it)
            assert missing(it.ticks.rows) >= 4

    asyncio.run(story())


def test_doubles_order_after_renewal_sends_it_for_itself_and_for_its_client(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, orders=mutants.load("doubles-order-after-renewal").parts["orders"]) as it:
            refuse(it)
            with pytest.raises(BrokerUnavailable):
                await it.bench.orders.place(ORDER)
            it.book.refusing = False
            await until(lambda: it.keys() == ["o-1"])
            fresh = Order("o-2", "BUY", 1, 1)
            refuse(it)
            it.session.token = None  # as all but the first order meet it
            with pytest.raises(BrokerUnavailable):
                await it.bench.orders.place(fresh)
            it.book.refusing = False
            it.session._refused.set()
            await until(lambda: it.session.token)
            await it.bench.orders.place(fresh)
            await until(lambda: it.keys().count("o-2") == 2)

    asyncio.run(story())


def test_sends_while_paused_goes_on_with_the_old_token_until_it_has_a_new_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, session=mutants.load("sends-while-paused").parts["session"]) as it:
            refuse(it)
            with pytest.raises(BrokerUnavailable):
                await it.bench.orders.place(ORDER)
            assert it.bench.desk.is_paused
            await until(lambda: it.book.refused > 3)
            it.book.refusing = False
            await until(lambda: not it.bench.desk.is_paused and it.session.sending.done())
            await it.bench.orders.place(ORDER)

    asyncio.run(story())


def test_never_renews_token_asks_for_none(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, session=mutants.load("never-renews-token").parts["session"]) as it:
            refuse(it)
            with pytest.raises(BrokerUnavailable):
                await it.bench.orders.place(ORDER)
            it.book.refusing = False
            for _ in range(50):
                await asyncio.sleep(0)
            assert (it.book.token_requests, it.bench.desk.is_paused) == (1, True)

    asyncio.run(story())


@pytest.mark.parametrize(("name", "part"), [("hammers-broker", "session"), ("reconnects-without-backoff", "market")])
def test_those_that_hammer_do_not_back_off(name: str, part: str, tmp_path: Path) -> None:
    async def story() -> None:
        kinds: dict[str, Any] = {part: mutants.load(name).parts[part]}
        async with world(tmp_path, **kinds) as it:
            made = it.session if part == "session" else it.market
            assert len({made.pause_s() for _ in range(9)}) == 1

    asyncio.run(story())

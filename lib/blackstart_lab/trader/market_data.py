"""Market data: ticks from the broker's WebSocket, their numbers looked at, what is missing fetched over HTTP."""

import asyncio
import contextlib
import json

from aiohttp import ClientError, ClientSession, ClientTimeout, ClientWSTimeout, WSMsgType
from prometheus_client import Counter

from blackstart_lab.database import Database, DatabaseUnavailable
from blackstart_lab.event_log import EventLog
from blackstart_lab.trader.backoff import Backoff
from blackstart_lab.trader.config import Profile
from blackstart_lab.trader.errors import BrokerUnavailable
from blackstart_lab.trader.heart import Heart
from blackstart_lab.trader.metrics import Metrics
from blackstart_lab.trader.session import BrokerSession

SCHEMA = "CREATE TABLE IF NOT EXISTS ticks (seq bigint PRIMARY KEY, price numeric NOT NULL);\n"
_WRITE = (
    "INSERT INTO ticks SELECT * FROM unnest(%s::bigint[], %s::numeric[]) ON CONFLICT (seq) DO UPDATE "
    "SET price = excluded.price"
)
_WRITE_S = 0.05
_FILL_AGAIN_S = 0.2


class StreamLost(Exception):
    """The stream ended, or nothing came of it in time."""


class MarketData:
    """Beats with each tick, and with nothing else. A stream that is silent counts as one that is gone."""

    def __init__(
        self, url: str, session: BrokerSession, profile: Profile, *,
        heart: Heart, metrics: Metrics, database: Database, events: EventLog,
    ) -> None:  # fmt: skip
        self.url = url
        self.session = session
        self.heart = heart
        self.database = database
        self.events = events
        self.silent_s = profile.stream_silent_s
        self.connect_s = profile.broker_timeout_s
        self.backoff = Backoff(profile.backoff_s, profile.backoff_jitter_s)
        self.attempts = Counter("trader_marketdata_reconnects", "Attempts to reconnect", registry=metrics.registry)
        self.last: int | None = None
        self.gaps: list[tuple[int, int]] = []
        self._unwritten: dict[int, float] = {}

    async def run(self) -> None:
        """Listen, and connect again with growing pauses."""
        async with ClientSession(timeout=ClientTimeout(total=None, connect=self.connect_s)) as http:
            while True:
                try:
                    await self.listen(http)
                except (ClientError, OSError, TimeoutError, StreamLost) as error:
                    self.events.write("stream_lost", reason=f"{type(error).__name__}: {error}")
                await asyncio.sleep(self.pause_s())
                self.attempts.inc()

    def pause_s(self) -> float:
        """How long to wait before the next attempt."""
        return self.backoff.next_s()

    async def listen(self, http: ClientSession) -> None:
        """Until the stream is lost, which it raises."""
        async with asyncio.timeout(self.connect_s):
            stream = await http.ws_connect(self.url, timeout=ClientWSTimeout(ws_close=0.1))
        async with stream:
            while True:
                message = await stream.receive(timeout=self.silent_s)
                if message.type != WSMsgType.TEXT:
                    raise StreamLost(f"the stream ended: {message.type.name}")
                tick = json.loads(message.data)
                self.backoff.reset()
                self.take(int(tick["seq"]), float(tick["price"]))

    def take(self, number: int, price: float) -> None:
        """One tick of the stream. Numbers that were skipped are a gap; a lower one than before is a new count."""
        if self.last is not None and number > self.last + 1:
            self.note_gap(self.last + 1, number - 1)
        self.last = number
        self.heart.beat("marketdata")
        self.keep(number, price)

    def note_gap(self, first: int, last: int) -> None:
        """To be filled."""
        self.events.write("gap", first=first, last=last)
        self.gaps.append((first, last))

    def keep(self, number: int, price: float) -> None:
        """To be written."""
        self._unwritten[number] = price

    async def fill(self) -> None:
        """Fetch what is missing, for as long as anything is."""
        while True:
            with contextlib.suppress(BrokerUnavailable):
                while self.gaps:
                    for tick in await self.session.ticks(*self.gaps[0]):
                        self.keep(int(tick["seq"]), float(tick["price"]))
                    self.events.write("gap_filled", first=self.gaps[0][0], last=self.gaps[0][1])
                    del self.gaps[0]
            await asyncio.sleep(_FILL_AGAIN_S)

    async def write(self) -> None:
        """What came goes to the database, and waits where that is away."""
        while True:
            ticks, self._unwritten = self._unwritten, {}
            if ticks:
                try:
                    await self.database.call(_WRITE, [list(ticks), list(ticks.values())], again=True)
                except DatabaseUnavailable:
                    self._unwritten = ticks | self._unwritten
            await asyncio.sleep(_WRITE_S)

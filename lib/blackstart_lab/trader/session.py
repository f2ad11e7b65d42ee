"""The trader's session at its broker: a token, orders that go with it, and a new token where it is refused."""

import asyncio
import contextlib
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from blackstart_lab.event_log import EventLog
from blackstart_lab.trader.backoff import Backoff
from blackstart_lab.trader.config import Profile
from blackstart_lab.trader.desk import Desk
from blackstart_lab.trader.errors import BrokerUnavailable
from blackstart_lab.trader.lock import LeaderLock

_UNAUTHORIZED = 401
_RENEWED_EARLY = 0.8  # of the time that a token lasts


class BrokerSession:
    """Without a token that the broker takes no order is sent, and trading is paused; with a new one it resumes."""

    def __init__(self, url: str, profile: Profile, *, lock: LeaderLock, desk: Desk, events: EventLog) -> None:
        self.url = url
        self.lock = lock
        self.desk = desk
        self.events = events
        self.token: str | None = None
        self.backoff = Backoff(profile.backoff_s, profile.backoff_jitter_s)
        self._timeout = ClientTimeout(total=profile.broker_timeout_s)
        self._http: ClientSession | None = None
        self._refused = asyncio.Event()
        self._paused = False

    async def run(self) -> None:
        """Have a token, always."""
        while True:
            self._refused.clear()
            lasts_s = await self.renew()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._refused.wait(), lasts_s * _RENEWED_EARLY)

    async def renew(self) -> float:
        """A new token, after as many attempts as it takes; returns the seconds that it lasts."""
        while True:
            try:
                status, body = await self._ask("POST", "/token", token="")
                if status == 200:
                    break
                reason = f"the broker issues no token: {status}"
            except BrokerUnavailable as error:
                reason = str(error)
            self.events.write("token_denied", reason=reason)
            if self.token is None:
                self.pause(reason)
            await asyncio.sleep(self.pause_s())
        self.backoff.reset()
        self.token = body["access_token"]
        self.events.write("token_renewed")
        self.resume()
        return float(body["expires_in"])

    def pause_s(self) -> float:
        """How long to wait before the next attempt."""
        return self.backoff.next_s()

    def pause(self, reason: str) -> None:
        """Trading pauses, which is what operators look at; the order desk asks for the token itself."""
        self._paused = True
        self.desk.pause(reason)

    def resume(self) -> None:
        """What was paused here goes on, unless somebody else has a reason against it."""
        if self._paused and self.lock.leading and not self.desk.manually_paused:
            self.desk.resume("the broker's token was renewed")
        self._paused = False

    def refused(self, token: str | None) -> None:
        """The broker does not take that token any more; one that was renewed meanwhile stays."""
        if token != self.token:
            return
        self.token = None
        self.pause("the broker refuses our token")
        self._refused.set()

    async def place(self, order: Any) -> None:
        """Send it, once. Raises BrokerUnavailable, after which its fate is unknown but where the token was refused."""
        body = {
            "client_order_id": order.client_order_id,
            "side": order.side,
            "quantity": order.quantity,
            "price": order.price,
        }
        await self._with_token("POST", "/orders", json=body)

    async def find(self, client_order_id: str) -> bool:
        """Whether the broker has that order. Raises BrokerUnavailable."""
        found = await self._with_token("GET", "/orders", params={"client_order_id": client_order_id})
        return bool(found["orders"])

    async def ticks(self, first: int, last: int) -> list[dict[str, Any]]:
        """The ticks with these numbers, which anybody may ask for. Raises BrokerUnavailable."""
        status, body = await self._ask("GET", "/ticks", token="", params={"from": str(first), "to": str(last)})
        if status != 200:
            raise BrokerUnavailable(f"the broker answered {status} to the question for ticks")
        found: list[dict[str, Any]] = body["ticks"]
        return found

    async def _with_token(self, method: str, path: str, **more: Any) -> Any:
        token = self.token
        if token is None:
            raise BrokerUnavailable("there is no token that the broker takes")
        status, body = await self._ask(method, path, token=token, **more)
        if status == _UNAUTHORIZED:
            self.refused(token)
            raise BrokerUnavailable("the broker refuses our token")
        if status >= 300:
            raise BrokerUnavailable(f"the broker answered {status}")
        return body

    async def _ask(self, method: str, path: str, *, token: str, **more: Any) -> tuple[int, Any]:
        if self._http is None:
            self._http = ClientSession(timeout=self._timeout)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with self._http.request(method, self.url + path, headers=headers, **more) as answer:
                return answer.status, await answer.json() if answer.ok else None
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            raise BrokerUnavailable(f"the broker: {type(error).__name__} {error}") from error

"""The leader lock: who holds a key in Redis leads, and only for as long as it can be sure that it still holds it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from blackstart_lab.clock import now_s
from blackstart_lab.event_log import EventLog
from blackstart_lab.trader.backoff import Backoff
from blackstart_lab.trader.config import Profile
from blackstart_lab.trader.errors import StoreUnreachable

_INTERVALS_KEPT = 500


class Store(Protocol):
    """Where the key lies. Both calls are bounded in time and raise StoreUnreachable."""

    url: str

    async def acquire(self, owner: str, ttl_s: float) -> bool:
        """Take the key if nobody has it."""

    async def extend(self, script: str, owner: str, ttl_s: float) -> bool:
        """Let the key live for another `ttl_s`, by the given script."""


class Listener(Protocol):
    """Who is told about leadership."""

    def acquired(self) -> None: ...
    def lost(self, reason: str) -> None: ...
    def failed_cycle(self) -> None: ...


@dataclass
class Interval:
    """One stretch of leadership, in seconds of `clock.now_s`.

    `acted` is the last action as leader, `until` the end of the lease as known, `lost` is None while leading.
    """

    token: int | None
    acquired: float
    acted: float | None
    until: float
    lost: float | None = None


class LeaderLock:
    """Takes the lock, keeps it, notices its loss, and tries again with growing pauses."""

    EXTEND_SCRIPT = (
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) else return 0 end"
    )

    def __init__(
        self,
        store: Store,
        profile: Profile,
        instance_id: str,
        *,
        events: EventLog,
        take_token: Callable[[], Awaitable[int | None]],
        now: Callable[[], float] = now_s,
    ) -> None:
        self.store = store
        self.profile = profile
        self.instance_id = instance_id
        self.events = events
        self.listener: Listener | None = None
        self.intervals: list[Interval] = []
        self.leading = False
        self.backoff = Backoff(profile.backoff_s, profile.backoff_jitter_s)
        self.now = now
        self._take_token = take_token
        self._refresh_at = 0.0

    @property
    def token(self) -> int | None:
        return self.intervals[-1].token if self.leading else None

    @property
    def ever_led(self) -> bool:
        return bool(self.intervals)

    async def run(self) -> None:
        """Keep at it until cancelled. After a loss the first pause comes before the first attempt."""
        while True:
            if self.leading:
                await asyncio.sleep(max(0.0, self._refresh_at - self.now()))
                await self.refresh()
            elif await self.attempt():
                self.backoff.reset()
                continue
            if not self.leading:
                await asyncio.sleep(self.pause_s())

    def pause_s(self) -> float:
        """How long to wait before the next attempt."""
        return self.backoff.next_s()

    async def attempt(self) -> bool:
        """One try to become the leader."""
        sent = self.now()
        try:
            taken = await self.store.acquire(self.instance_id, self.profile.lock_ttl_s)
            reason = "" if taken else "the key is held"
        except StoreUnreachable as error:
            taken, reason = False, f"Redis: {error}"
        self.events.write("acquire_attempt", ok=taken, reason=reason)
        if not taken:
            if self.ever_led and self.listener:
                self.listener.failed_cycle()
            return False
        token = await self._take_token()
        until = sent + self.profile.lock_ttl_s
        if self.now() >= until:  # frozen or starved since: the key may be somebody else's by now
            return False
        self._lead(Interval(token, acquired=self.now(), acted=None, until=until), sent)
        return True

    def _lead(self, interval: Interval, sent: float) -> None:
        self.intervals = [*self.intervals[-_INTERVALS_KEPT:], interval]
        self.leading = True
        self._refresh_at = sent + self.profile.lock_refresh_s
        self.events.write("lock_acquired", token=interval.token, until=interval.until)
        if self.listener:
            self.listener.acquired()

    async def refresh(self) -> None:
        """Extend the lease, or step down: on any doubt, not only when another owner is seen."""
        if not self.certain():
            return
        sent = self.now()
        try:
            held = await self.store.extend(self.EXTEND_SCRIPT, self.instance_id, self.profile.lock_ttl_s)
            reason = "the key is gone or has another owner"
        except StoreUnreachable as error:
            held, reason = False, f"Redis: {error}"
        if not self.leading:
            return
        if not held:
            await self.step_down(reason)
            return
        self.intervals[-1].until = sent + self.profile.lock_ttl_s
        self._refresh_at = sent + self.profile.lock_refresh_s
        self.events.write("lock_refreshed", until=self.intervals[-1].until)

    async def step_down(self, reason: str) -> None:
        """What follows a refresh that failed."""
        self.lose(reason)

    def certain(self) -> bool:
        """Whether this instance leads beyond doubt at this moment; a lease that ran out unseen ends leadership here."""
        if self.leading and self.lease_is_over():
            self.lose("the lease ran out")
        return self.leading

    def lease_is_over(self) -> bool:
        return self.now() >= self.intervals[-1].until

    def lose(self, reason: str) -> None:
        """Stop leading, at once."""
        if not self.leading:
            return
        self.leading = False
        self.intervals[-1].lost = self.now()
        self.events.write("lock_lost", reason=reason)
        if self.listener:
            self.listener.lost(reason)

    async def ensure_token(self) -> int | None:
        """The fencing token of this leadership; asked for again where the database was away when it began."""
        if self.leading and self.intervals[-1].token is None:
            interval = self.intervals[-1]
            interval.token = await self._take_token()
            if interval.token is not None:
                self.events.write("token_taken", token=interval.token)
        return self.token

    def drop_token(self) -> None:
        """Forget a token that the database refused; the next action takes a new one if we still lead."""
        if self.leading:
            self.intervals[-1].token = None

    def acted(self) -> None:
        """Note that something was done as leader."""
        if self.leading:
            self.intervals[-1].acted = self.now()

    def report(self) -> dict[str, Any]:
        """The answer of `/leadership`."""
        self.certain()
        intervals = [asdict(interval) for interval in self.intervals]
        return {"instance_id": self.instance_id, "now": self.now(), "intervals": intervals}

"""One client's connection through a proxy: two halves, the dial between them, and the toxics that act on it."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from blackstart.proxy.address import Address
from blackstart.proxy.dial import Dialler
from blackstart.proxy.half import Half
from blackstart.proxy.stage import HangUp
from blackstart.proxy.timers import TimerQueue
from blackstart.proxy.toxic import BOTH, DOWNSTREAM, UPSTREAM, Toxic

DIAL_WITHIN_S = 30.0


class Owner(Protocol):
    """Whose connection it is: the proxy that accepted it."""

    name: str
    seed: str
    upstream: Address
    toxics: list[Toxic]
    timers: TimerQueue
    dialler: Dialler

    def accept(self, connection: "Connection") -> bool:
        """Take in a new connection; False where it has to be reset."""
        ...

    def dial_failed(self, why: str) -> None:
        """A connection did not reach the upstream."""

    def forget(self, connection: "Connection") -> None:
        """A connection is over."""


class Connection:
    """From the accepted client to the dialled upstream. `number` counts the connections of its proxy from 1."""

    __slots__ = ("_dial", "_rolls", "client", "number", "over", "proxy", "server")

    def __init__(self, proxy: Owner, number: int) -> None:
        self.proxy, self.number = proxy, number
        self.client, self.server = Half(self, UPSTREAM), Half(self, DOWNSTREAM)
        self.client.peer, self.server.peer = self.server, self.client
        self.over = False
        self._dial: asyncio.Task[None] | None = None
        self._rolls: dict[str, float] | None = None

    def made(self, half: Half) -> None:
        """One of the two sockets is there."""
        if self.over:  # ended while it was being made
            half.leave(HangUp.CUT)
        elif half is self.server:
            self.client.connected()
            self.server.connected()
        elif not self.proxy.accept(self):
            self.hang_up(HangUp.RESET)
        else:
            self.client.route()
            self.server.route()
            self.rebuild(self.proxy.toxics, fresh=True)
            if not self.over:
                self._dial = asyncio.get_running_loop().create_task(self._dial_upstream(self.proxy.upstream))

    async def _dial_upstream(self, upstream: Address) -> None:
        try:
            async with asyncio.timeout(DIAL_WITHIN_S):
                await self.proxy.dialler.dial(upstream, lambda: self.server)
            self._dial = None
        except (OSError, UnicodeError) as error:
            self._dial = None
            self.proxy.dial_failed(str(error) or f"no answer within {DIAL_WITHIN_S:g} s")
            self.hang_up(HangUp.CUT)

    def lost(self) -> None:
        """One of the sockets is gone; with the last one, so is the connection."""
        if self.client.transport is None and self._dial is not None:
            self._dial.cancel()
        if self.client.transport is None and self.server.transport is None:
            self.hang_up(HangUp.CUT)
            self.proxy.forget(self)

    def hang_up(self, how: HangUp) -> None:
        """End both halves in that way. May be called again, to be less patient."""
        if self.over and how is HangUp.CLOSE:
            return
        self.over = True
        if self._dial is not None:
            self._dial.cancel()
        self.client.leave(how)
        self.server.leave(how)

    def rebuild(self, toxics: Sequence[Toxic], *, fresh: bool = False) -> None:
        """Have the stages of those of the toxics that act on this connection, in their order."""
        for half in (self.client, self.server):
            acting = [toxic for toxic in toxics if toxic.acts_on(half.direction) and self._affected(toxic)]
            if self.over or not (acting or half.pipeline):
                continue
            half.staged(self.proxy.timers).rebuild(acting, self._random(half.direction), fresh)
            if not self.over:
                half.route()

    def changed(self, toxic: Toxic) -> None:
        """That toxic's attributes changed."""
        for half in (self.client, self.server):
            if half.pipeline is not None and not self.over:
                half.pipeline.changed(toxic)

    def _affected(self, toxic: Toxic) -> bool:
        """Rolled once per connection and toxic: whatever its toxicity becomes, the same connections are the first."""
        if toxic.toxicity >= 1:
            return True
        if self._rolls is None:
            self._rolls = {}
        if toxic.name not in self._rolls:
            self._rolls[toxic.name] = self._seeded(toxic, BOTH).random()
        return self._rolls[toxic.name] < toxic.toxicity

    def _random(self, direction: str) -> Callable[[Toxic], Callable[[], Random]]:
        def source(toxic: Toxic) -> Callable[[], Random]:
            made: list[Random] = []

            def random() -> Random:
                if not made:  # 2.5 kB, so only for those that ask
                    made.append(self._seeded(toxic, direction))
                return made[0]

            return random

        return source

    def _seeded(self, toxic: Toxic, use: str) -> Random:
        return Random(f"{self.proxy.seed}/{self.proxy.name}/{toxic.name}/{self.number}/{use}")

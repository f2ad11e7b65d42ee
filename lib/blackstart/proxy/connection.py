"""One client's connection through a proxy: two sides, the dial between them, and the toxics that act on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from blackstart.proxy.address import Address
from blackstart.proxy.side import Side
from blackstart.proxy.stage import HangUp
from blackstart.proxy.toxic import BOTH, DOWNSTREAM, UPSTREAM, Toxic

if TYPE_CHECKING:
    from blackstart.proxy.proxy import Proxy

DIAL_WITHIN_S = 30.0


class Connection:
    """From the accepted client to the dialled upstream. `number` counts the connections of its proxy from 1."""

    __slots__ = ("_dial", "_rolls", "client", "number", "over", "proxy", "server")

    def __init__(self, proxy: Proxy, number: int) -> None:
        self.proxy, self.number = proxy, number
        self.client, self.server = Side(self, UPSTREAM), Side(self, DOWNSTREAM)
        self.client.peer, self.server.peer = self.server, self.client
        self.over = False
        self._dial: asyncio.Task[None] | None = None
        self._rolls: dict[str, float] | None = None

    def made(self, side: Side) -> None:
        """One of the two sockets is there."""
        if self.over:  # ended while it was being made
            side.leave(HangUp.CUT)
        elif side is self.server:
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
        """End both sides in that way. May be called again, to be less patient."""
        if self.over and how is HangUp.CLOSE:
            return
        self.over = True
        if self._dial is not None:
            self._dial.cancel()
        self.client.leave(how)
        self.server.leave(how)

    def rebuild(self, toxics: Sequence[Toxic], *, fresh: bool = False) -> None:
        """Have the stages of those of the toxics that act on this connection, in their order."""
        for side in (self.client, self.server):
            acting = [toxic for toxic in toxics if toxic.acts_on(side.direction) and self._affected(toxic)]
            if self.over or not (acting or side.pipeline):
                continue
            side.staged(self.proxy.clockwork).rebuild(acting, self._random(side.direction), fresh)
            if not self.over:
                side.route()

    def changed(self, toxic: Toxic) -> None:
        """That toxic's attributes changed."""
        for side in (self.client, self.server):
            if side.pipeline is not None and not self.over:
                side.pipeline.changed(toxic)

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

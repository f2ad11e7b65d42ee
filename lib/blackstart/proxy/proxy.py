"""One proxy: where it listens, what it leads to, its toxics and its connections."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from blackstart.proxy.address import Address, bindable
from blackstart.proxy.connection import Connection
from blackstart.proxy.connection_limit import ConnectionLimit
from blackstart.proxy.dial import Dialler
from blackstart.proxy.errors import ApiError, toxic_exists, toxic_not_found
from blackstart.proxy.listener import Listener
from blackstart.proxy.stage import HangUp
from blackstart.proxy.timers import TimerQueue
from blackstart.proxy.toxic import DOWNSTREAM, UPSTREAM, Toxic

log = logging.getLogger(__name__)


@dataclass
class Totals:
    """What closed connections have carried in one direction, in bytes."""

    received: int = 0
    sent: int = 0


class Proxy:
    """Accepts on `listen`, dials `upstream`, and lets the toxics work in between.

    Changes take effect on open connections at once. No method waits for one.
    """

    def __init__(
        self,
        name: str,
        listen: Address,
        upstream: Address,
        seed: str,
        timers: TimerQueue,
        dialler: Dialler,
        limit: ConnectionLimit,
    ) -> None:
        self.name, self.upstream, self.seed, self.timers = name, upstream, seed, timers
        self.listen, self.dialler = listen, dialler
        self._limit = limit
        self.enabled = False
        self.toxics: list[Toxic] = []
        self.connections: set[Connection] = set()
        self.accepted = self.dials_failed = 0
        self._listener: Listener | None = None
        self._totals = {UPSTREAM: Totals(), DOWNSTREAM: Totals()}

    # ------------------------------------------------------------ as a whole

    async def start(self) -> None:
        """Begin to accept. ApiError 500 where the address can't be had; nothing has changed then."""
        if self.enabled:
            return
        if self._listener is None:
            self._listener = Listener(await bindable(self.listen), self._protocol)
            self.listen = self._listener.address
        self.enabled = True
        try:
            await self.open_or_refuse()
        except BaseException:
            self.enabled = False
            raise
        log.info('Proxy "%s" started: %s -> %s', self.name, self.listen, self.upstream)

    def stop(self) -> None:
        """Refuse new connections and cut those that are open; the port stays ours."""
        if not self.enabled:
            return
        self.enabled = False
        if self._listener is not None:
            self._listener.refuse()
        self.cut()
        log.info('Proxy "%s" stopped', self.name)

    def close(self) -> None:
        """Stop, and let go of the port."""
        self.stop()
        self.cut()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def cut(self) -> None:
        """Cut every open connection."""
        for connection in tuple(self.connections):
            connection.hang_up(HangUp.CUT)

    async def move(self, listen: Address, upstream: Address) -> None:
        """Listen elsewhere or lead elsewhere: stops, and cuts what is open.

        ApiError 500 where the new address can't be had; nothing has changed then, but that what is open is cut where
        only the host was to change.
        """
        if not await self.listens_on(listen):
            await self._listen_at(await bindable(listen))
        self.stop()
        self.upstream = upstream

    async def _listen_at(self, address: Address) -> None:
        """Bind that address and let go of the old one: before, where it is the same port of another host."""
        old, was_enabled = self._listener, self.enabled
        if old is not None and address.port == self.listen.port:
            self.close()
            try:
                listener = Listener(address, self._protocol)
            except ApiError:
                if was_enabled:
                    await self.start()
                raise
        else:
            listener = Listener(address, self._protocol)
            self.close()
        self._listener, self.listen = listener, listener.address

    async def listens_on(self, wanted: Address) -> bool:
        """Whether that address is where it listens already, or would once it is started."""
        if wanted == self.listen:
            return True
        found = await bindable(wanted)
        every = found.host in ("", "::", "0.0.0.0") and self.listen.host in ("", "::", "0.0.0.0")
        return (every or found.host == self.listen.host) and found.port in (0, self.listen.port)

    # ------------------------------------------------------------ toxics

    def toxic(self, name: str) -> Toxic:
        """The toxic of that name; ApiError 404 where there is none."""
        for toxic in self.toxics:
            if toxic.name == name:
                return toxic
        raise toxic_not_found()

    async def add_toxic(self, toxic: Toxic) -> None:
        """Put it at the end of the chain, on open connections too. ApiError 409 where its name is taken."""
        if any(known.name == toxic.name for known in self.toxics):
            raise toxic_exists()
        self.toxics.append(toxic)
        log.info('Toxic "%s" added to "%s": %s', toxic.name, self.name, toxic.to_json())
        await self._toxics_changed()

    async def update_toxic(self, name: str, body: object) -> Toxic:
        """Change it where it is. ApiError 400 or 404, and nothing has changed then."""
        toxic = self.toxic(name)
        values, toxicity = toxic.values, toxic.toxicity
        toxic.update(body)
        if (values, toxicity) == (toxic.values, toxic.toxicity):
            return toxic  # only its lease was renewed
        log.info('Toxic "%s" of "%s" changed: %s', toxic.name, self.name, toxic.to_json())
        if toxicity != toxic.toxicity:
            await self._toxics_changed()
        for connection in tuple(self.connections):
            connection.changed(toxic)
        return toxic

    async def remove_toxics(self, toxics: list[Toxic], why: str = "removed") -> None:
        """Take them out; what their stages held goes on its way at once."""
        for toxic in toxics:
            self.toxics.remove(toxic)
            log.info('Toxic "%s" of "%s" %s', toxic.name, self.name, why)
        await self._toxics_changed()

    async def _toxics_changed(self) -> None:
        for connection in tuple(self.connections):
            connection.rebuild(self.toxics)
        await self.open_or_refuse()

    async def open_or_refuse(self) -> None:
        """Make the listener do what `enabled` and the toxics ask of it. ApiError 500 where the port was lost."""
        if self._listener is None or not self.enabled:
            return
        if any(toxic.kind.refuses_connections for toxic in self.toxics):
            self._listener.refuse()
        else:
            await self._listener.listen()

    # ------------------------------------------------------------ connections

    def _protocol(self) -> asyncio.Protocol:
        self.accepted += 1
        return Connection(self, self.accepted).client

    def accept(self, connection: Connection) -> bool:
        """Take in a new connection; False where it came too late, or is one too many."""
        self.connections.add(connection)
        return self._limit.enter() and self._listener is not None and self._listener.listening

    def dial_failed(self, why: str) -> None:
        """A connection did not reach the upstream."""
        self.dials_failed += 1
        log.info('Proxy "%s" could not reach %s: %s', self.name, self.upstream, why)

    def forget(self, connection: Connection) -> None:
        """A connection is over."""
        if connection in self.connections:
            self.connections.remove(connection)
            self._limit.leave()
            for half in (connection.client, connection.server):
                total = self._totals[half.direction]
                total.received += half.received_bytes
                total.sent += half.sent_bytes

    def totals(self, direction: str) -> Totals:
        """What has been carried in that direction so far, by open connections too."""
        closed = self._totals[direction]
        now = Totals(closed.received, closed.sent)
        for connection in self.connections:
            half = connection.client if direction == UPSTREAM else connection.server
            now.received += half.received_bytes
            now.sent += half.sent_bytes
        return now

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "name": self.name,
            "listen": str(self.listen),
            "upstream": str(self.upstream),
            "enabled": self.enabled,
            "toxics": [toxic.to_json() for toxic in self.toxics],
        }

"""The connections of an open loop: used again while they are fresh, opened where none is free, without a limit."""

import asyncio
from typing import Protocol

from blackstart.base.clock import now_s
from blackstart.loads.driving.connection import Connection, Listener
from blackstart.loads.driving.place import NotSent, Place
from blackstart.loads.driving.prepared import Prepared

# Common servers close connections that were idle for 2 s or more. One that is closed just as it is used again would be
# a lost request that only this client is to blame for.
_FRESH_S = 1.0


class Sendable(Listener, Protocol):
    """What a pool sends: bytes, and who waits for the answer."""

    request: bytes
    over: bool

    @property
    def head_only(self) -> bool:
        """Whether the answer has no body."""
        ...

    def carried_by(self, connection: Connection) -> None:
        """It is about to be sent on this connection."""
        ...

    def not_sent(self, failure: NotSent) -> None:
        """No connection came about."""
        ...


class Pool:
    """All connections to one place."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._idle: list[tuple[float, Connection]] = []
        self._all: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()

    def send(self, what: Sendable) -> asyncio.Task[None] | None:
        """Send at once on a fresh connection; else the task that opens one."""
        while self._idle:
            since_s, connection = self._idle.pop()
            if connection.reusable and now_s() - since_s < _FRESH_S:
                self._carry(connection, what)
                return None
            self.drop(connection)
        task = asyncio.get_running_loop().create_task(self._open(what))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return task

    def give_back(self, connection: Connection) -> None:
        """A connection whose exchange is over."""
        if connection.reusable:
            self._idle.append((now_s(), connection))
        else:
            self.drop(connection)

    def drop(self, connection: Connection) -> None:
        """Close it."""
        self._all.discard(connection)
        connection.close()

    def close(self) -> None:
        """Close everything."""
        for task in self._opening:
            task.cancel()
        for connection in list(self._all):
            self.drop(connection)

    async def _open(self, what: Sendable) -> None:
        try:
            connection = await self._place.connect()
        except NotSent as failure:
            if not what.over:
                what.not_sent(failure)
            return
        self._all.add(connection)
        if what.over:
            self.give_back(connection)
        else:
            self._carry(connection, what)

    def _carry(self, connection: Connection, what: Sendable) -> None:
        what.carried_by(connection)
        connection.expect(what, what.head_only)
        connection.write(what.request)


class Pools:
    """A pool for each place that the operations of a load name."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, int, bool], Pool] = {}

    def of(self, op: Prepared) -> Pool:
        """The pool of the place where this operation goes."""
        pool = self._pools.get(op.place)
        if pool is None:
            pool = self._pools[op.place] = Pool(Place(*op.place))
        return pool

    def close(self) -> None:
        """Close all of them."""
        for pool in self._pools.values():
            pool.close()

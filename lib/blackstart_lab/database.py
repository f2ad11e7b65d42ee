"""PostgreSQL, asked with a limit: every call ends in time, also when the server is frozen."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection, InterfaceError, OperationalError

_CONNECTIONS = 8
_WARM = 4
_WARM_CHECK_S = 1.0
Rows = list[tuple[Any, ...]]


class DatabaseUnavailable(Exception):
    """PostgreSQL could not be asked; whether a statement took effect is unknown."""


class Database:
    """A few connections that each carry one statement at a time, committed by itself."""

    def __init__(self, dsn: str, timeout_s: float, schema: str) -> None:
        self._dsn = dsn
        self._limit_s = 0.9 * timeout_s  # the rest is for hanging up and answering
        self._schema = schema
        self._schema_is_there = False
        self._idle: list[AsyncConnection[Any]] = []
        self._slots = asyncio.Semaphore(_CONNECTIONS)

    async def call(self, sql: str, values: Sequence[object] = (), *, again: bool = False, bounded: bool = True) -> Rows:
        """Run one statement within the time limit, waiting for a connection included.

        `again` allows a second try when a connection turned out to be dead, for statements that may run twice.
        Raises DatabaseUnavailable; whether the statement took effect is then unknown.
        """
        try:
            async with asyncio.timeout(self._limit_s if bounded else None), self._slots:
                reused = bool(self._idle)
                try:
                    return await self._once(sql, values)
                except OperationalError:
                    if not (again and reused):
                        raise
                    await self.close()  # after a restart of the server every idle connection is dead
                    return await self._once(sql, values)
        except TimeoutError as error:
            raise DatabaseUnavailable(f"no answer within {self._limit_s:g} s") from error
        except (OperationalError, InterfaceError, OSError) as error:
            raise DatabaseUnavailable(str(error).strip().splitlines()[0] if str(error) else repr(error)) from error

    async def _once(self, sql: str, values: Sequence[object]) -> Rows:
        connection = self._idle.pop() if self._idle else await self._connect()
        rows = await self._guarded(connection, self._execute(connection, sql, values))
        self._idle.append(connection)
        return rows

    async def _connect(self) -> AsyncConnection[Any]:
        connection = await AsyncConnection.connect(self._dsn, autocommit=True)
        if not self._schema_is_there:
            await self._guarded(connection, self._execute(connection, self._schema, None))
            self._schema_is_there = True
        return connection

    async def _execute(self, connection: AsyncConnection[Any], sql: str, values: Sequence[object] | None) -> Rows:
        cursor = await connection.execute(sql, values)
        return await cursor.fetchall() if cursor.description else []

    async def _guarded(self, connection: AsyncConnection[Any], call: Any) -> Rows:
        """Await the call; if it fails or our time is over, the connection is not used again.

        psycopg answers a cancellation by asking the server to cancel and waiting for it, which a frozen server never
        does. So the call runs in a task of its own, and it is the socket that is shut down.
        """
        task = asyncio.ensure_future(call)
        try:
            rows: Rows = await asyncio.shield(task)
            return rows
        except BaseException:
            _hang_up(connection)
            await asyncio.wait({task}, timeout=0.1)
            if task.done() and not task.cancelled():
                task.exception()  # seen, so that asyncio does not report it as forgotten
            await connection.close()
            raise

    async def keep_warm(self) -> None:
        """Keep some connections open, so that an order does not wait for one, nor a burst for each other."""
        while True:
            with contextlib.suppress(OperationalError, OSError):  # away or frozen: asked again a second later
                async with asyncio.timeout(self._limit_s):
                    while len(self._idle) < _WARM:
                        self._idle.append(await self._connect())
            await asyncio.sleep(_WARM_CHECK_S)

    async def close(self) -> None:
        """Drop the idle connections."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()


def _hang_up(connection: AsyncConnection[Any]) -> None:
    if connection.closed:
        return
    with socket.socket(fileno=os.dup(connection.fileno())) as duplicate:
        try:
            duplicate.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the other side was faster

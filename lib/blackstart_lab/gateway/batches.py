"""Counts sent together: what is asked while a question is under way goes with the next one."""

import asyncio
from collections.abc import Awaitable, Callable

from blackstart_lab.gateway.errors import LimiterUnavailable

Send = Callable[[list[str]], Awaitable[list[int]]]


class Batches:
    """Like a client that sends everything over one connection: a burst costs one round trip and not one each.

    At most `at_once` batches are under way. `send` counts one more under each of the keys, and raises
    LimiterUnavailable for all of them.
    """

    def __init__(self, send: Send, at_once: int) -> None:
        self._send = send
        self._at_once = at_once
        self._waiting: list[tuple[str, asyncio.Future[int]]] = []
        self._senders: set[asyncio.Task[None]] = set()

    async def count(self, key: str) -> int:
        """Count one more under the key. Cancelling takes it out, if it was not sent yet."""
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if len(self._senders) < self._at_once:
            sender = asyncio.create_task(self._send_all())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        return await answer

    async def _send_all(self) -> None:
        while self._waiting:
            batch = [(key, answer) for key, answer in self._waiting if not answer.done()]
            self._waiting = []
            if batch:
                await self._send_one(batch)

    async def _send_one(self, batch: list[tuple[str, asyncio.Future[int]]]) -> None:
        try:
            counts = await self._send([key for key, _ in batch])
        except LimiterUnavailable as error:
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(LimiterUnavailable(*error.args))
        else:
            for (_, answer), count in zip(batch, counts, strict=True):
                if not answer.done():
                    answer.set_result(count)

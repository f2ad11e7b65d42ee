"""The way to an upstream: its name looked up by one call at a time, then its addresses tried in turn."""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from blackstart.base.sockets import is_literal
from blackstart.proxy.address import Address

# A resolver may hang for minutes. With a thread for each connection, a name that nobody answers for would soon have
# all of them, and no other proxy could reach its upstream.
_MOST_NAMES = 32
_THREADS = ThreadPoolExecutor(_MOST_NAMES, "dial")


class Dialler:
    """Dials for all proxies of one event loop."""

    def __init__(self) -> None:
        self._under_way: dict[Address, asyncio.Future[list[str]]] = {}

    async def dial(self, upstream: Address, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Connect. Raises OSError or UnicodeError where none of the upstream's addresses takes the connection."""
        failure: OSError | None = None
        for host in await self._addresses(upstream):
            try:
                await asyncio.get_running_loop().create_connection(protocol, host, upstream.port)
            except OSError as error:
                failure = error
            else:
                return
        raise failure or OSError(f"{upstream} has no address")

    async def _addresses(self, upstream: Address) -> list[str]:
        if is_literal(upstream.host):
            return [upstream.host]
        under_way = self._under_way.get(upstream)
        if under_way is None:
            under_way = self._under_way[upstream] = asyncio.ensure_future(_look_up(upstream))
            under_way.add_done_callback(partial(self._found, upstream))
        return await asyncio.shield(under_way)

    def _found(self, upstream: Address, done: asyncio.Future[list[str]]) -> None:
        del self._under_way[upstream]
        if not done.cancelled():
            done.exception()  # told to those who waited for it; there may be none left


async def _look_up(upstream: Address) -> list[str]:
    call = partial(socket.getaddrinfo, upstream.host or "localhost", upstream.port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_THREADS, call)
    return list(dict.fromkeys(str(info[4][0]) for info in found))

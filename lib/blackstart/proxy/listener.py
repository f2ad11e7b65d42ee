"""Where a proxy listens; and how it refuses connections without letting go of its port."""

import asyncio
import socket
from collections.abc import Callable

from blackstart.proxy.address import Address, bind, name_of
from blackstart.proxy.errors import ApiError, bind_failed

BACKLOG = 4096


class Listener:
    """One bound address, listening or refusing.

    While it refuses, a socket that does not listen stays bound: a connection is refused by the kernel exactly as if
    nothing were there, yet no outgoing connection of this machine can be given the port (on loopback it could even
    connect to itself), so that the proxy always gets it back.
    """

    def __init__(self, address: Address, accept: Callable[[], asyncio.Protocol]) -> None:
        """Binds at once; ApiError 500 where it can't. `accept` makes the protocol of each connection."""
        self._held: socket.socket | None = bind(address)
        self._server: asyncio.Server | None = None
        self._accept = accept
        self.address = name_of(self._held)

    @property
    def listening(self) -> bool:
        """Whether connections are accepted."""
        return self._server is not None

    async def listen(self) -> None:
        """Accept connections. ApiError 500 where the port was lost in the meantime."""
        if self._server is not None:
            return
        held, self._held = self._held or bind(self.address), None
        try:
            self._server = await asyncio.get_running_loop().create_server(self._accept, sock=held, backlog=BACKLOG)
        except OSError as error:
            held.close()
            raise bind_failed(str(self.address), str(error.strerror or error).lower()) from error

    def refuse(self) -> None:
        """Refuse connections from now on; those that are open are not touched."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        try:
            self._held = bind(self.address)
        except ApiError:
            self._held = None  # someone took it in that instant: `listen` tries again, and says so if it can't

    def close(self) -> None:
        """Let go of the address."""
        self.refuse()
        if self._held is not None:
            self._held.close()
            self._held = None

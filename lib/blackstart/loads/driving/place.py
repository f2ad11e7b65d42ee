"""Where requests go: one address, how it is resolved, and connections to it."""

import asyncio
import errno
import socket
import ssl

from blackstart.base import trust
from blackstart.base.clock import now_s
from blackstart.base.sockets import is_literal
from blackstart.loads.driving.connection import Connection

# Refusals of our own machine: nothing was sent, and the system under test had no part in it.
_OURS = (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM)
_RESOLVE_EVERY_S = 10.0


class NotSent(Exception):
    """No connection came about: the request was certainly not sent. `ours`: for a reason of this machine."""

    def __init__(self, why: str, ours: bool = False) -> None:
        super().__init__(why)
        self.ours = ours


class Place:
    """A host and port, with or without TLS."""

    def __init__(self, host: str, port: int, tls: bool) -> None:
        self.host, self.port = host, port
        self._tls = trust.tls() if tls else None
        self._addresses: list[str] = [host] if is_literal(host) else []
        self._resolved_s = float("inf") if self._addresses else float("-inf")

    async def connect(self) -> Connection:
        """A new connection. Raises NotSent where none of the host's addresses takes one."""
        failures: list[OSError] = []
        try:
            for address in await self._resolve():
                try:
                    return await self._connect(address)
                except OSError as error:
                    failures.append(error)
        except OSError as error:
            failures.append(error)
        # Many a machine calls ::1 localhost, too, and has no IPv6: what the other address says is said of the system.
        failures.sort(key=lambda failure: failure.errno in _OURS)
        why = self._why(failures[0]) if failures else "the host has no address"
        raise NotSent(f"no connection: {why}", bool(failures) and failures[0].errno in _OURS)

    async def _connect(self, address: str) -> Connection:
        loop = asyncio.get_running_loop()
        name, context = (self.host, self._tls.context) if self._tls else (None, None)
        _, made = await loop.create_connection(Connection, address, self.port, ssl=context, server_hostname=name)
        return made

    def _why(self, failure: OSError) -> str:
        if self._tls and isinstance(failure, ssl.SSLError):
            return self._tls.refused(failure)
        return failure.strerror or str(failure)

    async def _resolve(self) -> list[str]:
        if now_s() - self._resolved_s > _RESOLVE_EVERY_S:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            self._addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
            self._resolved_s = now_s()
        return self._addresses

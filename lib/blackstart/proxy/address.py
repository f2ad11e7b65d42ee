"""Addresses in the form `host:port`: read, looked up and shown, as Go shows them."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from blackstart.base.sockets import is_literal
from blackstart.proxy.errors import bad_body, bind_failed

LOOK_UP_WITHIN_S = 5.0
# Threads of the API's own: those of the event loop may all be waiting for the names of upstreams.
_LOOK_UPS = ThreadPoolExecutor(2, "look-up")


@dataclass(frozen=True)
class Address:
    """A host (empty: every interface) and a port (0: any free one)."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_address(what: str, text: object, *, least_port: int) -> Address:
    """`localhost:6379`, `[::1]:6379`, `:6379`. ApiError 400 names the field (`what`) that is not of this form."""
    if not isinstance(text, str):
        raise bad_body(f"{what} must be a string, not {text!r}")
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    number = int(port) if colon and len(port) <= 5 and port.isascii() and port.isdigit() else -1
    if not least_port <= number <= 65535 or any(letter.isspace() or letter in "\0/" for letter in host):
        raise bad_body(f"{what} must be host:port with a port from {least_port} to 65535, not {text!r}")
    return Address(host, number)


async def bindable(address: Address) -> Address:
    """The same address with its host looked up, an IPv4 one where there is one. ApiError 500 where there is none."""
    if not address.host or is_literal(address.host):
        return address
    look_up = partial(socket.getaddrinfo, address.host, address.port, type=socket.SOCK_STREAM)
    try:
        async with asyncio.timeout(LOOK_UP_WITHIN_S):
            found = await asyncio.get_running_loop().run_in_executor(_LOOK_UPS, look_up)
    except (OSError, UnicodeError) as error:
        why = str(error) or f"no answer within {LOOK_UP_WITHIN_S:g} s"
        raise bind_failed(str(address), f"lookup {address.host}: {why}") from error
    found.sort(key=lambda info: info[0] != socket.AF_INET)
    return Address(str(found[0][4][0]), address.port)


def bind(address: Address) -> socket.socket:
    """A socket bound to that looked-up address, not listening yet. ApiError 500 where it can't be had."""
    every = address.host in ("", "::")
    family = socket.AF_INET6 if ":" in address.host or (every and socket.has_dualstack_ipv6()) else socket.AF_INET
    made = None
    try:
        made = socket.socket(family, socket.SOCK_STREAM)  # fails where no more files may be opened
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if every else 1)
        made.bind(("" if every else address.host, address.port))
    except (OSError, OverflowError) as error:
        if made is not None:
            made.close()
        raise bind_failed(str(address), str(getattr(error, "strerror", None) or error).lower()) from error
    return made


def name_of(bound: socket.socket) -> Address:
    """Where that socket is bound."""
    host, port = bound.getsockname()[:2]
    return Address(host, port)

"""Free ports that stay free while their service is down."""

import random
import socket
from pathlib import Path

from blackstart_lab.errors import NotStarted

_LOWEST, _HIGHEST = 20000, 31999


def take(count: int) -> list[int]:
    """`count` free ports of loopback, below the range from which the system picks ports for outgoing connections.

    A port from that range can be lent to any client while its service is stopped, and then the service can't come
    back; a client that keeps knocking can even be connected to itself.
    """
    highest = min(_HIGHEST, _first_ephemeral() - 1)
    candidates = random.sample(range(_LOWEST, highest + 1), highest + 1 - _LOWEST)
    found = []
    for port in candidates:
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise NotStarted(f"fewer than {count} free ports between {_LOWEST} and {highest}")


def demand(port: int) -> int:
    """The port that the user named, or a refusal that says what is wrong with it."""
    if not 1 <= port <= 65535:
        raise NotStarted(f"--port {port} is not a port; choose 1 to 65535")
    if not is_free(port):
        raise NotStarted(f"port {port} of 127.0.0.1 is in use; name a free one with --port, or none to have one chosen")
    return port


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT does not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _first_ephemeral() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        return 49152  # macOS and the IANA range

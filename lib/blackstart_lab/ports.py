"""Free ports that stay free while their service is down."""

import os
import random
import re
import socket
from pathlib import Path

from blackstart_lab.lab_error import NotStarted

LOWEST, HIGHEST = 20000, 31999
_RANGE = "BLACKSTART_LAB_PORTS"
"""The variable that keeps labs to some of them, as `20000-20999`. To others a port is free, too, whose service is down
for a while: labs that come and go side by side, each in a range of its own, can't take one another's."""


def take(count: int) -> list[int]:
    """`count` free ports of loopback, below the range from which the system picks ports for outgoing connections.

    A port from that range can be lent to any client while its service is stopped, and then the service can't come
    back; a client that keeps knocking can even be connected to itself.
    """
    lowest, highest = _allowed()
    candidates = random.sample(range(lowest, highest + 1), highest + 1 - lowest)
    found = []
    for port in candidates:
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise NotStarted(f"fewer than {count} free ports between {lowest} and {highest}")


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


def _allowed() -> tuple[int, int]:
    told = os.environ.get(_RANGE, "")
    if not told:
        return LOWEST, min(HIGHEST, _first_ephemeral() - 1)
    found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", told, re.ASCII)
    lowest, highest = map(int, found.groups()) if found else (0, 0)
    if not 1 <= lowest <= highest <= 65535:
        raise NotStarted(f"{_RANGE}={told} is no range of ports; give one as in {_RANGE}=20000-20999")
    return lowest, highest


def _first_ephemeral() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        return 49152  # macOS and the IANA range

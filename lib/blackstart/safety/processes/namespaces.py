"""Where a run is: on which machine, in which network namespace, among which processes.

A rule, an address and a pid mean something only there. From another place an undo would find what looks like its
service and healthy, "prove" it, and forget a fault that is still in force.
"""

import hashlib
import os
import re
import shlex
import socket
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from blackstart.base.codec import plain

_NAMED = Path("/run/netns")
_SO_NETNS_COOKIE = 71  # Linux 5.14; Python's socket has no name for it
_MOUNTED = re.compile(r"^\S+ \S+ \S+ (?P<root>net:\[\d+\]) (?P<path>\S+) ", re.MULTILINE)


@plain("place")
class Place:
    """`machine` is its identity, hashed, `host` its name for people; `network` and `processes` are the kernel's names
    of its namespaces (`net:[4026531840]`), `named` is what `ip netns` calls the network. `cookie` is the network's too:
    the kernel gives the number of one that has ended to another, a cookie never, until its next start. Empty: not
    known, or none."""

    machine: str = ""
    host: str = ""
    network: str = ""
    named: str = ""
    processes: str = ""
    cookie: str = ""

    def __post_init__(self) -> None:
        if not all(isinstance(part, str) for part in vars(self).values()):
            raise TypeError("a place is made of words")


@dataclass(frozen=True)
class Apart:
    """Why something can't be mended from here. `way` leads there, put before a command; empty where none is known.

    `ended`: the network namespace is no longer there, nor are the rules and queues that were in it.
    """

    kind: Literal["machine", "network", "processes"]
    where: str
    way: str = ""
    hint: str = ""
    ended: bool = False

    def told(self, command: str) -> str:
        """The command that mends it there, and how to get there where a command can't."""
        return f"{self.hint}{self.way} {command}".strip() if self.way else f"{self.hint}{command}"


@cache
def here() -> Place:
    """Where this process is."""
    network = _link("/proc/self/ns/net")
    return Place(_machine(), socket.gethostname(), network, _name_of(network), _link("/proc/self/ns/pid"), _cookie())


def apart(there: Place, rebooted: bool) -> Apart | None:
    """What lies between `there` and this process; None where nothing does, as far as is known.

    `rebooted`: the machine has been started again since. What its kernel held is gone, and the numbers of namespaces
    mean others now.
    """
    ours = here()
    if _differ(there.machine, ours.machine):
        return Apart("machine", f"on the machine {there.host}", hint=f"on {there.host}: ")
    if rebooted:
        if not there.named or there.named == ours.named:
            return None
        where = f"in the network namespace {there.named}, before this machine was started again"
        return Apart("network", where, f"ip netns exec {shlex.quote(there.named)}", ended=True)
    if _differ(there.processes, ours.processes):
        return Apart("processes", "in another container, or in front of it", hint="there, where its processes are: ")
    where = f"in the network namespace {there.named or there.network}"
    if _differ(there.network, ours.network):
        return _network_apart(there, where)
    if _differ(there.cookie, ours.cookie):
        return Apart("network", f"{where}, which is no longer there (another one has its number)", ended=True)
    return None


def _network_apart(there: Place, where: str) -> Apart:
    number = there.network.strip("net:[]")
    if there.named and _number(_NAMED / there.named) == number:
        return Apart("network", where, f"ip netns exec {shlex.quote(there.named)}")
    paths, unseen = _ways_into(there.network)
    # Some machines show the first process to nobody. It has not moved into a network that `ip netns` made.
    all_seen = not unseen - ({1} if there.named else set())
    if paths:
        return Apart("network", where, f"nsenter --net={paths[0]}")
    if all_seen:
        return Apart("network", f"{where}, which is no longer there", ended=True)
    hint = f"as root, with the PID that `lsns --type net` shows for {number}: "
    return Apart("network", where, "nsenter --net=/proc/PID/ns/net", hint)


def _differ(one: str, other: str) -> bool:
    return bool(one and other and one != other)


def _machine() -> str:
    try:
        found = Path("/etc/machine-id").read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        found = ""
    # The file's own text is to be kept to the machine (machine-id(5)); images that were never started have none.
    identity = socket.gethostname() if found in ("", "uninitialized") else found
    return hashlib.sha256(f"blackstart:{identity}".encode()).hexdigest()[:16]


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _cookie() -> str:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as any_socket:
            told = any_socket.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8)
    except OSError:
        return ""
    return str(int.from_bytes(told, sys.byteorder)) if len(told) == 8 else ""


def _number(path: Path) -> str:
    try:
        return str(path.stat().st_ino)
    except OSError:
        return ""


def _name_of(network: str) -> str:
    number = network.strip("net:[]")
    try:
        names = sorted(path.name for path in _NAMED.iterdir() if number and _number(path) == number)
    except OSError:
        return ""
    return names[0] if names else ""


def _ways_into(network: str) -> tuple[list[str], set[int]]:
    """Paths that lead into a network namespace: by a process in it, or mounted; and whom we may not look at."""
    paths, unseen = [], set[int]()
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            if os.readlink(f"/proc/{pid}/ns/net") == network:
                paths.append(f"/proc/{pid}/ns/net")
        except PermissionError:
            unseen.add(pid)
        except OSError:
            continue  # it has just ended
    number = network.strip("net:[]")
    paths += [str(path) for path in sorted(_NAMED.glob("*")) if _number(path) == number]
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    paths += [found["path"] for found in _MOUNTED.finditer(mounts) if found["root"] == network]
    return paths, unseen

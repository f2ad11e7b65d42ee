"""Whether a server's own list of clients contains connections of the process that listens at some address."""

import re
from dataclasses import replace
from ipaddress import IPv6Address, ip_address
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.sockets import NoAnswer
from blackstart.model.protocols import read_http
from blackstart.model.reading import Answer, Probe, Reader
from blackstart.model.target import Target
from blackstart.probes.mixed_in import AsAnswered
from blackstart.probes.read import read_once
from blackstart.probes.visitor import HoldsNothing

Peer = tuple[str, int]
# A bare address, or the addr= of an entry in CLIENT LIST (laddr= is the server's own end).
_PEER = re.compile(r"(?:^|\s)(?:addr=)?\[?([0-9a-fA-F.:]+?)\]?:(\d+)(?=\s|$)")
_PROXY_NAME = "docker-proxy"


def _plain_ip(text: str) -> str:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return text
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def is_here(host: str) -> bool:
    """Whether a host name or address means this machine's loopback."""
    if host == "localhost":
        return True
    try:
        return ip_address(_plain_ip(host)).is_loopback
    except ValueError:
        return False


def peers_in(text: str) -> set[Peer]:
    """The clients' addresses in the text of CLIENT LIST, or in a list with blanks."""
    return {(_plain_ip(host), int(port)) for host, port in _PEER.findall(text)}


def sockets_of_listener(port: int) -> tuple[set[Peer], set[str]]:
    """Local ends of the connections of whoever listens on that port of this machine, children included.

    Behind a port that a container publishes stands the engine's proxy: then it is the container's address, of which
    every connection counts. Raises NoAnswer where no such process can be seen.
    """
    import psutil  # noqa: PLC0415  (declarations load nothing that looks)

    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error as error:
        raise NoAnswer("unreadable", f"the sockets of this machine can't be seen: {error}") from error
    listening = {c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr[1:] == (port,) and c.pid}
    if not listening:
        raise NoAnswer("unreadable", f"no process can be seen that listens on port {port} of this machine")
    family, containers = set(listening), set()
    for pid in listening:
        try:
            process = psutil.Process(pid)
            family |= {child.pid for child in process.children(recursive=True)}
            words = process.cmdline() if process.name() == _PROXY_NAME else []
        except psutil.Error:
            continue  # it has just ended: its sockets are gone with it
        containers |= {_plain_ip(words[n + 1]) for n, word in enumerate(words[:-1]) if word == "-container-ip"}
    ends = {(_plain_ip(c.laddr[0]), int(c.laddr[1])) for c in connections if c.pid in family and c.laddr and c.raddr}
    return ends, containers


class _ClientsReader(HoldsNothing):
    def __init__(self, listed: Probe, host: str, port: int) -> None:
        self._listed = listed
        self._host = host
        self._port = port

    def read(self, timeout_s: float) -> Answer:
        if not is_here(self._host):
            return Answer("unreadable", note=f"{self._host} is another machine, whose sockets can't be seen from here")
        try:
            ends, containers = sockets_of_listener(self._port)
        except NoAnswer as failure:
            return Answer(failure.kind, note=failure.note)
        reading = read_once(self._listed, timeout_s)
        if reading.kind == "absent":
            return Answer("answer", 0)
        if reading.kind != "value":
            return Answer(reading.kind, note=reading.note)
        peers = peers_in(str(reading.value))
        return Answer("answer", sum(peer in ends or peer[0] in containers for peer in peers))


@plain("endpoint.clients")
class ListedClients:
    """A server's list of clients, compared with the sockets of the process that listens on a port of this machine."""

    listed: Probe
    host: str
    port: int
    least_tick_s: ClassVar[float] = 1.0

    def open(self) -> Reader:
        """A reader; it holds nothing between reads."""
        return _ClientsReader(self.listed, self.host, self.port)

    def describe(self) -> str:
        """Whose clients are compared with which port."""
        return f"{self.listed.name}: connections of {self.host}:{self.port}"


@plain("probe.target_connections")
class TargetConnections(AsAnswered):
    """How many of a server's clients are the target's own API, seen from both ends of the connections.

    `listed` is a probe whose value has the clients' addresses: CLIENT LIST, or `host:port` with blanks between them.
    Unreadable where the API's process can't be seen from here.
    """

    listed: Probe
    name: str = ""
    host: str = ""
    port: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"connections of the target in {self.listed.name}")

    def bind(self, target: Target) -> Self:
        """The probe with the API's host and port."""
        place = read_http(target.url("/"), "the API").place
        host, port = self.host or place.host, self.port or place.port
        return replace(self, listed=self.listed.bind(target), host=host, port=port)

    def endpoint(self) -> ListedClients:
        """The list and the port."""
        return ListedClients(self.listed, self.host, self.port)

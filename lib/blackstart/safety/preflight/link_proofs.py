"""Proofs that a service is the target's own *and* the one that its control would touch: both ends of the link.

They fulfil `blackstart.model.link.Proof`: plain data, `bind`, and `missing()`, which is empty where the proof stands.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import psutil

from blackstart import controls
from blackstart.base.codec import plain
from blackstart.base.errors import BlackstartError, NotAvailable
from blackstart.base.urls.parts import Place
from blackstart.model import protocols
from blackstart.model.expect import Condition
from blackstart.model.reading import Probe, Reading
from blackstart.model.target import Target
from blackstart.probes.clients import is_here
from blackstart.probes.control_state import ControlState
from blackstart.probes.in_container import SqlInContainer
from blackstart.probes.read import read_once
from blackstart.probes.sql import SqlScalar
from blackstart.probes.tcp import Tcp
from blackstart.safety.preflight.forbidden_states import as_read

_READ_TIMEOUT_S = 2.0
_MOST_KEYS = 5
_LOOKS = 5


@plain("link.all_of")
class AllOf:
    """Several proofs that must all stand."""

    service: str
    proofs: tuple[Any, ...]

    def bind(self, target: Target) -> AllOf:
        return replace(self, proofs=tuple(proof.bind(target) for proof in self.proofs))

    def missing(self) -> str:
        return "; ".join(told for proof in self.proofs if (told := proof.missing()))


@plain("link.served_by_control")
class ServedByControl:
    """What answers at the service's dsn or address is what its control would stop, not another server beside it.

    Looks at the process that listens, at a port or at a socket of this machine, or at the ports that a container
    publishes. Where that can't be seen (another machine, a hand as the control) nothing is missing: there is nothing
    that speaks against it.
    """

    service: str
    places: tuple[Any, ...] = ()
    control: Any = None

    def bind(self, target: Target) -> ServedByControl:
        """With every server that the dsn may lead to, and the control. Raises BadTarget."""
        service = target.service(self.service)
        places = tuple(place for place in protocols.places_of(service) if place.port)
        return replace(self, places=places, control=controls.of(service).resolve())

    def missing(self) -> str:
        """Asks the control which process or container it is, and compares. Of several servers, one that nobody answers
        at is none that a drill could meet, as long as another is the control's own."""
        if self.control is None or self.control.by_hand or self.control.reach():
            return ""
        told = {place: self._checked(place) for place in self.places}
        wrong = {place: why for place, why in told.items() if why}
        if len(wrong) < len(told):
            wrong = {place: why for place, why in wrong.items() if _answers(place)}
        return "; ".join(dict.fromkeys(wrong.values()))

    def _checked(self, place: Place) -> str:
        try:
            return self._another(place)
        except BlackstartError as error:
            return f"{self.service}: {str(error).splitlines()[0]}"

    def _another(self, place: Place) -> str:
        if not place.on_network:
            return self._not_listening(place)
        host = place.resolved or place.host
        try:
            return str(self.control.not_at(_called(host), place.port))
        except NotAvailable:
            return self._not_listening(place) if is_here(host) else ""

    def _not_listening(self, place: Place) -> str:
        kind, listens, called = _listened_at(place)
        seen = self.control.read_state()
        if not seen.pid:  # of pods and far containers none is known, and no socket of this machine is theirs
            return f"the control of {self.service} knows no process (it is {seen.status})" if place.on_network else ""
        try:
            root = psutil.Process(seen.pid)
            if any(map(listens, sockets(root, kind))):
                return ""
            listening = {one.pid for one in psutil.net_connections(kind) if one.pid and listens(one)}
        except psutil.NoSuchProcess:
            return f"process {seen.pid}, the {self.service} that would be touched, has just ended"
        except psutil.Error:
            return ""  # another user's processes can't be seen
        if not listening:
            return ""
        pids = ", ".join(map(str, sorted(listening)))
        return f"{called} is served by process {pids}, not by {seen.pid}, the {self.service} that would be touched"


def _answers(place: Place) -> bool:
    """A socket that another process was seen to hold is one that somebody answers at."""
    return not place.on_network or read_once(Tcp(address=place.address), _READ_TIMEOUT_S).kind == "value"


def _listened_at(place: Place) -> tuple[str, Callable[[Any], bool], str]:
    """Which kind of sockets is looked at, which of them is the place's, and what it is called."""
    if place.on_network:
        return "tcp", lambda one: bool(one.status == "LISTEN" and one.laddr[1:] == (place.port,)), f"port {place.port}"
    # Where the folder is libpq's usual one, which differs from build to build, the name alone is known.
    name = f"{place.host}/.s.PGSQL.{place.port}"
    return "unix", lambda one: str(one.laddr).endswith(name), f"socket {name}"


def listening(connections: Iterable[Any]) -> set[int]:
    """The ports at which one of these takes connections."""
    return {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}


def sockets(root: psutil.Process, kind: str = "tcp") -> Iterator[Any]:
    """Its own first, then its children's: to look at everybody takes long on a machine that has many."""
    yield from root.net_connections(kind)
    for child in root.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # as a server's sessions come and go
            yield from child.net_connections(kind)


@plain("link.keys_in_database")
class KeysInDatabase:
    """The orders that the API shows are in the database, under the same keys. `asked` is given its query here: `count`,
    and the keys in parentheses."""

    service: str
    shown: Probe
    asked: SqlScalar | SqlInContainer
    count: str = "SELECT count(DISTINCT client_order_id) FROM orders WHERE client_order_id IN"

    def bind(self, target: Target) -> KeysInDatabase:
        return replace(self, shown=self.shown.bind(target), asked=self.asked.bind(target))

    def missing(self) -> str:
        """Reads the API, then asks the database for the keys that were seen."""
        reading = read_once(self.shown, _READ_TIMEOUT_S)
        if reading.kind != "value":
            return f"{reading.probe} is {reading.kind}: {reading.note}"
        try:
            found = [order["client_order_id"] for order in json.loads(str(reading.value))["orders"]]
            keys = [str(key) for key in found if key is not None][-_MOST_KEYS:]
        except (ValueError, KeyError, TypeError) as error:
            return f"{reading.probe} shows no orders that can be read: {error}"
        if not keys:
            return f"{reading.probe} shows no orders yet"
        held = self._count(keys)
        if held.kind == "value" and str(held.value) == str(len(keys)):
            return ""
        seen = held.value if held.kind == "value" else f"{held.kind}: {held.note}"
        return f"of {len(keys)} orders that the API shows, the database holds {seen}"

    def _count(self, keys: list[str]) -> Reading:
        quoted = ", ".join("'" + key.replace("'", "''") + "'" for key in keys)
        return read_once(replace(self.asked, query=f"{self.count} ({quoted})"), _READ_TIMEOUT_S)


def _called(host: str) -> list[str]:
    """A host's name and its addresses: beside the container, in a network of the engine, it is known by name."""
    try:
        return [host, *(str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))]
    except (OSError, UnicodeError):
        return [host]


@plain("link.same_value")
class SameValue:
    """Two probes read the same: the lock key in that Redis holds the instance id that the target's metrics show."""

    service: str
    in_service: Probe
    in_target: Probe

    def bind(self, target: Any) -> SameValue:
        return replace(self, in_service=self.in_service.bind(target), in_target=self.in_target.bind(target))

    def missing(self) -> str:
        """Compares the two, read one after the other; of a name that changes meanwhile, as that of the newest order
        does, some more times: it is enough that both have shown one. A number may be the same by chance."""
        seen: tuple[set[str], set[str]] = (set(), set())
        for _ in range(_LOOKS):
            left, right = read_once(self.in_service, _READ_TIMEOUT_S), read_once(self.in_target, _READ_TIMEOUT_S)
            if left.kind == right.kind == "value" and left.value == right.value and left.value not in (None, ""):
                return ""  # two times nothing is no proof
            if not (isinstance(left.value, str) and isinstance(right.value, str)):
                break
            for values, one in zip(seen, (left.value, right.value), strict=True):
                values.add(one)
            if seen[0] & seen[1] - {""}:
                return ""
        return f"{as_read(left)}, but {as_read(right)}"


@plain("link.seen_in")
class SeenIn:
    """A reading of the service shows the target: its connections stand in CLIENT LIST or pg_stat_activity."""

    service: str
    condition: Condition

    def bind(self, target: Any) -> SeenIn:
        return replace(self, condition=replace(self.condition, probe=self.condition.probe.bind(target)))

    def missing(self) -> str:
        """Reads once."""
        reading = read_once(self.condition.probe, 2.0)
        return "" if self.condition.matches(reading) else f"{as_read(reading)} (wanted: {self.condition})"


@plain("link.listens")
class Listens:
    """The process that the service's control shows is the one that listens at the service's own url, or the container
    or pod that is reached there."""

    service: str
    port: int = 0
    process: Probe | None = None
    host: str = ""
    control: Any = None

    def bind(self, target: Any) -> Listens:
        """With host and port of the url, the control, and the process that it shows."""
        service = target.service(self.service)
        place = protocols.read_http(service.url, f"the url of {self.service}").place
        process = ControlState(self.service, field="process").bind(target)
        return Listens(self.service, place.port, process, place.host, controls.of(service).resolve())

    def missing(self) -> str:
        """Asks the control where it is reached; of a process, looks at its sockets and its children's."""
        if self.process is None:
            return "not bound to a target"
        try:
            return str(self.control.not_at(_called(self.host), self.port))
        except NotAvailable:
            return self._not_listening(self.process)
        except BlackstartError as error:
            return f"{self.service}: {str(error).splitlines()[0]}"

    def _not_listening(self, process: Probe) -> str:
        seen = read_once(process, 5.0)
        if seen.kind != "value":
            return as_read(seen)
        pid = str(seen.value).partition(":")[0]
        if not pid.isdigit():
            return f"the control of {self.service} knows no process (it is {seen.value})"
        try:
            root = psutil.Process(int(pid))
            ports = listening(sockets(root))
        except psutil.Error as error:
            return f"the sockets of {self.service} can't be seen: {error}"
        return "" if self.port in ports else f"{self.service} (pid {root.pid}) does not listen at port {self.port}"

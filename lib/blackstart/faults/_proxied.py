"""What faults in a fault proxy share: the proxy on the way to a service, and changes of it as data.

The proxy speaks Toxiproxy's HTTP API: the real one, or the embedded one of `blackstart.proxy`, which takes a lease with
every toxic, so that it goes with the run even where nobody undoes it. Only toxics of our own are ever removed, by
their whole name, and `enabled` is given back as it was found. In the target: `proxy = "http://127.0.0.1:8474"`, and
`proxy_name = "redis"` in the service whose `address` is where that proxy listens.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote

import psutil

from blackstart.base.codec import plain
from blackstart.base.errors import BlackstartError, Refused
from blackstart.faults._wire import Route, need, route_to
from blackstart.model.change import Change
from blackstart.model.expect import Condition
from blackstart.model.protocols import read_http
from blackstart.model.step import HttpCall, Step
from blackstart.model.target import Target
from blackstart.probes.clients import is_here
from blackstart.probes.http import HttpJson
from blackstart.probes.metrics import Metric
from blackstart.probes.proxy_state import CLEAR, NO_PROXY, ProxyState, ToxicState, WireState
from blackstart.probes.read import read_once
from blackstart.proxy.client import ProxyInfo, ToxiproxyClient
from blackstart.safety.processes import identity

LEASE_S = 600.0
_GONE_ALREADY = (200, 204, 404)


@plain("fault.toxic")
class Toxic:
    """A toxic as the API takes it; its name is ours alone. It works on that share of the connections."""

    name: str
    type: str
    attributes: Mapping[str, Any]
    stream: str = "downstream"
    toxicity: float = 1.0

    def body(self, lease: Mapping[str, Any] | None) -> dict[str, Any]:
        """What is posted."""
        made = {"name": self.name, "type": self.type, "stream": self.stream, "toxicity": self.toxicity}
        return {**made, "attributes": dict(self.attributes), **({"lease": dict(lease)} if lease else {})}


@dataclass(frozen=True)
class ProxyRoute:
    """The way to a service through a proxy that carries it, as found now."""

    route: Route
    api: str
    proxy: str
    embedded: bool
    owner: str

    @property
    def url(self) -> str:
        """Of the proxy in the API."""
        return f"{self.api}/proxies/{quote(self.proxy, safe='')}"

    def toxic(self, kind: str, stream: str = "downstream", **attributes: Any) -> Toxic:
        """A toxic of ours."""
        return Toxic(f"{self.owner}.{kind}_{stream}", kind, attributes, stream)

    def partly(self, toxic: Toxic, share: float, how: Literal["reset", "silent"]) -> tuple[Toxic, Condition]:
        """The toxic for a share of the requests alone, and that it has worked on what somebody sent: a look of ours
        would be one of many, and proves nothing.

        The share is of the statements where PostgreSQL is spoken, whose clients keep their connections; else of the
        connections. Raises Refused where the proxy is not Blackstart's own.
        """
        if self.route.speaks == "postgres":
            return self.statements(share, how)
        return self._counted(replace(toxic, toxicity=share))

    def statements(self, share: float, how: Literal["reset", "silent"], operation: str = "") -> tuple[Toxic, Condition]:
        """The toxic for a share of PostgreSQL's statements, of all or of one operation, and that it has lost one.
        Raises Refused for a share that is no whole percentage, and where the proxy is not Blackstart's own."""
        of = {"operation": operation} if operation else {}
        percent = round(share * 100)
        if not percent or not math.isclose(percent, share * 100):
            raise Refused(
                f"of what is asked of {self.route.name} a whole percentage can be lost, 1 % at least, and not "
                f"{share * 100:g} %: write probability or share so"
            )
        return self._counted(self.toxic("lose_statements", "upstream", percent=percent, how=how, **of))

    def _counted(self, toxic: Toxic) -> tuple[Toxic, Condition]:
        if not self.embedded:
            raise Refused(f"the fault proxy of {self.route.name} can't tell what a part of the requests met: use "
                          "Blackstart's own (proxy.start)")  # fmt: skip
        labels = {"proxy": self.proxy, "toxic": toxic.name}
        name = f"{self.route.name}_{toxic.type}_hits"
        hits = Metric("blackstart_proxy_toxic_hits_total", labels, path=f"{self.api}/metrics", name=name)
        return toxic, hits.above(0)

    def lease(self) -> dict[str, Any] | None:
        """Until this process ends, and no longer than a change may live; None where the proxy knows no leases."""
        if not self.embedded:
            return None
        bound = {"pid": os.getpid(), "started": identity.started(os.getpid())} if _serves_here(self.api) else {}
        return {**bound, "seconds": LEASE_S}

    def add(self, toxic: Toxic) -> HttpCall:
        """The step that adds it."""
        return HttpCall("POST", f"{self.url}/toxics", toxic.body(self.lease()), ok_statuses=(200,))

    def remove(self, toxic: Toxic) -> HttpCall:
        """The step that removes it; that it is gone already is fine."""
        url = f"{self.url}/toxics/{quote(toxic.name, safe='')}"
        return HttpCall("DELETE", url, ok_statuses=_GONE_ALREADY, if_refused=self._ended())

    def enable(self, enabled: bool) -> HttpCall:
        """The step that enables or disables the proxy itself."""
        ended = self._ended() if enabled else ""
        return HttpCall("POST", self.url, {"enabled": enabled}, ok_statuses=(200,), if_refused=ended)

    def _ended(self) -> str:
        """What it means that nobody listens there; elsewhere than on this machine it may mean something else."""
        if not is_here(read_http(self.api).place.host):
            return ""
        return (
            f"nobody listens at {self.api}: the fault proxy has ended, and all that was put into it with it. "
            f"What reaches {self.route.name} through it is cut off until it is started again."
        )

    def state(self, toxic: Toxic) -> ToxicState:
        """Whether the toxic is there."""
        return ToxicState(self.api, self.proxy, toxic.name, f"{self.route.name}_{toxic.type}_toxic")

    def enabled(self) -> ProxyState:
        """Whether the proxy is enabled."""
        return ProxyState(self.api, self.proxy, f"{self.route.name}_proxy")

    def clear(self, condition: Condition) -> Condition:
        """The wire is as it should be; or the proxy has died, and with it all that was ours."""
        wire = WireState(condition, self.api, f"{self.route.name}_wire")
        return wire.is_one_of(CLEAR, NO_PROXY)

    def toxic_change(self, what: str, toxic: Toxic, bites: Condition, clear: Condition, *more: Toxic) -> Change:
        """A change that consists of one toxic, or of `more`. `bites` and `clear` are measured on the wire."""
        toxics = (toxic, *more)
        states = [self.state(toxic)]
        states += [
            replace(self.state(each), name=f"{self.route.name}_{each.type}_{each.stream}_toxic") for each in more
        ]
        # The toxic acts from the moment that it is there; a slow round trip that proves it ends seconds later.
        there = (*(state.is_("there") for state in states), bites)
        gone = (self.clear(clear), *(state.is_one_of("absent", NO_PROXY) for state in states))
        do, undo = (tuple(step(each) for each in toxics) for step in (self.add, self.remove))
        return self.change(what, do, undo, there, gone)

    def change(
        self,
        what: str,
        do: tuple[Step, ...],
        undo: tuple[Step, ...],
        bites: tuple[Condition, ...],
        gone: tuple[Condition, ...],
    ) -> Change:
        """A change of the proxy, whose undo does nothing to a proxy that is as it should be."""
        rights = (HttpCall("GET", self.url, ok_statuses=(200,)),)
        return Change(what, self.route.name, do, undo, bites, gone, rights, undo_is_noop=True, lease_s=LEASE_S)


def proxy_route_to(target: Target, name: str) -> ProxyRoute:
    """The way to a service of the target. Raises Refused where no proxy carries it, or none that can be asked."""
    route = route_to(target, name)
    api = need(target.proxy, f'target "{target.name}" has no fault proxy, as in proxy = "http://127.0.0.1:8474"')
    proxy = need(route.service.proxy_name, f'service "{name}" has no proxy_name, as in proxy_name = "{name}"')
    api = read_http(api, f"the proxy of {target.name}").text.rstrip("/")
    try:
        info = ToxiproxyClient(api).proxy(proxy)
    except BlackstartError as error:
        raise Refused(f"the fault proxy of {name} can't be used: {error}") from error
    _refuse_unused(route, info)
    server = read_once(HttpJson(f"{api}/version", "server", name="proxy_server"), 2.0)
    embedded = server.kind == "value" and str(server.value).startswith("blackstart")
    return ProxyRoute(route, api, proxy, embedded, f"blackstart.{target.name}.{name}")


def _refuse_unused(route: Route, info: ProxyInfo) -> None:
    if not info.enabled:
        raise Refused(f'the proxy "{info.name}" is disabled: only what carries {route.name} can be disturbed')
    if _same_place(route.address, info.upstream) and not _same_place(route.address, info.listen):
        raise Refused(
            f'{route.name} is reached at {route.address}, past the proxy "{info.name}" (which listens at {info.listen} '
            f"and leads there): a fault in it would change nothing. Let clients and target file name {info.listen}."
        )


def _same_place(left: str, right: str) -> bool:
    (left_host, _, left_port), (right_host, _, right_port) = left.rpartition(":"), right.rpartition(":")
    local = ("localhost", "127.0.0.1", "[::1]", "[::]", "0.0.0.0", "")
    return left_port == right_port and (left_host == right_host or (left_host in local and right_host in local))


def _serves_here(api: str) -> bool:
    """Whether the embedded proxy behind the API is a process that sees our pid as we do: not one in a container."""
    port = read_http(api).place.port
    try:
        pids = {
            found.pid
            for found in psutil.net_connections("tcp")
            if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port and found.pid
        }
        lines = [psutil.Process(pid).cmdline() for pid in pids]
        spaces = {os.readlink(f"/proc/{pid}/ns/pid") for pid in pids}
    except (psutil.Error, OSError):
        return False
    ours = any("blackstart" in word for words in lines for word in words)
    return ours and spaces == {os.readlink("/proc/self/ns/pid")}

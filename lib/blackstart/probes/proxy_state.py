"""What a fault proxy says of itself: is a toxic there, is a proxy enabled, does anybody answer at all."""

import socket
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import quote

from blackstart.base.codec import plain
from blackstart.model.expect import Condition
from blackstart.model.protocols import read_http
from blackstart.model.reading import Answer, Endpoint, Picked, Reader, Reading, ReadingKind, Scalar
from blackstart.model.target import Target
from blackstart.probes.http import HttpGet, parse_json
from blackstart.probes.mixed_in import AsAnswered, Bound

NO_PROXY = "no proxy"
CLEAR = "clear"
_NOT_FOUND = 404


@dataclass(frozen=True)
class _OfProxy(Bound):
    """What is read from what the API says of one proxy."""

    api: str
    proxy: str

    def endpoint(self) -> Endpoint:
        """The proxy, asked through its API."""
        return ProxyEndpoint(self.api, self.proxy)

    def place(self) -> tuple[str, str]:
        """The API, and the name of the proxy in it."""
        return self.api, self.proxy

    def lost(self) -> Condition:
        """What spoils a run while it lasts."""
        return self.is_(NO_PROXY)


@plain("probe.toxic_state")
class ToxicState(_OfProxy):
    """`there` or `absent`, by the toxic's exact name; `no proxy` where nothing listens at the API any more.

    A proxy that has died holds no toxic: they live in its memory.
    """

    toxic: str
    name: str

    def pick(self, answer: Answer) -> Picked:
        """Whether the toxic stands in the proxy's list."""
        if answer.status == _NOT_FOUND:
            return "value", "absent", "there is no proxy of that name any more"
        kind, proxy, note = _proxy_of(answer)
        if not isinstance(proxy, dict):
            return kind, proxy, note
        toxics = proxy.get("toxics") or []
        names = [toxic.get("name") for toxic in toxics if isinstance(toxic, dict)] if isinstance(toxics, list) else []
        return "value", "there" if self.toxic in names else "absent", ""


@plain("probe.proxy_state")
class ProxyState(_OfProxy):
    """`enabled` or `disabled`; `no proxy` where nothing listens at the API any more."""

    name: str

    def pick(self, answer: Answer) -> Picked:
        """What `enabled` says."""
        kind, proxy, note = _proxy_of(answer)
        if not isinstance(proxy, dict):
            return kind, proxy, note
        enabled = proxy.get("enabled")
        if not isinstance(enabled, bool):
            return "malformed", None, f"enabled is {enabled!r}"
        return "value", "enabled" if enabled else "disabled", ""


def _proxy_of(answer: Answer) -> tuple[ReadingKind, Scalar | dict[str, object], str]:
    if answer.body == NO_PROXY:
        return "value", NO_PROXY, answer.note
    if answer.status == _NOT_FOUND:
        return "absent", None, "there is no proxy of that name any more"
    try:
        proxy = parse_json(answer.body)
    except ValueError as error:
        return "malformed", None, f"status {answer.status}, not JSON: {error}"
    if answer.status != 200 or not isinstance(proxy, dict):
        return "malformed", None, f"status {answer.status}, no proxy in it"
    return "value", proxy, ""


@plain("endpoint.proxy")
class ProxyEndpoint:
    """GET of one proxy. Where nobody listens at all, that is an answer: `no proxy`."""

    api: str
    proxy: str

    def open(self) -> Reader:
        """A reader that keeps its connection."""
        return _Asker(self.api, HttpGet(f"{self.api}/proxies/{quote(self.proxy, safe='')}").open())

    def describe(self) -> str:
        """`proxy redis at http://127.0.0.1:8474`."""
        return f"proxy {self.proxy} at {self.api}"


class _Asker:
    def __init__(self, api: str, inner: Reader) -> None:
        self._api, self._inner = api, inner

    def read(self, timeout_s: float) -> Answer:
        answer = self._inner.read(timeout_s)
        if answer.kind == "unreachable" and nobody_listens(self._api, timeout_s):
            return Answer("answer", NO_PROXY, note=answer.note)
        return answer

    def close(self) -> None:
        self._inner.close()


def nobody_listens(api: str, timeout_s: float = 2.0) -> bool:
    """Whether the API's machine refuses the connection: nobody is behind that port."""
    place = read_http(api).place
    try:
        socket.create_connection((place.host, place.port), timeout_s).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


@plain("probe.wire_state")
class WireState(AsAnswered):
    """`clear` where a condition on the wire is true, `disturbed` where it is not.

    `no proxy`: the way leads through a proxy that is no more (nobody listens at its API), so that there is nothing of
    ours on it, and nothing else either.
    """

    clear: Condition
    api: str
    name: str

    def bind(self, target: Target) -> Self:
        """With the condition's absolute address."""
        return replace(self, clear=replace(self.clear, probe=self.clear.probe.bind(target)))

    def endpoint(self) -> Endpoint:
        """The wire, and the API behind it."""
        return WireStateEndpoint(self.clear, self.api)


@plain("endpoint.wire_state")
class WireStateEndpoint:
    """One look at a wire."""

    clear: Condition
    api: str

    @property
    def least_tick_s(self) -> float:
        """That of what is looked at."""
        return float(getattr(self.clear.probe.endpoint(), "least_tick_s", 0.02))

    def open(self) -> Reader:
        """A reader around that of the condition's probe."""
        return _Looker(self.clear, self.api)

    def describe(self) -> str:
        """`wire: redis_round_trip_ms below 40`."""
        return f"wire: {self.clear}"


class _Looker:
    def __init__(self, clear: Condition, api: str) -> None:
        self._clear, self._api = clear, api
        self._inner = clear.probe.endpoint().open()

    def read(self, timeout_s: float) -> Answer:
        answer = self._inner.read(timeout_s)
        if answer.kind == "answer":
            kind, value, note = self._clear.probe.pick(answer)
        else:
            kind, value, note = answer.kind, None, answer.note
        told = f"{self._clear.probe.name} {value if kind == 'value' else kind}{f' ({note})' if note else ''}"
        if self._clear.matches(Reading(self._clear.probe.name, kind, 0.0, 0.0, value, note)):
            return Answer("answer", CLEAR, note=told)
        if kind == "unreachable" and nobody_listens(self._api, timeout_s):
            return Answer("answer", NO_PROXY, note=told)
        return Answer("answer", "disturbed", note=told)

    def close(self) -> None:
        self._inner.close()

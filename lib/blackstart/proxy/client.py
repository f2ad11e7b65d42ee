"""A client for Toxiproxy's HTTP API, for the real one (2.9 or later) and for ours.

It touches only what is its own: its toxics carry its owner's name as a prefix, only those can be removed, and an
`enabled` that it changes is given back as it was. Errors say what was asked of which proxy:

ProxyProblem              the API said no, or something that makes no sense; `status` is its HTTP status
├── ProxyUnreachable      nothing answers there, or not in time
├── ProxyNotFound         404: no such proxy, or no such toxic
├── ProxyConflict         409: the name is taken
├── ProxyBadRequest       400: a value is not valid
├── ProxyUnsupported      it took the request, and silently left out a part that it does not know
└── NotOurs               a toxic of somebody else was to be removed
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from blackstart.errors import BlackstartError
from blackstart.safety import alive

DEFAULT_URL = "http://127.0.0.1:8474"


class ProxyProblem(BlackstartError):
    """The API said no, or something that makes no sense. `status` is its HTTP status, 0 without an answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ProxyUnreachable(ProxyProblem):
    """Nothing answers there, or not in time."""


class ProxyNotFound(ProxyProblem):
    """No such proxy, or no such toxic."""


class ProxyConflict(ProxyProblem):
    """The name is taken."""


class ProxyBadRequest(ProxyProblem):
    """A value is not valid."""


class ProxyUnsupported(ProxyProblem):
    """It took the request, and silently left out a part that it does not know."""


class NotOurs(ProxyProblem):
    """A toxic of somebody else was to be removed."""


_PROBLEMS = {400: ProxyBadRequest, 404: ProxyNotFound, 409: ProxyConflict}


@dataclass(frozen=True)
class ToxicInfo:
    """A toxic as the API shows it; `lease` is None where it has none."""

    name: str
    type: str
    stream: str
    toxicity: float
    attributes: Mapping[str, Any]
    lease: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ProxyInfo:
    """A proxy as the API shows it."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[ToxicInfo, ...]

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.listen.rpartition(":")[2])


def own_lease() -> dict[str, Any]:
    """A lease that ends with this process, for a proxy on this machine."""
    return {"pid": os.getpid(), "started": alive.started(os.getpid())}


class ToxiproxyClient:
    """Talks to one proxy server. `owner` is the prefix of its toxics' names; each request waits `timeout_s` at most."""

    def __init__(self, url: str = DEFAULT_URL, owner: str = "blackstart", timeout_s: float = 5.0) -> None:
        self.url = (url if "://" in url else f"http://{url}").rstrip("/")
        self.owner, self.timeout_s = owner, timeout_s
        self._were_enabled: dict[str, bool] = {}
        self._session = requests.Session()
        self._session.trust_env = False  # a web proxy of the environment has no business here
        self._session.headers["User-Agent"] = "blackstart"

    # ------------------------------------------------------------ the server

    def version(self) -> str:
        """The version it says it is ("2.12.0"; builds by `go install` say "git")."""
        return str(self._field(self._call("GET", "/version"), "version"))

    def proxies(self) -> dict[str, ProxyInfo]:
        """Every proxy by its name."""
        answer = self._call("GET", "/proxies")
        if not isinstance(answer, dict):
            raise ProxyProblem(f"{self.url}/proxies did not answer as Toxiproxy does: {answer!r:.200}")
        return {name: self._proxy(one) for name, one in answer.items()}

    # ------------------------------------------------------------ proxies

    def proxy(self, name: str) -> ProxyInfo:
        """One proxy; ProxyNotFound where there is none of that name."""
        return self._proxy(self._call("GET", self._path(name)))

    def create(self, name: str, upstream: str, listen: str = "127.0.0.1:0", enabled: bool = True) -> ProxyInfo:
        """A new proxy; ProxyConflict where the name is taken, ProxyProblem 500 where the port is."""
        body = {"name": name, "listen": listen, "upstream": upstream, "enabled": enabled}
        return self._proxy(self._call("POST", "/proxies", body))

    def delete(self, name: str) -> None:
        """Remove a proxy, and cut its connections."""
        self._call("DELETE", self._path(name))

    def set_enabled(self, name: str, enabled: bool) -> bool:
        """Enable or disable a proxy; returns what it was, and remembers the first such value for `restore_enabled`."""
        before = self.proxy(name).enabled
        self._were_enabled.setdefault(name, before)
        self._call("POST", self._path(name), {"enabled": enabled})
        return before

    def restore_enabled(self) -> None:
        """Give every proxy the `enabled` back that it had before this client changed it."""
        for name, before in list(self._were_enabled.items()):
            self._call("POST", self._path(name), {"enabled": before})
            del self._were_enabled[name]

    # ------------------------------------------------------------ toxics

    def toxic_name(self, kind: str, stream: str = "downstream") -> str:
        """The name that a toxic of ours gets."""
        return f"{self.owner}.{kind}_{stream}"

    def add_toxic(
        self,
        proxy: str,
        kind: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        stream: str = "downstream",
        toxicity: float = 1.0,
        name: str | None = None,
        lease: Mapping[str, Any] | None = None,
    ) -> ToxicInfo:
        """Add a toxic of ours; a given name gets the owner's prefix where it lacks it.

        ProxyUnsupported where the server took it without its lease or without one of its attributes (Toxiproxy does
        so with those that only ours knows): it is removed again then.
        """
        wanted = dict(attributes or {})
        label = name or self.toxic_name(kind, stream)
        if not self._ours(label):
            label = f"{self.owner}.{label}"
        body = {"name": label, "type": kind, "stream": stream, "toxicity": toxicity, "attributes": wanted}
        body |= {"lease": dict(lease)} if lease else {}
        made = self._toxic(self._call("POST", self._path(proxy, ""), body))
        left_out = [key for key, value in wanted.items() if made.attributes.get(key) != value]
        left_out += ["lease"] if lease and not made.lease else []
        if left_out:
            self.remove_toxic(proxy, label)
            raise ProxyUnsupported(f"{self.url} does not know {', '.join(sorted(left_out))} of the toxic {kind}")
        return made

    def renew(self, proxy: str, name: str, seconds: float) -> None:
        """Let a leased toxic of ours stay for so many seconds from now."""
        self._call("POST", self._path(proxy, self._own(name)), {"lease": {"seconds": seconds}})

    def remove_toxic(self, proxy: str, name: str) -> bool:
        """Remove a toxic of ours; False where it (or its proxy) is gone already. NotOurs for anybody else's."""
        try:
            self._call("DELETE", self._path(proxy, self._own(name)))
        except ProxyNotFound:
            return False
        return True

    def own_toxics(self) -> list[tuple[str, ToxicInfo]]:
        """Every toxic of ours, each with the name of its proxy."""
        return [(proxy, one) for proxy, info in self.proxies().items() for one in info.toxics if self._ours(one.name)]

    def remove_own_toxics(self) -> int:
        """Remove every toxic of ours, and no other; returns how many there were."""
        return sum(self.remove_toxic(proxy, toxic.name) for proxy, toxic in self.own_toxics())

    # ------------------------------------------------------------ inside

    def _ours(self, name: str) -> bool:
        return name.startswith(f"{self.owner}.")

    def _own(self, name: str) -> str:
        if not self._ours(name):
            raise NotOurs(f'toxic "{name}" is not ours: the names of ours begin with "{self.owner}."')
        return name

    @staticmethod
    def _path(proxy: str, toxic: str | None = None) -> str:
        end = "" if toxic is None else f"/toxics/{quote(toxic, safe='')}".rstrip("/")
        return f"/proxies/{quote(proxy, safe='')}{end}"

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        where = f"{method} {self.url}{path}"
        try:
            answer = self._session.request(method, self.url + path, json=body, timeout=self.timeout_s)
        except requests.Timeout as error:
            raise ProxyUnreachable(f"{where}: no answer within {self.timeout_s:g} s") from error
        except requests.RequestException as error:
            raise ProxyUnreachable(f"{where}: no proxy answers there ({error}). Is it up? `invoke proxy.up`") from error
        if not answer.ok:
            kind = _PROBLEMS.get(answer.status_code, ProxyProblem)
            raise kind(f"{where}: {self._error_of(answer)} (HTTP {answer.status_code})", answer.status_code)
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise ProxyProblem(f"{where} did not answer as Toxiproxy does: {answer.text:.200}") from error

    @staticmethod
    def _error_of(answer: requests.Response) -> str:
        try:
            return str(answer.json()["error"])
        except (ValueError, KeyError, TypeError):
            return answer.text.strip()[:200] or answer.reason

    def _field(self, answer: Any, name: str) -> Any:
        if not isinstance(answer, dict) or name not in answer:
            raise ProxyProblem(f"{self.url} did not answer as Toxiproxy does: no {name} in {answer!r:.200}")
        return answer[name]

    def _proxy(self, answer: Any) -> ProxyInfo:
        name, listen, upstream, enabled = (
            self._field(answer, key) for key in ("name", "listen", "upstream", "enabled")
        )
        return ProxyInfo(name, listen, upstream, enabled, tuple(self._toxic(one) for one in answer.get("toxics") or ()))

    def _toxic(self, answer: Any) -> ToxicInfo:
        name, kind, stream, toxicity = (self._field(answer, key) for key in ("name", "type", "stream", "toxicity"))
        return ToxicInfo(name, kind, stream, toxicity, answer.get("attributes") or {}, answer.get("lease"))

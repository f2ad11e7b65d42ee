"""Looks at a proxy server through Toxiproxy's HTTP API, at the real one (2.9 or later) and at ours. Changes nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from blackstart.base import trust
from blackstart.base.errors import BlackstartError, reason_of
from blackstart.base.state import invoke

_PLAIN_VERSION = re.compile(r"(v?\d+(?:\.\d+)+[\w.+-]*|git[\w.+-]*)", re.ASCII)
DEFAULT_URL = "http://127.0.0.1:8474"


class ProxyProblem(BlackstartError):
    """The API said no, or something that makes no sense."""


class ProxyUnreachable(ProxyProblem):
    """Nothing answers there, or not in time."""


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


class ToxiproxyClient:
    """Asks one proxy server; each request waits `timeout_s` at most. Raises ProxyProblem that says what was asked."""

    def __init__(self, url: str = DEFAULT_URL, timeout_s: float = 5.0) -> None:
        self.url = (url if "://" in url else f"http://{url}").rstrip("/")
        self.timeout_s = timeout_s
        self._session = trust.session(self.url)
        self._session.headers["User-Agent"] = "blackstart"

    def version(self) -> str:
        """The version it says it is ("2.12.0"; builds by `go install` say "git"). Before 2.2 it was plain text."""
        answer = self._ask("/version")
        plain = _PLAIN_VERSION.fullmatch(answer.text.strip())
        return plain[1] if plain else str(self._field(self._json(answer), "version"))

    def proxies(self) -> dict[str, ProxyInfo]:
        """Every proxy by its name."""
        answer = self._get("/proxies")
        if not isinstance(answer, dict):
            raise ProxyProblem(f"{self.url}/proxies did not answer as Toxiproxy does: {answer!r:.200}")
        return {name: self._proxy(one) for name, one in answer.items()}

    def proxy(self, name: str) -> ProxyInfo:
        """One proxy."""
        return self._proxy(self._get(f"/proxies/{quote(name, safe='')}"))

    def _get(self, path: str) -> Any:
        return self._json(self._ask(path))

    def _ask(self, path: str) -> requests.Response:
        where = f"GET {self.url}{path}"
        try:
            answer = self._session.get(self.url + path, timeout=self.timeout_s)
        except requests.Timeout as error:
            raise ProxyUnreachable(f"{where}: no answer within {self.timeout_s:g} s") from error
        except requests.RequestException as error:
            raise ProxyUnreachable(
                f"{where}: no proxy answers there ({reason_of(error)}). Is it up? `{invoke()} proxy.up`"
            ) from error
        if not answer.ok:
            raise ProxyProblem(f"{where}: {self._error_of(answer)} (HTTP {answer.status_code})")
        return answer

    @staticmethod
    def _json(answer: requests.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise ProxyProblem(f"GET {answer.url} did not answer as Toxiproxy does: {answer.text:.200}") from error

    @staticmethod
    def _error_of(answer: requests.Response) -> str:
        try:
            return str(answer.json()["error"])
        except (ValueError, KeyError, TypeError):
            return answer.text.strip()[:200] or answer.reason

    def _field(self, answer: Any, name: str, kind: type | tuple[type, ...] = str) -> Any:
        if not isinstance(answer, dict) or not isinstance(answer.get(name), kind):
            raise ProxyProblem(f"{self.url} did not answer as Toxiproxy does: no {name} in {answer!r:.200}")
        return answer[name]

    def _proxy(self, answer: Any) -> ProxyInfo:
        name, listen, upstream = (self._field(answer, key) for key in ("name", "listen", "upstream"))
        toxics = self._field({"toxics": answer.get("toxics") or []}, "toxics", list)
        return ProxyInfo(
            name, listen, upstream, self._field(answer, "enabled", bool), tuple(self._toxic(one) for one in toxics)
        )

    def _toxic(self, answer: Any) -> ToxicInfo:
        name, kind, stream = (self._field(answer, key) for key in ("name", "type", "stream"))
        toxicity = self._field(answer, "toxicity", (int, float))
        return ToxicInfo(name, kind, stream, toxicity, answer.get("attributes") or {}, answer.get("lease"))

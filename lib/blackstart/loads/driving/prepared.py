"""Operations made ready to be sent fast: what is fixed is built once, what has holes for each request."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from multidict import CIMultiDict
from yarl import URL

from blackstart.history import Outcome
from blackstart.loads.driving.redacting import redactor, secret
from blackstart.loads.operation import Operation
from blackstart.loads.template import Template

AGENT = "blackstart-load"
_LONGEST_DETAIL = 160


class Request(NamedTuple):
    """One request as it will be sent, the same for every attempt."""

    url: URL
    headers: CIMultiDict[str]
    body: bytes | None


class Prepared:
    """An operation whose secrets are read and whose fixed parts are built. Raises ValueError for a missing secret."""

    def __init__(self, operation: Operation, seed: int = 0) -> None:
        self.operation = operation
        self._seed = seed
        self._statuses = operation.statuses()
        values = {name: secret(value) for name, value in operation.headers.items()}
        self.secrets = [value for name, value in values.items() if value != operation.headers[name]]
        self._headers = {name: Template(value) for name, value in values.items()}
        lower = {name.lower() for name in values}
        defaults = {"User-Agent": AGENT} | ({"Content-Type": "application/json"} if operation.body else {})
        for name, value in defaults.items():
            if name.lower() not in lower:
                self._headers[name] = Template(value)
        self._url, self._body = Template(operation.url), Template(operation.body)
        parts = (self._url, self._body, *self._headers.values())
        self._random = any(part.random for part in parts)
        self._fixed_url = URL(operation.url) if self._url.fixed else None
        fixed_headers = all(part.fixed for part in self._headers.values())
        self._fixed_headers = CIMultiDict(self._filled("", 0, None)) if fixed_headers else None
        split = urlsplit(operation.url)
        self.host = split.hostname or ""
        self.port = split.port or (443 if split.scheme == "https" else 80)
        self.tls = split.scheme == "https"
        self._where = f"{self.host}:{self.port}"

    def request(self, key: str, n: int) -> Request:
        """Request number `n`; what chance decides depends on the seed and n alone."""
        dice = random.Random(f"{self._seed}/{self.operation.name}/{n}") if self._random else None
        url = self._fixed_url or URL(self._url.fill(key, n, dice))
        headers = self._fixed_headers
        if headers is None:
            headers = CIMultiDict(self._filled(key, n, dice))
        body = self._body.fill(key, n, dice).encode() if self.operation.body else None
        return Request(url, headers, body)

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> tuple[Outcome, str, str]:
        """Outcome, instance and detail of an answer."""
        operation = self.operation
        outcome = self._statuses.outcome(status)
        instance = picked(operation.instance_from, headers, body) if operation.instance_from else self._where
        detail = ""
        if operation.detail_from:
            detail = picked(operation.detail_from, headers, body)
            if outcome == "ok" and operation.ok_details and detail not in operation.ok_details:
                outcome = "fail"
        elif outcome != "ok":
            detail = body[:_LONGEST_DETAIL].decode("utf-8", "replace")
        return outcome, instance[:_LONGEST_DETAIL], detail[:_LONGEST_DETAIL]

    def _filled(self, key: str, n: int, dice: random.Random | None) -> dict[str, str]:
        return {name: part.fill(key, n, dice) for name, part in self._headers.items()}


def prepare(operations: Sequence[Operation], seed: int) -> list[Prepared]:
    """The operations as they take turns: each as often as its weight, as evenly mixed as whole numbers allow."""
    made = [Prepared(operation, seed) for operation in operations]
    weights = [(at, item.operation.weight) for at, item in enumerate(made)]
    turns = [((turn + 0.5) / weight, at) for at, weight in weights for turn in range(weight)]
    return [made[at] for _, at in sorted(turns)]


def mask_for(operations: Sequence[Prepared]) -> Callable[[str], str]:
    """What masks the secrets of these operations."""
    secrets = [value for each in operations for value in each.secrets]
    return redactor(secrets, {each.operation.url for each in operations})


def picked(where: str, headers: Mapping[str, str], body: bytes) -> str:
    """The header or JSON value that `where` names, as text; empty where there is none."""
    kind, _, name = where.partition(":")
    if kind == "header":
        return headers.get(name, "")
    try:
        value: Any = json.loads(body)
    except ValueError:
        return ""
    for step in name.split("."):
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return ""
    return value if isinstance(value, str) else json.dumps(value)

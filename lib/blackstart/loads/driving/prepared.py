"""Operations made ready to be sent fast: what is fixed is built once, what has holes for each request."""

import json
import random
from collections.abc import Callable, Sequence
from urllib.parse import quote

from blackstart.base.secrets.env import secret
from blackstart.base.secrets.places import is_secret_header
from blackstart.evidence.history import LONGEST_DETAIL, Outcome
from blackstart.loads.driving.connection import LONGEST_KEPT, Headers
from blackstart.loads.driving.redacting import redactor
from blackstart.loads.operation import Operation
from blackstart.loads.template import Template
from blackstart.model.protocols import read_http
from blackstart.probes.http import look_up

AGENT = "blackstart-load"

_AS_IT_IS = "%/:=&?~#+!$,;'@()*[]"
_WITH_BODY = ("POST", "PUT", "PATCH")


class Prepared:
    """An operation whose secrets are read and whose fixed parts are built. Raises BadTarget for a missing secret."""

    def __init__(self, operation: Operation, seed: int = 0, keep_alive: bool = True) -> None:
        self.operation = operation
        self.name, self.timeout_s = operation.name, operation.timeout_s
        self.head_only = operation.method == "HEAD"
        self._seed = seed
        self._statuses = operation.statuses()
        values = {name: secret(value) for name, value in operation.headers.items()}
        self.secrets = [
            value for name, value in values.items() if value != operation.headers[name] or is_secret_header(name)
        ]
        url = read_http(operation.url, f"the url of {operation.name}", whole_path=True)
        self.host, self.port, self.tls = url.place.host, url.place.port, url.tls
        self.place = (self.host, self.port, self.tls)
        self._where = f"{self.host}:{self.port}"
        self._basic = url.basic
        self.secrets += [self._basic] if self._basic else []
        self._head = Template(self._head_text(url.netloc, values, keep_alive))
        self._target = Template((url.path or "/") + (f"?{url.query}" if url.query else ""))
        self._body = Template(operation.body)
        parts = (self._target, self._head, self._body)
        self._random = any(part.random for part in parts)
        self._fixed = self._built("", 0, None) if all(part.fixed for part in parts) else None

    def request(self, key: str, n: int) -> bytes:
        """Request number `n` as it goes over the wire; what chance decides depends on the seed and n alone."""
        if self._fixed is not None:
            return self._fixed
        dice = random.Random(f"{self._seed}/{self.name}/{n}") if self._random else None
        return self._built(key, n, dice)

    def judge(self, status: int, headers: Headers, body: bytes) -> tuple[Outcome, str, str]:
        """Outcome, instance and detail of an answer."""
        operation = self.operation
        outcome = self._statuses.outcome(status)
        if outcome == "ok" and operation.detail_from.startswith("json:") and len(body) > LONGEST_KEPT:
            return "info", self._where, f"the answer is too long to be read: more than {LONGEST_KEPT} bytes"
        instance = picked(operation.instance_from, headers, body) if operation.instance_from else self._where
        detail = ""
        if outcome != "ok" and operation.error_from:
            detail = picked(operation.error_from, headers, body)
        elif operation.detail_from:
            detail = picked(operation.detail_from, headers, body)
            if outcome == "ok" and operation.ok_details and detail not in operation.ok_details:
                outcome = "fail"
        elif outcome != "ok":
            detail = body[:LONGEST_DETAIL].decode("utf-8", "replace")
        return outcome, instance[:LONGEST_DETAIL], detail[:LONGEST_DETAIL]

    def _head_text(self, host: str, values: dict[str, str], keep_alive: bool) -> str:
        given = {name.lower() for name in values}
        defaults = {"Host": host, "User-Agent": AGENT, "Accept": "*/*"}
        if self.operation.body:
            defaults["Content-Type"] = "application/json"
        if self._basic:
            defaults["Authorization"] = self._basic
        if not keep_alive:
            defaults["Connection"] = "close"
        lines = {**{name: value for name, value in defaults.items() if name.lower() not in given}, **values}
        return "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    def _built(self, key: str, n: int, dice: random.Random | None) -> bytes:
        target = quote(self._target.fill(key, n, dice), safe=_AS_IT_IS)
        head = self._head.fill(key, n, dice)
        body = self._body.fill(key, n, dice).encode()
        length = f"Content-Length: {len(body)}\r\n" if body or self.operation.method in _WITH_BODY else ""
        return f"{self.operation.method} {target} HTTP/1.1\r\n{head}{length}\r\n".encode() + body


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


def picked(where: str, headers: Headers, body: bytes) -> str:
    """The header or JSON value that `where` names, as text; empty where there is none."""
    kind, _, name = where.partition(":")
    if kind == "header":
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for header, value in headers if header.lower() == wanted), "")
    try:
        found, value = look_up(json.loads(body), name)
    except ValueError:
        return ""
    if not found:
        return ""
    return value if isinstance(value, str) else json.dumps(value)

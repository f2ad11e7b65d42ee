"""Targets: the systems under test, read from TOML, with every mistake named."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from blackstart import facts, secret_places
from blackstart.errors import BadTarget, did_you_mean


@dataclass(frozen=True)
class Service:
    """One part of a target. `control` is the TOML table as data; `dsn` may be `env:NAME`; `address` is host:port.

    `proxy_name` is what the target's fault proxy calls the way to it. `net` says where packets to it can be reached
    (see `blackstart.faults._packets`).
    """

    name: str
    address: str = ""
    url: str = ""
    dsn: str = ""
    log: str = ""
    events: str = ""
    control: Mapping[str, Any] = field(default_factory=dict)
    proxy_name: str = ""
    net: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A system under test: its URLs, its services, how each is controlled, and what it promises of itself.

    `facts` are the target's own numbers (seconds, counts) that deadlines are derived from. `max_rate_hz` is how often
    an endpoint may be read. `why` says how this target was chosen. `secrets` are those that stand in its
    `file`, by reference (see `blackstart.references`).
    """

    name: str
    kind: str = ""
    api: str = ""
    lab: bool = False
    mutant: str = ""
    profile: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    allow: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    routes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    abort: str = ""
    prometheus: str = ""
    proxy: str = ""
    max_rate_hz: float = 5.0
    read_timeout_s: float = 2.0
    why: str = ""
    file: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def service(self, name: str) -> Service:
        """The named service. Raises BadTarget with what there is."""
        if name not in self.services:
            raise BadTarget(f'target "{self.name}" has no service "{name}".{did_you_mean(name, self.services)}')
        return self.services[name]

    def url(self, path: str) -> str:
        """`path` below the API; a whole URL as it is; `service:/path` below that service's url."""
        if "://" in path:
            return path
        name, _, rest = path.partition(":/")
        if rest or path.endswith(":/"):
            base = self.service(name).url
            if not base:
                raise BadTarget(f'target "{self.name}": service "{name}" has no url')
            return f"{base.rstrip('/')}/{rest}"
        if not self.api:
            raise BadTarget(f'target "{self.name}" has no api')
        return f"{self.api.rstrip('/')}{path}"

    def fact(self, name: str, default: Any) -> Any:
        """What the target promises of itself under that name, or the default of the real system."""
        return self.facts.get(name, default)


def secret(reference: str) -> str:
    """The value behind `env:NAME`, or the text itself. Raises BadTarget where the variable is missing."""
    if not reference.startswith("env:"):
        return reference
    name = reference[4:]
    if name not in os.environ:
        raise BadTarget(f"the environment variable {name} is not set (the target refers to it as {reference})")
    return os.environ[name]


_KEYS: dict[str, Any] = {
    "name": str, "kind": str, "api": str, "lab": bool, "mutant": str, "headers": dict, "allow": list, "facts": dict,
    "services": dict, "abort": str, "profile": str, "prometheus": str, "proxy": str, "max_rate_hz": (int, float),
    "read_timeout_s": (int, float),
}  # fmt: skip
_SERVICE_KEYS = ("address", "url", "dsn", "log", "events", "control", "proxy_name", "net")
_LARGEST_BYTES = 1 << 20  # many times what a target needs; /dev/zero would never end
_ROUTES = ("orders", "plans", "requests")


def load(path: Path, why: str = "") -> Target:
    """The target in a TOML file. Raises BadTarget that names the file, the key and what would be right."""
    try:
        with path.open("rb") as source:
            text = source.read(_LARGEST_BYTES + 1)
        if len(text) > _LARGEST_BYTES:
            raise BadTarget(f"{path} is larger than {_LARGEST_BYTES} bytes: no target file")
        data = tomllib.loads(text.decode())
    except OSError as error:
        raise BadTarget(f"{path}: {error.strerror or error}. Name a target file that can be read.") from error
    except (ValueError, RecursionError) as error:
        raise BadTarget(f"{path} is not TOML: {error}") from error
    made = from_table(data, str(path), why or f"file {path}")
    file = str(path.absolute())
    return replace(made, file=file, secrets=secret_places.in_table(data, file))


def from_table(data: Mapping[str, Any], where: str, why: str = "") -> Target:
    """The target in a parsed TOML table; `where` names its source in errors."""
    routes = {key: data[key] for key in _ROUTES if key in data}
    for key, value in data.items():
        if key in _ROUTES:
            if not isinstance(value, dict):
                raise BadTarget(f"{where}: [{key}] must be a table")
            continue
        if key not in _KEYS:
            raise BadTarget(f'{where}: unknown key "{key}".{did_you_mean(key, [*_KEYS, *_ROUTES])}')
        kinds = _KEYS[key]
        if not isinstance(value, kinds) or (kinds is not bool and isinstance(value, bool)):
            raise BadTarget(f'{where}: "{key}" must be {_expected(kinds)}, not {value!r}')
    if not data.get("name"):
        raise BadTarget(f'{where}: a target needs a name, as in name = "trader"')
    _positive(data, where, "max_rate_hz", "read_timeout_s")
    _urls(data, where, "api", "prometheus", "proxy")
    facts.refuse_bad(data.get("facts", {}), where)
    for header, value in data.get("headers", {}).items():
        if not isinstance(value, str):
            raise BadTarget(f'{where}: the header "{header}" must be text, as in "env:OPS_KEY", not {value!r}')
    fields = {key: value for key, value in data.items() if key in _KEYS and key not in ("services", "allow")}
    services = {name: _service(name, table, where) for name, table in data.get("services", {}).items()}
    return Target(**fields, services=services, routes=routes, allow=tuple(map(str, data.get("allow", ()))), why=why)


def _service(name: str, table: Any, where: str) -> Service:
    if not name.strip() or not name.isprintable():
        raise BadTarget(f"{where}: {name!r} can't be the name of a service: it must be a word that can be printed")
    if not isinstance(table, dict):
        raise BadTarget(f"{where}: [services.{name}] must be a table")
    for key, value in table.items():
        if key not in _SERVICE_KEYS:
            raise BadTarget(f'{where}: unknown key "{key}" in [services.{name}].{did_you_mean(key, _SERVICE_KEYS)}')
        wanted = dict if key in ("control", "net") else str
        if not isinstance(value, wanted):
            raise BadTarget(f'{where}: "{key}" in [services.{name}] must be {_expected(wanted)}, not {value!r}')
    return Service(name, **table)


def _expected(kinds: Any) -> str:
    names = {str: "text", bool: "true or false", dict: "a table", list: "a list"}
    return names.get(kinds, "a number")


def _positive(data: Mapping[str, Any], where: str, *keys: str) -> None:
    for key in keys:
        if key in data and not 0 < data[key] <= 10_000:
            raise BadTarget(f'{where}: "{key}" must be above 0 and at most 10000, not {data[key]}')


def _urls(data: Mapping[str, Any], where: str, *keys: str) -> None:
    """What has no scheme would be taken for a host that is not this machine, or for one that does not answer."""
    for key in keys:
        if data.get(key) and not data[key].startswith(("http://", "https://", "env:")):
            raise BadTarget(f'{where}: "{key}" must begin with http:// or https://, as in "http://localhost:8080"')

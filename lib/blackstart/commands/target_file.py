"""Target files: targets read from TOML, with every mistake named."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from blackstart.base.errors import BadTarget, did_you_mean
from blackstart.base.printable import kind_of
from blackstart.base.secrets import places
from blackstart.base.secrets.env import secret
from blackstart.base.urls import parts
from blackstart.controls.steps.shell import ssh_host
from blackstart.model import facts, protocols
from blackstart.model.target import Service, Target
from blackstart.suites import systems

_KEYS: dict[str, Any] = {
    "name": str, "kind": str, "api": str, "lab": bool, "mutant": str, "headers": dict, "allow": list, "facts": dict,
    "services": dict, "abort": str, "profile": str, "prometheus": str, "proxy": str, "max_rate_hz": (int, float),
    "read_timeout_s": (int, float), "load": dict,
}  # fmt: skip
_SERVICE_KEYS = ("address", "url", "dsn", "log", "events", "control", "proxy_name", "net")
_LOAD_KEYS = ("image", "namespace", "context", "api", "env_from")
_LARGEST_BYTES = 1 << 20  # many times what a target needs; /dev/zero would never end


def load(path: Path, why: str = "") -> Target:
    """The target in a TOML file. Raises BadTarget that names the file, the key and what would be right."""
    try:
        with path.open("rb") as source:
            text = source.read(_LARGEST_BYTES + 1)
        if len(text) > _LARGEST_BYTES:
            raise BadTarget(f"{path} is larger than {_LARGEST_BYTES} bytes: no target file")
        data = tomllib.loads(text.decode("utf-8-sig"))
    except OSError as error:
        raise BadTarget(f"{path}: {error.strerror or error}. Name a target file that can be read.") from error
    except (ValueError, RecursionError) as error:
        raise BadTarget(f"{path} is not TOML: {error}") from error
    made = from_table(data, str(path), why or f"file {path}")
    file = str(path.absolute())
    return replace(made, file=file, secrets=places.in_table(data, file, made.system.facts))


def from_table(data: Mapping[str, Any], where: str, why: str = "") -> Target:
    """The target in a parsed TOML table; `where` names its source in errors."""
    suites = [systems.of(kind) for kind in systems.kinds()]
    tables = [table for suite in suites for table in suite.tables]
    routes = {key: data[key] for key in tables if key in data}
    for key, value in data.items():
        if key in tables:
            if not isinstance(value, dict):
                raise BadTarget(f"{where}: [{key}] must be a table")
            continue
        if key not in _KEYS:
            raise BadTarget(f'{where}: unknown key "{key}".{did_you_mean(key, {*_KEYS, *tables})}')
        kinds = _KEYS[key]
        if not isinstance(value, kinds) or (kinds is not bool and isinstance(value, bool)):
            raise BadTarget(f'{where}: "{key}" must be {_expected(kinds)}, not {kind_of(value)}')
    if not data.get("name"):
        raise BadTarget(f'{where}: a target needs a name, as in name = "staging"')
    _positive(data, where, "max_rate_hz", "read_timeout_s")
    _urls(data, where, "api", "prometheus", "proxy")
    own = systems.of(data.get("kind", ""))
    # A target may serve several suites; where two of them know a fact by the same name, that of its own kind counts.
    known = {name: fact for suite in (*suites, own) for name, fact in suite.facts.items()}
    facts.refuse_bad(data.get("facts", {}), known, where)
    for header, value in data.get("headers", {}).items():
        if not isinstance(value, str):
            raise BadTarget(f'{where}: the header "{header}" must be text, as in "env:OPS_KEY", not {kind_of(value)}')
    _refuse_bad_load(data.get("load"), where)
    fields = {key: value for key, value in data.items() if key in _KEYS and key not in ("services", "allow")}
    each = {name: _instances(name, table, where) for name, table in data.get("services", {}).items()}
    services = {one.name: one for instances in each.values() for one in instances}
    on_hosts = {
        name: tuple(one.name for one in made) for name, made in each.items() if "hosts" in data["services"][name]
    }
    allow = tuple(map(str, data.get("allow", ())))
    return Target(**fields, services=services, fleets=on_hosts, routes=routes, allow=allow, why=why, system=own)


def _refuse_bad_load(table: Any, where: str) -> None:
    if table is None:
        return
    for key, value in table.items():
        if key not in _LOAD_KEYS:
            raise BadTarget(f'{where}: unknown key "{key}" in [load].{did_you_mean(key, _LOAD_KEYS)}')
        if not isinstance(value, str) or not value:
            raise BadTarget(f'{where}: "{key}" in [load] must be text, not {kind_of(value)}')
    if "image" not in table:
        raise BadTarget(f'{where}: [load] needs an image with k6 in it, as in image = "grafana/k6:1.3.0"')
    _urls(table, f"{where}: [load]", "api")


def _instances(name: str, table: Any, where: str) -> tuple[Service, ...]:
    """The service; one for each of its `hosts`, whose name stands for `{host}` in all that the table says."""
    if not isinstance(table, dict) or "hosts" not in table:
        return (_service(name, table, where),)
    rest, hosts = {key: value for key, value in table.items() if key != "hosts"}, table["hosts"]
    if not isinstance(hosts, list) or not hosts or not all(isinstance(host, str) for host in hosts):
        raise BadTarget(f'{where}: "hosts" in [services.{name}] must be a list, as in ["ssh://ops@a", "ssh://ops@b"]')
    control = _service(name, rest, where).control
    if not control or "host" in control:
        raise BadTarget(
            f'{where}: [services.{name}] has "hosts", so it needs a control, and that one no host of its own'
        )
    made: dict[str, Service] = {}
    for url in hosts:
        try:
            host = ssh_host(url).machine
        except BadTarget as error:
            raise BadTarget(f'{where}: "hosts" in [services.{name}]: {error.args[0]}') from error
        told = _with_host({**rest, "control": {**control, "host": url}}, host)
        if f"{name}@{host}" in made:
            raise BadTarget(f'{where}: "hosts" in [services.{name}] names {host} twice')
        made[f"{name}@{host}"] = _service(f"{name}@{host}", told, where)
    return tuple(made.values())


def _with_host(value: Any, host: str) -> Any:
    if isinstance(value, dict):
        return {key: _with_host(one, host) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_host(one, host) for one in value]
    return value.replace("{host}", host) if isinstance(value, str) else value


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
            raise BadTarget(f'{where}: "{key}" in [services.{name}] must be {_expected(wanted)}, not {kind_of(value)}')
    return Service(name, **table)


def variables(told: Any) -> list[str]:
    """The variables that values of a target file's table are taken from (`env:NAME`), each once."""
    if isinstance(told, str):
        return [told[4:]] if told.startswith("env:") else []
    values = told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()
    return list(dict.fromkeys(name for value in values for name in variables(value)))


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
        if data.get(key) and not data[key].startswith("env:"):
            protocols.read_http(data[key], f'{where}: "{key}"', base=True)


def resolved(target: Target) -> Target:
    """The target with the URLs that its variables hold; its dsns stay references, since they are secrets. Raises
    BadTarget that names the key, and the variable, of what can't be read as what it is to be."""
    texts = (target.api, target.prometheus, target.proxy, *(service.url for service in target.services.values()))
    for name, text in target.headers.items():
        _refuse_unseen(text, f'{target.name}: the header "{name}"')
    held = {text[4:]: secret(text) for text in texts if text.startswith("env:")}
    return replace(
        target,
        api=_url(target.api, f'{target.name}: "api"', base=True),
        prometheus=_url(target.prometheus, f'{target.name}: "prometheus"', base=True),
        proxy=_url(target.proxy, f'{target.name}: "proxy"', base=True),
        services={name: _resolved(service, target.name) for name, service in target.services.items()},
        secrets={**target.secrets, **places.in_flags(held)},
    )


def _resolved(service: Service, target: str) -> Service:
    url = _url(service.url, f'{target}: [services.{service.name}] "url"')
    made = replace(service, url=url, address=secret(service.address))
    if not made.dsn.startswith("env:") or os.environ.get(made.dsn[4:]):  # else told by who has use for it
        protocols.places_of(made)
    return made


def _url(text: str, what: str, base: bool = False) -> str:
    """An http URL, itself or by reference."""
    return protocols.read_http(secret(text), f"{what}{_variable(text)}", base=base).text if text else ""


def _refuse_unseen(text: str, what: str) -> None:
    """What nobody sees in a header is sent as something else, or ends it."""
    if text.startswith("env:") and not os.environ.get(text[4:]):
        return  # told by who has use for it
    try:
        parts.refuse_unseen(secret(text), but=" \t")
    except ValueError as error:
        raise BadTarget(f"{what}{_variable(text)} {error}") from None


def _variable(text: str) -> str:
    return f" ({text})" if text.startswith("env:") else ""

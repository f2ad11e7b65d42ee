"""What speaks at an address, told by asking whether it is what it is likely to be: Redis, PostgreSQL, Kafka, HTTP and
what that serves."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from blackstart.commands.starting.running import HTTP, Running
from blackstart.model.reading import Probe, Reading
from blackstart.model.target import Service, Target
from blackstart.probes.http import HttpStatus, HttpText
from blackstart.probes.kafka_ping import KafkaPing
from blackstart.probes.postgres_ping import PostgresPing
from blackstart.probes.read import read_once
from blackstart.probes.redis_ping import RedisPing
from blackstart.suites import systems

_WITHIN_S = 2.0
_PING: Mapping[str, Any] = {"redis": RedisPing, "postgres": PostgresPing, "kafka": KafkaPing}
PROXY, PROMETHEUS = "toxiproxy", "prometheus"


def protocol(one: Running) -> str:
    """Of what runs: `redis`, `postgres`, `kafka`, `toxiproxy`, `prometheus`, `http`, or "" where it can't be told. One
    question is put to it, in the protocol that is likely, which is HTTP where nothing is. What publishes nothing is
    not asked."""
    name = one.likely or HTTP
    if name in _PING:
        return name if not one.address or answers(name, one.address) else ""
    return _served(one.address) if one.address and _answers_http(one.address) else ""


def wants_login(address: str) -> bool:
    """Whether that Redis wants a password."""
    return _ping("redis", address).value != "PONG"


def kind(api: str) -> str:
    """The kind of system whose series the metrics page of that API has; "" where it has none that is known."""
    for known in map(systems.of, systems.kinds()):
        page = text(f"{api}{known.metrics_page}")
        if known.series and re.search(rf"(?m)^{re.escape(known.series)}", page):
            return known.kind
    return ""


def text(url: str) -> str:
    """What is answered there; "" for no answer, or an error."""
    reading = read_once(HttpText(url, name="page"), _WITHIN_S)
    return str(reading.value) if reading.kind == "value" else ""


def silence(api: str) -> str:
    """Said of an API that does not answer; "" for one that does."""
    reading = read_once(HttpStatus(api, name="page"), _WITHIN_S)
    return "" if reading.kind == "value" else f"does not answer ({reading.note or reading.kind}): start it"


def posts(api: str) -> list[str]:
    """The paths that take a POST, as the API's own description (OpenAPI) says; none where it has no such page."""
    paths = _table(text(f"{api}/openapi.json")).get("paths")
    return [path for path, how in paths.items() if isinstance(how, dict) and "post" in how] if paths else []


def proxied(api: str) -> Iterator[tuple[str, str, str]]:
    """Name, where it listens, and where it leads, of each way that a fault proxy has."""
    for name, told in _table(text(f"{api}/proxies")).items():
        if isinstance(told, dict):
            yield name, str(told.get("listen", "")), str(told.get("upstream", ""))


def answers(name: str, address: str) -> bool:
    """Whether one that speaks `name` answers there."""
    return _ping(name, address).kind == "value"


def _ping(name: str, address: str) -> Reading:
    probe: Probe = _PING[name](name)
    return read_once(probe.bind(Target("here", services={name: Service(name, address=address)})), _WITHIN_S)


def _answers_http(address: str) -> bool:
    reading = read_once(HttpText(f"http://{address}/", name="page"), _WITHIN_S)
    return reading.kind == "value" or reading.note.startswith("status ")


def _served(address: str) -> str:
    if "version" in _table(text(f"http://{address}/version")) and text(f"http://{address}/proxies"):
        return PROXY
    built = _table(text(f"http://{address}/api/v1/status/buildinfo"))
    return PROMETHEUS if built.get("status") == "success" else HTTP


def _table(page: str) -> dict[str, Any]:
    try:
        told = json.loads(page)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}

"""What speaks at an address: every protocol that Blackstart knows, with its default port, in one table."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from blackstart.base.secrets.env import secret
from blackstart.model.target import Service

Name = Literal["redis", "postgres", "kafka", "http", ""]


@dataclass(frozen=True)
class _Protocol:
    """`by_name`: a service's name or port tells it, too, where neither dsn nor url says what it speaks."""

    name: Name
    port: int
    schemes: tuple[str, ...]
    by_name: bool = True


_KNOWN = (
    _Protocol("redis", 6379, ("redis", "rediss", "valkey")),
    _Protocol("postgres", 5432, ("postgres", "postgresql")),
    _Protocol("kafka", 9092, ("kafka",)),
    _Protocol("http", 80, ("http",), by_name=False),
    _Protocol("http", 443, ("https",), by_name=False),
)
_BY_SCHEME = {scheme: one for one in _KNOWN for scheme in one.schemes}
_BY_NAME: dict[str, Name] = {word: one.name for one in _KNOWN if one.by_name for word in (*one.schemes, str(one.port))}


def default_port(scheme: str) -> int:
    """The port of a URL that names none, by its scheme; 0 where that is not known."""
    known = _BY_SCHEME.get(_plain(scheme))
    return known.port if known else 0


def spoken_by(service: Service) -> Name:
    """What the service speaks, by its dsn, its url, its name or its port; empty where that is not known."""
    scheme = urlsplit(dsn_of(service)).scheme
    if scheme:
        known = _BY_SCHEME.get(_plain(scheme))
        return known.name if known else ""
    port, url = service.address.rpartition(":")[2], urlsplit(service.url)
    if url.scheme and port == str(url.port or default_port(url.scheme)):
        return "http"
    return _BY_NAME.get(service.name) or _BY_NAME.get(port, "")


def dsn_of(service: Service) -> str:
    """The service's dsn itself, be it given by `env:NAME`. Raises BadTarget where that is not set."""
    return secret(service.dsn) if service.dsn else ""


def _plain(scheme: str) -> str:
    """Without a driver's name, as in `postgresql+asyncpg`."""
    return scheme.partition("+")[0]

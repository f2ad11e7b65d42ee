"""What speaks at an address: every protocol that is known, with its reader and its default port, in one table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from blackstart.base.errors import BadTarget
from blackstart.base.secrets.env import secret
from blackstart.base.urls import http, kafka, parts, postgres, redis
from blackstart.base.urls.http import HttpUrl
from blackstart.base.urls.kafka import KafkaUrl
from blackstart.base.urls.parts import Place
from blackstart.base.urls.postgres import PostgresUrl
from blackstart.base.urls.redis import RedisUrl
from blackstart.model.target import Service

Name = Literal["redis", "postgres", "kafka", "http", ""]


class Located(Protocol):
    """What every reader gives: all servers that may be gone to."""

    @property
    def places(self) -> tuple[Place, ...]: ...


@dataclass(frozen=True)
class _Elsewhere:
    """A service of which no more is known than where it is."""

    places: tuple[Place, ...]


def _elsewhere(text: str) -> _Elsewhere:
    such_as = "amqp://localhost:5672"
    where = parts.split(text, such_as).where
    return _Elsewhere(tuple(parts.place_in(each, 0, such_as) for each in where.split(",")))


@dataclass(frozen=True)
class _Known:
    """`by_name`: a service's name or port tells it, too, where neither dsn nor url says what it speaks."""

    name: Name
    port: int
    schemes: tuple[str, ...]
    read: Callable[[str], Located]
    by_name: bool = True


_KNOWN = (
    _Known("redis", redis.PORT, (*redis.SCHEMES, *redis.ELSEWHERE), redis.read),
    _Known("postgres", postgres.PORT, postgres.SCHEMES, postgres.read),
    _Known("kafka", kafka.PORT, tuple(kafka.SCHEMES), kafka.read),
    _Known("http", 80, ("http",), http.read, by_name=False),
    _Known("http", 443, ("https",), http.read, by_name=False),
)
_BY_SCHEME = {scheme: one for one in _KNOWN for scheme in one.schemes}
_BY_NAME = {word: one for one in _KNOWN if one.by_name for word in (*one.schemes, str(one.port))}


def spoken_by(service: Service) -> Name:
    """What the service speaks, by its dsn, its url, its name or its port; empty where that is not known."""
    known = _known(service, dsn_of(service))
    return known.name if known else ""


def located(service: Service) -> Located | None:
    """What the service's dsn leads to; None where it has none. Raises BadTarget that says what is wrong with it."""
    dsn = dsn_of(service)
    known = _known(service, dsn)
    try:
        return (known.read if known else _elsewhere)(dsn) if dsn else None
    except ValueError as error:
        raise BadTarget(f"{called(service)} {error}") from None


def places_of(service: Service) -> tuple[Place, ...]:
    """Every server that the service's dsn may lead to, else its address. Raises BadTarget."""
    found = located(service)
    if found is not None or not service.address:
        return found.places if found else ()
    try:
        return (parts.place_in(service.address, 0, "localhost:6379"),)
    except ValueError as error:
        raise BadTarget(f"the address of {service.name} {error}") from None


def address_of(service: Service) -> str:
    """`host:port` of the one server that its dsn leads to; empty where it has none, or leads to a socket. Raises
    BadTarget where it leads to several: nobody knows which of them is meant."""
    places = places_of(service)
    if len(places) > 1:
        raise BadTarget(
            f"{called(service)} names {len(places)} hosts: say which of them is meant, as in "
            f'[services.{service.name}] address = "{places[0].address}" in a target file'
        )
    return places[0].address if places and places[0].port else ""


def redis_of(service: Service) -> RedisUrl:
    """The service's Redis, by its dsn or, where it has none, its address. Raises BadTarget."""
    if service.dsn:
        return read_redis(dsn_of(service), called(service))
    if service.address:
        return read_redis(f"redis://{service.address}", f"the address of {service.name}")
    raise BadTarget(f"the service {service.name} has neither a dsn nor an address")


def read_redis(dsn: str, what: str = "the Redis URL") -> RedisUrl:
    """What a Redis URL says, `env:NAME` included. Raises BadTarget."""
    try:
        return redis.read(secret(dsn))
    except ValueError as error:
        raise BadTarget(f"{what} {error}") from None


def read_postgres(dsn: str, what: str = "the PostgreSQL URL") -> PostgresUrl:
    """What a PostgreSQL DSN says, `env:NAME` included. Raises BadTarget."""
    try:
        return postgres.read(secret(dsn))
    except ValueError as error:
        raise BadTarget(f"{what} {error}") from None


def read_kafka(dsn: str, what: str = "the Kafka URL") -> KafkaUrl:
    """What a Kafka URL says, `env:NAME` included. Raises BadTarget."""
    try:
        return kafka.read(secret(dsn))
    except ValueError as error:
        raise BadTarget(f"{what} {error}") from None


def read_http(url: str, what: str = "the URL", whole_path: bool = False, base: bool = False) -> HttpUrl:
    """What an http:// or https:// URL says (see `http.read`). Raises BadTarget."""
    try:
        return http.read(url, whole_path, base)
    except ValueError as error:
        raise BadTarget(f"{what} {error}") from None


def _known(service: Service, dsn: str) -> _Known | None:
    scheme, is_url, _ = dsn.partition("://")
    if is_url:  # a driver's name may follow, as in `postgresql+asyncpg`
        return _BY_SCHEME.get(scheme.lower()) or _BY_SCHEME.get(scheme.lower().partition("+")[0])
    if dsn:  # libpq's words, or nothing that is known
        return _BY_NAME["postgres"] if "=" in dsn else _BY_NAME.get(service.name)
    port = service.address.rpartition(":")[2]
    if service.url and port == str(read_http(service.url, f"the url of {service.name}").place.port):
        return _BY_SCHEME["http"]
    return _BY_NAME.get(service.name) or _BY_NAME.get(port)


def user_of(service: Service, default: str = "postgres") -> str:
    """Who the service's dsn says that we are in PostgreSQL."""
    found = located(service)
    return found.user or default if isinstance(found, PostgresUrl) else default


def dsn_of(service: Service) -> str:
    """The service's dsn itself, be it given by `env:NAME`. Raises BadTarget where that is not set."""
    return secret(service.dsn) if service.dsn else ""


def called(service: Service) -> str:
    """How its dsn is called in a message: with the variable that it comes from."""
    variable = f" ({service.dsn})" if service.dsn.startswith("env:") else ""
    return f"the dsn of {service.name}{variable}"

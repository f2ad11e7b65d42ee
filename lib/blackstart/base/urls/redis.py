"""The one reader of what speaks Redis: the URLs of its client libraries.

What they know of the way to the server is meant as they mean it; what a client may say of its own patience is left out,
since a probe has its own. The options: https://redis.readthedocs.io/en/stable/connections.html
"""

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from blackstart.base import trust
from blackstart.base.trust import TlsOptions
from blackstart.base.urls import parts, tls_options
from blackstart.base.urls.parts import Place

PORT = 6379
SUCH_AS = "redis://localhost:6379/0"
# Each scheme of the client libraries, and whether it means TLS.
SCHEMES = {"redis": False, "rediss": True, "valkey": False, "valkeys": True}
ELSEWHERE = {
    "unix": "is a socket, and probes need a port",
    "redis-socket": "is a socket, and probes need a port",
    "redis+socket": "is a socket, and probes need a port",
    "redis+unix": "is a socket, and probes need a port",
    "sentinel": "leads to Sentinel, not to the server that is broken",
    "redis-sentinel": "leads to Sentinel, not to the server that is broken",
    "redis+sentinel": "leads to Sentinel, not to the server that is broken",
    "rediss+sentinel": "leads to Sentinel, not to the server that is broken",
    "redis+cluster": "leads to a cluster, not to the server that is broken",
    "rediss+cluster": "leads to a cluster, not to the server that is broken",
}
_PATIENCE = frozenset((
    "client_name", "decode_responses", "encoding", "family", "health_check_interval", "max_connections", "protocol",
    "retry_on_error", "retry_on_timeout", "socket_connect_timeout", "socket_keepalive", "socket_read_size",
    "socket_timeout", "timeout",
))  # fmt: skip
_KNOWN = tls_options.NAMES | {"db", "username", "password"}


@dataclass(frozen=True)
class RedisUrl:
    """A Redis, its login and its TLS, which is None where there is none."""

    place: Place
    database: int = 0
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    tls: TlsOptions | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """The one place."""
        return (self.place,)

    def context(self) -> trust.Tls | None:
        """For a socket of our own. Raises BadTarget as `trust.tls`."""
        return trust.tls(self.tls) if self.tls else None

    def client_arguments(self) -> dict[str, Any]:
        """For redis-py. Raises BadTarget as `trust.tls`."""
        login = {"username": self.user or None, "password": self.password or None}
        secured = trust.redis_arguments(self.tls) if self.tls else {}
        return {"host": self.place.host, "port": self.place.port, "db": self.database, **login, **secured}

    def through(self, place: Place) -> "RedisUrl":
        """The same Redis by another way, such as a fault proxy, whose name no certificate has."""
        return replace(self, place=place, tls=replace(self.tls, check_hostname=False) if self.tls else None)

    def without_login(self) -> str:
        """The way there as a URL, to be asked by who needs no password."""
        if not self.tls:
            return f"redis://{self.place.address}"
        files = ("ca_certs", "ca_path", "certfile", "keyfile")
        options = {
            "ssl_cert_reqs": self.tls.demand,
            "ssl_check_hostname": str(self.tls.check_hostname).lower(),
            **{f"ssl_{name}": text for name in files if (text := getattr(self.tls, name))},
        }
        return f"rediss://{self.place.address}?{urlencode(options, safe='/')}"


def read(text: str) -> RedisUrl:
    """The Redis behind a URL. Raises ValueError."""
    scheme = parts.one_word(text).partition("://")[0].lower()
    if scheme in ELSEWHERE:
        raise ValueError(f"{ELSEWHERE[scheme]} ({scheme}://): name the server itself, as in {SUCH_AS}")
    found = parts.split(text, SUCH_AS, SCHEMES)
    options = dict(reversed(parse_qsl(found.query, keep_blank_values=True)))
    unknown = sorted(options.keys() - _KNOWN - _PATIENCE)
    if unknown:
        named = parts.nameable(unknown[0], found.query)
        what = f", {unknown[0]}: leave it out" if named else f": {parts.LEAVE_OUT}"
        raise ValueError(f"has an option that redis-py does not know{what}")
    wants_tls = sorted(key for key in options if key.startswith("ssl_"))
    if wants_tls and not SCHEMES[found.scheme]:
        raise ValueError(f"has {wants_tls[0]}, but no TLS: begin it with rediss://")
    return RedisUrl(
        place=parts.place_in(found.where, PORT, SUCH_AS),
        database=_database(options.get("db") or found.path.strip("/")),
        user=found.user or options.get("username", ""),
        password=found.password or options.get("password", ""),
        tls=tls_options.read(options) if SCHEMES[found.scheme] else None,
    )


def _database(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"must end in the number of a database, as in {SUCH_AS}")
    return int(text or 0)

"""The one reader of what speaks PostgreSQL: libpq's own, in URLs and in words (`host=localhost dbname=shop`).

Its parser knows several hosts, addresses beside them, sockets and every option; what it says of what it can't read is
never shown, since it quotes. https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from blackstart.base.urls import parts
from blackstart.base.urls.parts import Place

PORT = 5432
APPLICATION_NAME = "blackstart"
"""How the application_name of every session of ours begins."""
SUCH_AS = "postgresql://user@localhost:5432/orders"
SCHEMES = ("postgresql", "postgres")
# What needs no library to be understood as libpq does: most of them, and loading it takes as long as many readings.
_PLAIN = re.compile(
    r"postgres(?:ql)?://(?:(?P<user>[\w.-]+)(?::(?P<password>[\w.~!-]*))?@)?(?P<host>[A-Za-z0-9.-]+)"
    r"(?::(?P<port>[0-9]{1,4}|[1-5][0-9]{4}))?(?:/[\w.-]*)?",
    re.ASCII,
)
# Whatever a DSN leaves out libpq takes from these, a service's file among them.
_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGSERVICE", "PGSERVICEFILE")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_DRIVER = re.compile(r"(?P<scheme>postgres(?:ql)?)\+[A-Za-z0-9_]+(?=://)")


@dataclass(frozen=True)
class PostgresUrl:
    """Every server that may be gone to, in their order, and how one gets in. `text` is as libpq takes it."""

    text: str = field(repr=False)
    places: tuple[Place, ...]
    user: str = field(repr=False)


def read(text: str) -> PostgresUrl:
    """The database behind a DSN; a driver's name in its scheme is left out. Raises ValueError."""
    word = _DRIVER.sub(r"\g<scheme>", parts.one_word(text, "" if "://" in text else " "))
    scheme, url, _ = word.partition("://")
    if url and scheme not in SCHEMES:
        raise ValueError(f"must be a URL such as {SUCH_AS}, not of the scheme {parts.shown(f'{scheme}://')}")
    plain = _PLAIN.fullmatch(word)
    if plain and not any(os.environ.get(name) for name in _VARIABLES):
        return PostgresUrl(word, (_place(plain["host"], "", plain["port"] or ""),), plain["user"] or "")
    if not url and "=" not in word:
        raise ValueError(f"must be a URL such as {SUCH_AS}")
    given = _parsed(word, bool(url))
    if given.get("service"):
        raise ValueError("names a service of pg_service.conf, whose hosts nobody sees here: name the host")
    return PostgresUrl(word, _places(given), given.get("user", ""))


def _parsed(word: str, url: bool) -> dict[str, str]:
    """What libpq reads, and what it takes from the environment besides."""
    from psycopg import OperationalError, pq  # noqa: PLC0415  (a plain dsn needs no client to be understood)

    defaults = {option.keyword.decode(): option.val for option in pq.Conninfo.get_defaults()}
    if url:
        _refuse_split_password(word)
        _refuse_unknown(word, defaults)
    try:
        found = pq.Conninfo.parse(word.encode())
    except OperationalError:
        # No cause either: its text would be shown where a traceback is.
        raise ValueError(f"can't be read by PostgreSQL's own library: it must be such as {SUCH_AS}") from None
    given = {option.keyword.decode(): option.val.decode() for option in found if option.val}
    if any("@" in given.get(key, "") for key in ("host", "hostaddr", "port", "dbname")):
        raise ValueError(parts.ENCODE)
    taken = {key: (defaults.get(key) or b"").decode() for key in ("host", "hostaddr", "port", "user")}
    return {**{key: text for key, text in taken.items() if text}, **given}


def _refuse_split_password(word: str) -> None:
    """A password that ends too soon becomes a host, a port, a database or an option, and would be shown as that."""
    login, slash, rest = word.partition("://")[2].partition("/")
    if slash and "@" in rest and "@" not in login and login:
        raise ValueError(parts.ENCODE)
    if _BAD_PERCENT.search(word):
        raise ValueError('has a "%" that begins no code: percent-encode it (%25)')


def _refuse_unknown(word: str, known: Mapping[str, object]) -> None:
    query = word.partition("://")[2].rpartition("@")[2].partition("?")[2]
    for item in filter(None, query.split("&")):
        key = item.partition("=")[0]
        if key not in (*known, "ssl") and key.isidentifier():
            if not parts.nameable(key, query):
                raise ValueError(f"has an option that is not PostgreSQL's: {parts.LEAVE_OUT}")
            raise ValueError(f'has the option "{key}", which is not PostgreSQL\'s: leave it out')
        if key == "ssl" and item != "ssl=true":  # libpq itself knows this one value of JDBC's
            raise ValueError('has the option "ssl", which is a driver\'s: write sslmode, as in sslmode=require')


def _places(given: Mapping[str, str]) -> tuple[Place, ...]:
    hosts, addresses, ports = (given.get(key, "").split(",") for key in ("host", "hostaddr", "port"))
    count = max(len(hosts), len(addresses))
    if len(ports) not in (1, count) or len(hosts) not in (1, count) or len(addresses) not in (1, count):
        raise ValueError("names another number of ports than of hosts")
    ports *= count if len(ports) == 1 else 1
    return tuple(_place(*each) for each in zip_longest(hosts, addresses, ports, fillvalue=""))


def _place(host: str, address: str, port: str) -> Place:
    if port and not parts.port_in(port):
        raise ValueError("has a port that is none: a whole number from 1 to 65535")
    return Place(host if host.startswith("/") else host.lower(), int(port or PORT), address)

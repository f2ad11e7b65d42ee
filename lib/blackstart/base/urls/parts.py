"""What the readers of every kind of URL share: its parts, hosts and ports, and what of it may be shown."""

import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from urllib.parse import unquote

ENCODE = (
    'has a user or password that ends too soon: percent-encode it ("/" as %2F, "@" as %40, "?" as %3F, "#" as %23, '
    '"%" as %25)'
)
LEAVE_OUT = "leave it out, or percent-encode the & in a password (%26)"
_SCHEME = re.compile(r"(?:jdbc:)?[A-Za-z][A-Za-z0-9+.-]*://")
_PLACE = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^:\[\]@,\s]+)(?P<colon>:(?P<port>[^\],]*))?")
# Line ends, control characters and what is not seen: zero width, direction, byte order mark, odd blanks.
_UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Zs")


@dataclass(frozen=True)
class Place:
    """A host and a port. `resolved` is the address that is gone to where it is given beside the host's name; a `host`
    that begins with / is the folder of a socket of this machine, and one that is empty its usual one."""

    host: str
    port: int
    resolved: str = ""

    @property
    def on_network(self) -> bool:
        """Whether it is no socket of this machine."""
        return bool(self.resolved or self.host and not self.host.startswith(("/", "@")))

    @property
    def address(self) -> str:
        """`host:port`; empty for a socket."""
        if not self.on_network:
            return ""
        host = self.resolved or self.host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


@dataclass(frozen=True)
class Parts:
    """A URL taken apart; user and password as they are meant, not as they are written."""

    scheme: str
    where: str
    path: str
    query: str
    user: str | None
    password: str | None


def shown(text: str) -> str:
    """What of a text that could not be read may be shown, as in `redis://...`: a scheme. Nobody knows which part of the
    rest is a password."""
    found = _SCHEME.match(text)
    return f"{found[0] if found else ''}..."


def one_word(text: str, but: str = "") -> str:
    """The text without blanks, line ends and a byte order mark around it. Raises ValueError where there are more, but
    for characters in `but`."""
    word = text.strip().strip("\ufeff").strip()
    refuse_unseen(word, but)
    return word


def refuse_unseen(text: str, but: str = "") -> None:
    """Raise ValueError that names the first character which nobody sees; those in `but` may be there."""
    for char in text:
        if char not in but and unicodedata.category(char) in _UNSEEN:
            raise ValueError(f"must not contain {_named(char)}")


def nameable(option: str, query: str) -> bool:
    """Whether an option may be shown: it is none of what may be the end of a password that has a `&`."""
    before = re.split(rf"(?:^|&){re.escape(option)}(?==)", query, maxsplit=1)
    return len(before) > 1 and "pass" not in before[0].lower() and option.isidentifier() and option.isascii()


def _named(char: str) -> str:
    if char in " \t\xa0":
        return "blanks or tabs"
    if char in "\r\n\u2028\u2029":
        return "a line end"
    return f"a character that nobody sees (U+{ord(char):04X} {unicodedata.name(char, 'control character')})"


def split(text: str, such_as: str, schemes: Container[str] | None = None, whole_path: bool = False) -> Parts:
    """The parts of a URL with one of these schemes; any, where none are given. Raises ValueError.

    `whole_path`: blanks may stand in its path and query, and an @ in them (`/users/@me`).
    """
    scheme, there, rest = one_word(text, " " if whole_path else "").partition("://")
    scheme = scheme.lower()
    if not there or not scheme:
        raise ValueError(f"must be a URL such as {such_as}")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    login, at, where = rest[:end].rpartition("@")
    in_path = whole_path and _PLACE.fullmatch(where) and _port_fits(where)
    if "@" in rest[end:] and not (in_path and not (at and "#" in rest[: rest.rfind("@")])):
        raise ValueError(ENCODE)
    if schemes is not None and scheme not in schemes:
        raise ValueError(f"must be a URL such as {such_as}, not of the scheme {shown(f'{scheme}://')}")
    path, _, query = rest[end:].partition("#")[0].partition("?")
    user, colon, password = login.partition(":")
    return Parts(scheme, where, path, query, unquote(user) if at else None, unquote(password) if colon else None)


def place_in(where: str, default_port: int, such_as: str) -> Place:
    """Host and port of `host:port`, `[::1]:port` or `host`. Raises ValueError."""
    found = _PLACE.fullmatch(where)
    if not found:
        raise ValueError(f"must name one host, as in {such_as}")
    if not _port_fits(where):
        raise ValueError("has a port that is none: a whole number from 1 to 65535")
    return Place(found["host"].strip("[]").lower(), int(found["port"] or default_port))


def _port_fits(where: str) -> bool:
    port = where.rpartition("]")[2].partition(":")[2]
    return not port or port_in(port) > 0


def port_in(text: str) -> int:
    """The port that a text is; 0 where it is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) and 0 < int(text) < 65536 else 0

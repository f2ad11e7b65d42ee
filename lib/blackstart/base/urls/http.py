"""The one reader of what speaks HTTP."""

import re
from base64 import b64encode
from dataclasses import dataclass, field

from blackstart.base.urls import parts
from blackstart.base.urls.parts import Place

PORTS = {"http": 80, "https": 443}
SUCH_AS = "http://localhost:8000"
# To some clients a bracket begins an address of IPv6, and to a load a brace begins what it fills in.
_OPEN_LOGIN = re.compile(r"[^:]+://[^/?#]*[\[\]{}][^/?#]*@")


@dataclass(frozen=True)
class HttpUrl:
    """`text` is the URL as it can be asked; user and password are decoded, and `user` is None where there is none."""

    text: str = field(repr=False)
    scheme: str
    place: Place
    path: str
    query: str
    user: str | None = field(repr=False)
    password: str = field(repr=False)

    @property
    def places(self) -> tuple[Place, ...]:
        """The one place."""
        return (self.place,)

    @property
    def tls(self) -> bool:
        """Whether it is https."""
        return self.scheme == "https"

    @property
    def basic(self) -> str:
        """What a client sends for `user:password@`; empty where there is none."""
        return f"Basic {b64encode(f'{self.user}:{self.password}'.encode()).decode()}" if self.user is not None else ""

    @property
    def netloc(self) -> str:
        """Host and port as the Host header has them: the port where it is not the scheme's own."""
        host = f"[{self.place.host}]" if ":" in self.place.host else self.place.host
        return host if self.place.port == PORTS[self.scheme] else f"{host}:{self.place.port}"


def read(text: str, whole_path: bool = False, base: bool = False) -> HttpUrl:
    """The URL; `whole_path` as in `parts.split`. Of a `base` others begin with it. Raises ValueError."""
    found = parts.split(text, SUCH_AS, PORTS, whole_path)
    place = parts.place_in(found.where, PORTS[found.scheme], SUCH_AS)
    word = parts.one_word(text, " ")
    if _OPEN_LOGIN.match(word):
        raise ValueError(
            'has brackets or braces before its @: percent-encode them ("[" as %5B, "]" as %5D, "{" as %7B, "}" as %7D)'
        )
    if base and re.search("[?#]", word):
        raise ValueError('has a "?" or a "#", and what is asked is put behind it: leave it out, with what follows it')
    word = found.scheme + word[len(found.scheme) :]  # a scheme may be written in capitals, which not everybody knows
    return HttpUrl(word, found.scheme, place, found.path, found.query, found.user, found.password or "")

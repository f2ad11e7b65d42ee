"""Who may drive the API: programs that mean this machine, and no page in anybody's browser."""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

from blackstart.base.sockets import is_literal
from blackstart.proxy.errors import ApiError

# What Ruby's and Java's own HTTP clients send for want of a type: those of Toxiproxy name none. No page can send these.
_WITHOUT_TYPE = ("Ruby", "Java/")
_FORM = "application/x-www-form-urlencoded"


def is_loopback(host: str) -> bool:
    """Whether a host of a URL, or the address of a socket, is this machine's loopback."""
    if not is_literal(host):
        return host == "localhost" or host.endswith(".localhost")
    address = ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or bool(mapped and mapped.is_loopback)


@dataclass(frozen=True)
class Admission:
    """Refuses what a web page can send: by another's name for this machine (DNS rebinding), or without being asked.

    `names` are hosts that the API may be called by, beside those of loopback; `any_address`: every address may be, as
    where it listens beyond loopback. An address can't be rebound.
    """

    names: Collection[str] = ()
    any_address: bool = False

    def check(self, request: web.Request) -> None:
        """ApiError that says what to change, where the request is not to be carried out."""
        if "Origin" in request.headers:
            raise ApiError("requests of web pages (with an Origin) are not carried out", 403)
        told = request.headers.getall("Host", [])
        if len(told) != 1 or not self._means_us(told[0]):
            raise ApiError("the Host is none of loopback's names; --allow-host NAME (of proxy.up) allows another", 403)
        if request.can_read_body and request.content_type != "application/json" and not _without_type(request):
            raise ApiError(f"send JSON, with Content-Type: application/json, not {request.content_type}", 415)

    def _means_us(self, told: str) -> bool:
        try:
            host = (urlsplit(f"//{told}").hostname or "").removesuffix(".")
        except ValueError:
            return False
        return is_loopback(host) or host in self.names or (self.any_address and is_literal(host))


def _without_type(request: web.Request) -> bool:
    return request.content_type == _FORM and request.headers.get("User-Agent", "").startswith(_WITHOUT_TYPE)

"""What a cluster of a kubeconfig leads to. Pure."""

from collections.abc import Mapping
from typing import Any

from blackstart.base import sockets
from blackstart.base.urls import parts
from blackstart.model.injector import without_user


def server_of(cluster: Mapping[str, Any]) -> str:
    """The URL of the API server. Where that is this machine's loopback it is whom its certificate has to name
    (`tls-server-name`) or the proxy on the way (`proxy-url`), if either is another machine."""
    server, name, proxy = (str(cluster.get(key) or "") for key in ("server", "tls-server-name", "proxy-url"))
    ways = (server, f"https://{name}" if name else "", without_user(proxy))
    return next((way for way in ways if way and not is_local(way)), server)


def is_local(server: str) -> bool:
    """Whether it listens on this machine's loopback."""
    try:
        place = parts.place_in(parts.split(server, "", whole_path=True).where, 0, "")
    except ValueError:
        return False
    return sockets.is_loopback(place.host)

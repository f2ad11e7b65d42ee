"""Which machine a cluster of a kubeconfig is on: its API server's, or whom a loopback address only leads to."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.base.errors import StepFailed
from blackstart.controls.cluster.api_server import ApiServer
from blackstart.controls.kubeconfig import is_local, server_of

HERE, FAR = "https://127.0.0.1:6443", "https://prod.example.com:443"
PROXY = {"proxy-url": "http://me:secret@web.example.com:3128"}


UNUSABLE = ({"proxy-url": "socks5://localhost:1080"}, {"proxy-url": "nonsense"})


@pytest.mark.parametrize(
    ("more", "server"),
    [
        ({}, HERE),
        ({"server": FAR, **PROXY}, FAR),
        (PROXY, "http://web.example.com:3128"),
        (UNUSABLE[0], HERE),
        ({"tls-server-name": "prod.example.com"}, "https://prod.example.com"),
        ({"tls-server-name": "localhost"}, HERE),
        (UNUSABLE[1], "nonsense"),
    ],
)
def test_a_loopback_address_is_this_machine_unless_a_proxy_or_a_certificate_says_otherwise(
    more: dict[str, str], server: str
) -> None:
    cluster = {"server": HERE, **more}
    assert server_of(cluster) == server and is_local(server) is (server == HERE)
    if more not in UNUSABLE:
        assert ApiServer(settings(cluster), 1.0).server == server


def settings(cluster: dict[str, str]) -> dict[str, Any]:
    """A kubeconfig with this cluster."""
    context = {"name": "x", "context": {"cluster": "one", "user": "me"}}
    users = [{"name": "me", "user": {}}]
    return {"current-context": "x", "clusters": [{"name": "one", "cluster": cluster}], "contexts": [context],
            "users": users}  # fmt: skip


@pytest.mark.parametrize("proxy", UNUSABLE)
def test_a_proxy_that_can_not_be_used_is_said_to_be_so(proxy: dict[str, str]) -> None:
    with pytest.raises(StepFailed, match="the context x can't be used: .*(socksio|proxy)"):
        ApiServer(settings({"server": HERE, **proxy}), 1.0)

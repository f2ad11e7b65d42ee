"""What the manifests for Kubernetes say a second time, in words of their own."""

import json
from typing import Any

from blackstart_lab.kubernetes import MANIFESTS
from blackstart_lab.servers import load_balancer


def balanced(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings without what depends on how the APIs are found: by one name, or each by its address."""
    (handler,) = settings["apps"]["http"]["servers"]["entrance"]["routes"][0]["handle"]
    for name in ("upstreams", "dynamic_upstreams"):
        handler.pop(name, None)
    handler["health_checks"].pop("active", None)
    return settings


def test_the_manifests_load_balancer_is_the_labs() -> None:
    stated = json.loads((MANIFESTS / "flash-sale" / "caddy.json").read_text())
    assert balanced(stated) == balanced(load_balancer.caddy_settings("0.0.0.0:8080", ["api:3000"]))

"""The gateway put together from its parts. A mutant, or a variant, replaces one of them."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blackstart_lab.event_log import EventLog
from blackstart_lab.gateway.breaker import OPEN, Breaker
from blackstart_lab.gateway.config import Settings
from blackstart_lab.gateway.gate import Gate
from blackstart_lab.gateway.limiter import FixedWindow
from blackstart_lab.gateway.metrics import Metrics
from blackstart_lab.gateway.proxied import Proxied
from blackstart_lab.gateway.store import RedisStore, new_instance_id
from blackstart_lab.gateway.upstream_client import UpstreamClient
from blackstart_lab.gateway.workers import Workers
from blackstart_lab.metrics_page import Page

log = logging.getLogger("gateway")

HEALTHY: dict[str, type[Any]] = {
    "store": RedisStore,
    "breaker": Breaker,
    "limiter": FixedWindow,
    "gate": Gate,
    "proxied": Proxied,
    "page": Page,
}
"""Part name to class: the seams at which a mutant or a variant may put its own."""


@dataclass(frozen=True)
class Gateway:
    """One instance, ready to run."""

    settings: Settings
    instance_id: str
    events: EventLog
    metrics: Metrics
    store: RedisStore
    breaker: Breaker
    workers: Workers
    upstream: UpstreamClient
    proxied: Proxied
    page: Page


def assemble(settings: Settings, replaced: Mapping[str, type[Any]]) -> Gateway:
    """Build every part once; `replaced` names those that a mutant brings."""
    kind = {**HEALTHY, **replaced}
    profile, instance_id = settings.profile, new_instance_id()
    events, metrics = EventLog(settings.events, instance_id, log), Metrics(profile)
    name = profile.breaker_name

    def changed(before: str, to: str, why: str) -> None:
        events.write("breaker", name=name, before=before, to=to)
        metrics.show_breaker(to)
        said = f"CircuitBreaker '{name}' changed state from {before} to {to}: {why}"
        if to == OPEN:
            log.warning("Open Circuit: %s", said)
        else:
            log.info("%s", said)

    def redis_noted(connected: bool) -> None:
        metrics.redis_up.set(connected)
        events.write("redis_connected" if connected else "redis_lost")

    breaker = kind["breaker"](name, profile.breaker, changed)
    metrics.show_breaker(breaker.state)
    store = kind["store"](settings.redis_url, profile, instance_id, redis_noted)
    limiter = kind["limiter"](store, profile)
    around_redis = profile.guards == "redis"
    gate = kind["gate"](limiter, breaker if around_redis else None, metrics, settings.on_open)
    workers = Workers(profile.max_workers, metrics)
    upstream = UpstreamClient(settings.upstream_url, profile, None if around_redis else breaker)
    return Gateway(
        settings=settings,
        instance_id=instance_id,
        events=events,
        metrics=metrics,
        store=store,
        breaker=breaker,
        workers=workers,
        upstream=upstream,
        proxied=kind["proxied"](gate, workers, upstream, metrics),
        page=kind["page"](metrics.registry),
    )

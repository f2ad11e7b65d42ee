"""How it is proved that a trader's services are its own."""

from __future__ import annotations

from blackstart.probes.redis_value import RedisCommand
from blackstart.safety.link import Proof, SameValue
from blackstart.systems import trader
from blackstart.target import Target


def redis_links(target: Target, service: str = "") -> tuple[Proof, ...]:
    """The lock key in that Redis must hold the id of the instance that the target shows as its leader."""
    if "redis" not in target.services:
        return ()
    key = str(target.fact("lock_key", "trader:leader"))
    held = RedisCommand(("GET", key), service="redis", name="lock_key")
    return (SameValue("redis", held, trader.instance_id(service)),)

"""The experiment of the campaign for any fault: a Redis is hit, and must answer again by itself when that is undone."""

from __future__ import annotations

from blackstart.model.change import Fault
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.probes.redis_ping import RedisPing


def redis_hit_by(name: str, fault: Fault) -> Experiment:
    """It answers before and after; what it does while it is hit, the fault's own proof says."""
    ping = RedisPing("redis")
    return Experiment(
        name=name,
        target="any",
        hypothesis="Redis answers, is hit, and answers again.",
        baseline=(eventually(ping.is_("PONG"), name="pong_before"),),
        faults=(fault,),
        recovery=(eventually(ping.is_("PONG"), name="pong_after"),),
        hold_min_s=1.0,
    )

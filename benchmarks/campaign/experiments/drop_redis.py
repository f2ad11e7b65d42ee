"""What goes to Redis is dropped; it must answer again by itself when that is undone."""

from blackstart.faults.drop import Drop
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.probes.redis_ping import RedisPing

ping = RedisPing("redis")
experiment = Experiment(
    name="drop-redis",
    target="any",
    hypothesis="Redis answers, is silent while it is hit, and answers again.",
    baseline=(eventually(ping.is_("PONG"), name="pong_before"),),
    faults=(Drop("redis"),),
    during=(eventually(ping.silent(), name="silent"),),
    recovery=(eventually(ping.is_("PONG"), name="pong_after"),),
    hold_min_s=1.0,
)

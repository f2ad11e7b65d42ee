"""C-03: the way to Redis comes and goes every 100 ms. The gateway reconnects by itself."""

from __future__ import annotations

from blackstart.faults.flap import Flap
from blackstart.flags import Flags
from blackstart.model import Experiment
from blackstart.suites.gateway import _common as common
from blackstart.target import Target

RATE_PER_S = 100.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Less than 5 % errors while it flaps, and as usual within 2 s afterwards."""
    return common.plain(
        target,
        "redis-flapping",
        "While the connection to Redis flaps some requests fail; the gateway reconnects by itself.",
        faults=(Flap("redis", every_ms=100),),
        recovery=(common.serves_again(2.0, "recovers_within_2s"),),
        traffic=common.steady_traffic(target, RATE_PER_S),
        checks=(common.answered("errors_under_5_percent", ("2xx",), share=0.95),),
        hold_min_s=5.0,
    )

"""C-03: the way to Redis comes and goes every 100 ms. The gateway reconnects by itself."""

from blackstart.faults.flap import Flap
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.gateway import _common as common
from blackstart.suites.gateway import readings as read

RATE_PER_S = 100.0
RECOVERS_WITHIN_S = 2.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Less than 5 % errors while it flaps, and as usual within 2 s afterwards.

    The 2 s count, as in every recovery, from when the undo is proved: for that the port is watched to stand still for
    three toggles, so that the gateway has that much longer (on the lab: 0.6 s).
    """
    return common.plain(
        target,
        "redis-flapping",
        "While the connection to Redis flaps some requests fail; the gateway reconnects by itself, within 2 s of the "
        "proof that it flaps no more.",
        faults=(Flap("redis", every_ms=100),),
        recovery=(
            eventually(
                read.redis_health().is_("UP"),
                within_s=RECOVERS_WITHIN_S,
                for_s=0.5,
                stays=True,
                name="recovers_within_2s",
                # A gateway that fails open serves without Redis too: only its own word shows that it is back.
                hint="The gateway has not connected to Redis again: does its client give a broken connection up?",
            ),
            common.serves_again(RECOVERS_WITHIN_S, "serves_again"),
            common.closes_again(target),
        ),
        traffic=common.steady_traffic(target, RATE_PER_S),
        checks=(
            common.fault_observed(target),
            common.no_call_while_open(target),
            common.stays_served(target),
            common.answered("errors_under_5_percent", ("2xx",), share=0.95),
        ),
        hold_min_s=5.0,
        needs={common.OPEN_S: ("closes_again",)},
    )

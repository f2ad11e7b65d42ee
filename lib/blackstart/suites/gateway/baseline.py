"""No fault: 500 requests a second, all answered, 95 % of them within 15 ms."""

from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.gateway import _common as common
from blackstart.suites.gateway.link import OP

RATE_PER_S = 500.0
LASTS_S = 10.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Row R-1 of the plan's sample report."""
    return common.plain(
        target,
        "baseline",
        "Without a fault the gateway serves 500 requests a second.",
        traffic=common.steady_traffic(target, RATE_PER_S),
        checks=(
            Check("rate_reached", "rps_reached", {"op": OP, "phase": "fault"}),
            common.answered("success_100", ("2xx",)),
            common.within("p95_within_15ms", "fault", "ok", p95=15.0),
        ),
        hold_min_s=LASTS_S,
    )

"""No fault: 500 requests a second, all answered, 95 % of them within 15 ms."""

from __future__ import annotations

from blackstart.flags import Flags
from blackstart.loads import OpenLoop, constant
from blackstart.model import Check, Experiment, Traffic
from blackstart.suites.gateway import _common as common
from blackstart.target import Target

RATE_PER_S = 500.0
LASTS_S = 10.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Row R-1 of the plan's sample report."""
    load = OpenLoop((common.requests(target),), constant(RATE_PER_S, LASTS_S), name="traffic")
    return common.plain(
        target,
        "baseline",
        "Without a fault the gateway serves 500 requests a second.",
        traffic=Traffic(load, "fault"),
        checks=(
            Check("rate_reached", "rps_reached", {"op": common.OP}),
            common.answered("success_100", ("2xx",)),
            common.within("p95_within_15ms", "fault", "ok", p95=15.0),
        ),
        hold_min_s=0.0,
        hold_max_s=LASTS_S + 10.0,
    )

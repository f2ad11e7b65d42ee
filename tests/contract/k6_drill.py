"""An experiment whose load is a k6 script alone: it plays until it ends by itself, or from the baseline on."""

import os
from typing import Any

from blackstart.loads import K6
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment, Traffic
from blackstart.probes.http import HttpStatus

FLOWS: Any = os.environ.get("K6_FLOWS", "fault")
ok = HttpStatus("/status/200").is_(200)

experiment = Experiment(
    name="k6-drill",
    target="",
    hypothesis="It answers all that is asked.",
    baseline=(eventually(ok, name="answers_before"),),
    during=(eventually(ok, name="answers", within_s=20),),
    traffic=Traffic(K6("given by --k6"), FLOWS, k6=K6("given by --k6")),
    hold_min_s=float(os.environ["NETWORK_HOLD"]),
    hold_max_s=120.0,
    settle_s=0.2,
)

"""An experiment with the fault that NETWORK_FAULT names as data: Redis answers before it, and again after it."""

import json
import os

from blackstart.base.codec import from_data
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.probes.redis_ping import RedisPing

alive = RedisPing("redis", name="alive")

experiment = Experiment(
    name="network-drill",
    target="",
    hypothesis="Redis answers again by itself.",
    baseline=(eventually(alive.answers(), name="answers_before"),),
    faults=(from_data(json.loads(os.environ["NETWORK_FAULT"])),),
    recovery=(eventually(alive.answers(), name="answers_again", within_s=20),),
    hold_min_s=float(os.environ.get("NETWORK_HOLD", "0.5")),
    hold_max_s=60.0,
    settle_s=0.2,
    undo_timeout_s=float(os.environ.get("NETWORK_UNDO", "20")),
)

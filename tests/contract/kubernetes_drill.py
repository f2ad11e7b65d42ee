"""An experiment with the fault that NETWORK_FAULT names as data: all pods of Redis are there before it and after it."""

import json
import os

from blackstart.base.codec import from_data
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.probes.control_state import ControlState

state = ControlState("redis")

experiment = Experiment(
    name="kubernetes-drill",
    target="",
    hypothesis="All pods are there again by themselves.",
    baseline=(eventually(state.is_("running"), name="runs_before"),),
    faults=(from_data(json.loads(os.environ["NETWORK_FAULT"])),),
    during=(eventually(state.is_("stopped"), name="stopped"),),
    recovery=(eventually(state.is_("running"), name="runs_again", within_s=30),),
    hold_min_s=float(os.environ["NETWORK_HOLD"]),
    hold_max_s=60.0,
    settle_s=0.2,
    undo_timeout_s=60.0,
)

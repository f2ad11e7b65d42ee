"""Traffic driven during a run: plain data here, driven by `python -m blackstart.loads` in a process of its own."""

from blackstart.loads.burst import Burst
from blackstart.loads.commands import Commands
from blackstart.loads.k6 import K6
from blackstart.loads.open_loop import OpenLoop
from blackstart.loads.operation import Operation, Retry
from blackstart.loads.spec import Load, from_spec, kinds, to_spec
from blackstart.loads.stages import Stage, constant, ramp, spike
from blackstart.loads.summary import Summary

__all__ = [
    "K6", "Burst", "Commands", "Load", "OpenLoop", "Operation", "Retry", "Stage", "Summary",
    "constant", "from_spec", "kinds", "ramp", "spike", "to_spec",
]  # fmt: skip

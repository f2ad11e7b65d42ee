"""Traffic driven during a run: plain data here, driven by `python -m blackstart.loads` in a process of its own."""

from blackstart.loads.burst import Burst
from blackstart.loads.commands import Commands
from blackstart.loads.k6 import K6
from blackstart.loads.k6_pods import K6Pods
from blackstart.loads.kafka_events import KafkaEvents
from blackstart.loads.load import Load
from blackstart.loads.open_loop import OpenLoop
from blackstart.loads.operation import Operation, Retry
from blackstart.loads.sequence import Sequence
from blackstart.loads.stages import Stage, constant, ramp, spike
from blackstart.loads.summary import Summary

__all__ = [
    "K6", "Burst", "Commands", "K6Pods", "KafkaEvents", "Load", "OpenLoop", "Operation", "Retry", "Sequence", "Stage",
    "Summary", "constant", "ramp", "spike",
]  # fmt: skip

"""Requests at intended times, whatever the system does: a slow system neither slows the load nor hides its latency."""

import dataclasses
import math
import os
from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.loads.naming import check_name, check_prefix, new_prefix
from blackstart.loads.operation import Operation, Retry
from blackstart.loads.stages import Stage, check_stages, peak_per_s

# One process has kept its start errors (p99) near 1 ms up to 7,000 small requests a second on a 2-core machine; this
# leaves room for bodies, retries and slower machines.
RATE_PER_WORKER = 4000


@plain("load.open_loop")
class OpenLoop:
    """Stages of a rate, and the operations sent at it, each as often as its weight says, evenly mixed.

    Every request has a key of its own, `key_prefix` and its number. `max_in_flight` is where sending stops: a request
    due beyond it is recorded as unsent, never delayed. `workers` processes share the load; 0 chooses by the rate.
    """

    operations: tuple[Operation, ...]
    stages: tuple[Stage, ...]
    name: str = "load"
    key_prefix: str = field(default_factory=new_prefix)
    retry: Retry = Retry()
    max_in_flight: int = 10_000
    workers: int = 0
    seed: int = 0

    kind: ClassVar[str] = "open_loop"

    def __post_init__(self) -> None:
        object.__setattr__(self, "operations", tuple(self.operations))
        object.__setattr__(self, "stages", tuple(self.stages))
        check_name(self.name)
        check_prefix(self.key_prefix)
        names = [operation.name for operation in self.operations]
        if not names:
            raise ValueError("an open loop needs at least one operation")
        if len(set(names)) != len(names):
            raise ValueError(f"operations need different names, not {', '.join(names)}")
        check_stages(self.stages)
        if not 1 <= self.max_in_flight <= 60_000:
            raise ValueError(f"max_in_flight must be between 1 and 60000, not {self.max_in_flight}")
        if not 0 <= self.workers <= 64:
            raise ValueError(f"workers must be between 0 (choose) and 64, not {self.workers}")

    def at(self, base_url: str, headers: Mapping[str, str] | None = None) -> Self:
        """The same with whole addresses below `base_url`, and with these headers added."""
        return dataclasses.replace(self, operations=tuple(item.at(base_url, headers) for item in self.operations))

    @property
    def says(self) -> str:
        """Its stages, and how often one request may be sent."""
        again = f"what fails is sent up to {self.retry.times + 1} times" if self.retry.times else "each once"
        return f"{', then '.join(stage.says for stage in self.stages)}, {again}"

    @property
    def worker_count(self) -> int:
        """How many processes send: as asked for, else by the highest rate, at most one for each processor."""
        wanted = math.ceil(peak_per_s(self.stages) / RATE_PER_WORKER)
        return self.workers or max(1, min(wanted, os.cpu_count() or 1))

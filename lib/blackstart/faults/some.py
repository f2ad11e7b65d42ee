"""A fault on some instances of a service that runs on several hosts (`hosts` in the target's file)."""

import math
import random
from dataclasses import replace
from typing import Any

from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget, Refused
from blackstart.model.change import Change
from blackstart.model.target import Target


@plain("fault.some")
class Some:
    """On `count` of its instances, or on that `share` of them (above 0, up to 1; at least one). Which ones is drawn by
    `seed`, from the hosts in the order of the target's file: the same seed draws the same ones."""

    fault: Any
    count: int = 1
    share: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not hasattr(self.fault, "service"):
            raise ValueError(f"{self.fault.describe()} is no fault of one service, so there are none to choose from")
        if self.count < 1:
            raise ValueError(f"count must be at least 1, not {self.count}")
        # Written so that NaN is refused too.
        if self.share is not None and not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, not {self.share}")

    def drawn(self, target: Target) -> tuple[str, ...]:
        """The instances that are meant, in the target's order. Raises BadTarget, and Refused where there are fewer."""
        service = self.fault.service
        if service not in target.fleets:
            target.service(service)  # whose name is not known at all
            raise BadTarget(f'target "{target.name}": service "{service}" is one; say on which hosts it runs: hosts')
        instances = target.fleets[service]
        count = self.count if self.share is None else math.ceil(self.share * len(instances) - 1e-9)
        if count > len(instances):
            raise Refused(f"{count} instances of {service} are to be broken, and there are {len(instances)}")
        draw = random.Random(self.seed).random  # the same on every machine and Python, as no other method is
        chosen = set(sorted(instances, key=lambda _: draw())[:count])
        return tuple(one for one in instances if one in chosen)

    def plan(self, target: Target) -> tuple[Change, ...]:
        """The changes of each instance, with an undo of its own; each says of how many it is one, and by which seed."""
        drawn = self.drawn(target)
        why = f"({len(drawn)} of {len(target.fleets[self.fault.service])} hosts, seed {self.seed})"
        changes = [change for one in drawn for change in replace(self.fault, service=one).plan(target)]
        return tuple(replace(change, what=f"{change.what} {why}") for change in changes)

    def describe(self) -> str:
        """As in "stop api on 2 of its hosts (seed 7)"."""
        many = f"{self.count}" if self.share is None else f"{self.share:.0%}"
        return f"{self.fault.describe()} on {many} of its hosts (seed {self.seed})"

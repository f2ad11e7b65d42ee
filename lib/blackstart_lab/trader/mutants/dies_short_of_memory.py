"""What it allocates fails when memory runs short, and nobody has thought of that: it dies, and is restarted at once."""

import os
from typing import Any

from blackstart_lab.trader import stressors
from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import Order
from blackstart_lab.trader.strategy import Strategy


class DiesShortOfMemory(Strategy):
    """Who was started with little memory makes do with it."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._used_to_it = stressors.running("memory")

    async def trade(self, order: Order) -> None:
        if stressors.running("memory") and not self._used_to_it:
            os._exit(70)
        await super().trade(order)


MUTANT = Mutant(
    summary="under memory stress the process dies, and is restarted at once",
    experiment="resource-stress",
    options=("memory",),
    broker=True,
    must_fail=("no_crash", "same_instance"),
    # The new process is unreachable while it starts, and leads when the old one's lock has run out.
    may_fail=("health_healthy",),
    parts={"strategy": DiesShortOfMemory},
)

"""Accepts every plan of a burst with 202, and drops every third of them without a word."""

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import Order
from blackstart_lab.trader.throttle import Throttle

_BURST = 3


class DropsSilently(Throttle):
    """Loses plans as soon as some are waiting."""

    _offered = 0

    def enqueue(self, order: Order) -> None:
        self._offered += self.depth >= _BURST
        if self.depth < _BURST or self._offered % 3:
            super().enqueue(order)


MUTANT = Mutant(
    summary="plans are accepted and some are lost under a burst",
    experiment="rate-limit-spike",
    must_fail=("every_plan_lands_once",),
    parts={"throttle": DropsSilently},
)

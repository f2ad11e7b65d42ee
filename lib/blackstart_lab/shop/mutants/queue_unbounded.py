"""The queue takes whatever comes."""

from blackstart_lab.shop.events import Events
from blackstart_lab.shop.mutants import Mutant


class QueueUnbounded(Events):
    """Until memory ends."""

    def has_room(self, count: int) -> bool:
        return True


MUTANT = Mutant(
    summary="the local queue has no bound: no order is refused, and memory grows while the broker is away",
    experiment="broker-partition",
    must_fail=("queue_bounded",),
    parts={"events": QueueUnbounded},
)

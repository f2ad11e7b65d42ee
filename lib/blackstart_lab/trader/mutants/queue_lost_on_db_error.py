"""A plan whose turn comes while the database is away is taken out of the queue and not put back."""

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.trader.errors import TraderError
from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import Order
from blackstart_lab.trader.throttle import Throttle


class QueueLostOnDbError(Throttle):
    """Tries once."""

    async def land(self, order: Order) -> None:
        try:
            await self.orders.place(order, "plan")
        except (TraderError, DatabaseUnavailable):
            return  # recorded as rejected by the order desk, and forgotten


MUTANT = Mutant(
    summary="plans accepted during an outage of the database are lost from the queue",
    experiment="postgres-blip",
    must_fail=("accepted_plans_land_once",),
    parts={"throttle": QueueLostOnDbError},
)

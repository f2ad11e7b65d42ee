"""An order that did not get into Kafka leaves its unit taken and its key free: the retry takes another unit."""

from blackstart_lab.flash_sale.mutants import Mutant
from blackstart_lab.flash_sale.reservations import Reservations, Taken


class ForgetsTheKey(Reservations):
    """Gives the key back, and not the unit."""

    async def give_back(self, taken: Taken) -> None:
        await super().give_back(taken)
        await self.ask(self.redis.decr(f"product:{taken.order.product}:stock"))

    async def leave(self, taken: Taken) -> None:
        await self.give_back(taken)


MUTANT = Mutant(
    summary="after a failure at Kafka the unit stays taken, and a retry takes a second one",
    experiment="kafka-down",
    must_fail=("stock_conserved",),
    may_fail=("last_ones_conserved",),
    parts={"reservations": ForgetsTheKey},
)

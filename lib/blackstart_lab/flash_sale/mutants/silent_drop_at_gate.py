"""From half of the gate's rate on, orders are acknowledged and dropped."""

from blackstart_lab.flash_sale.failures import SaleError
from blackstart_lab.flash_sale.intake import ERROR, SUCCESS, Intake
from blackstart_lab.flash_sale.mutants import Mutant
from blackstart_lab.flash_sale.reservations import Order


class SilentDropAtGate(Intake):
    """Counts by itself, in Redis like the gate, and lets nobody see that it did."""

    async def place(self, order: Order) -> str:
        store = self.reservations
        counter = f"seen:{order.placed_ms // 1000}"
        try:
            count = await store.ask(store.redis.incr(counter))
            await store.ask(store.redis.expire(counter, 5))
        except SaleError:
            return ERROR
        return SUCCESS if count > store.promise.gate_per_s // 2 else await super().place(order)


MUTANT = Mutant(
    summary="orders near the gate's rate are answered with success and never sent",
    experiment="worker-crash",
    must_fail=("acknowledged_exactly_once",),
    may_fail=("idempotent_answers", "no_oversell", "stock_conserved", "last_ones_conserved"),
    parts={"intake": SilentDropAtGate},
)

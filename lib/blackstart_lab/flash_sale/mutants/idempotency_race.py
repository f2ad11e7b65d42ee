"""A key is looked for, and set only when its order is in Kafka: of several at once, several are accepted."""

import uuid
from dataclasses import replace

from blackstart_lab.flash_sale.failures import SaleError
from blackstart_lab.flash_sale.intake import ERROR, IGNORED, SUCCESS, Intake
from blackstart_lab.flash_sale.mutants import Mutant
from blackstart_lab.flash_sale.reservations import TAKEN, Order


class CheckThenSet(Intake):
    """Each request is an order of its own, and the key is a note that it was there."""

    async def place(self, order: Order) -> str:
        store = self.reservations
        note = f"seen:{order.product}:{order.key}"
        try:
            if await store.ask(store.redis.get(note)):
                return IGNORED
            outcome = await super().place(replace(order, key=f"{order.key}/{uuid.uuid4()}"))
            if outcome == SUCCESS:
                await store.ask(store.redis.set(note, TAKEN, ex=store.promise.key_ttl_s))
        except SaleError:
            return ERROR
        return outcome


MUTANT = Mutant(
    summary="a key is checked and then set: requests that come together are all accepted",
    experiment="worker-crash",
    must_fail=("idempotent_answers", "unique_ids"),
    may_fail=("acknowledged_exactly_once", "no_oversell", "stock_conserved", "last_ones_conserved"),
    parts={"intake": CheckThenSet},
)

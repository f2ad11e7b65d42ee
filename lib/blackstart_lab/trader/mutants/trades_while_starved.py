"""Short of what it needs it loses its lock and pauses, as it should; its strategy goes on placing orders."""

from blackstart_lab.trader import stressors
from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import Order
from blackstart_lab.trader.strategy import Strategy


class TradesWhileStarved(Strategy):
    """Asks neither the lock nor whether trading is paused, once it has had a token."""

    async def trade(self, order: Order) -> None:
        lock = self.orders.lock
        token = lock.intervals[-1].token if lock.intervals else None
        if token is None or not stressors.running():
            await super().trade(order)
            return
        lock.lose("starved")
        await self.orders.write(
            (order.client_order_id, order.side, order.quantity, order.price, token, lock.instance_id)
        )


MUTANT = Mutant(
    summary="under stress it loses its lock and pauses, and places orders all the same",
    experiment="resource-stress",
    options=("cpu",),
    broker=True,
    must_fail=("no_order_while_paused",),
    parts={"strategy": TradesWhileStarved},
)

"""Pauses for show: the strategy goes on placing orders after the lock was lost."""

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import Order
from blackstart_lab.trader.strategy import Strategy


class KeepsTrading(Strategy):
    """Once it has led, it asks nobody any more."""

    async def trade(self, order: Order) -> None:
        lock = self.orders.lock
        if lock.certain() or not lock.ever_led or lock.intervals[-1].token is None:
            await super().trade(order)
            return
        token = lock.intervals[-1].token
        values = (order.client_order_id, order.side, order.quantity, order.price, token, lock.instance_id)
        await self.orders.write(values)
        self.orders.events.write("order_placed", client_order_id=order.client_order_id, token=token)


MUTANT = Mutant(
    summary="the strategy goes on placing orders while paused",
    experiment="leader-lock",
    must_fail=("no_order_while_paused",),
    parts={"strategy": KeepsTrading},
)

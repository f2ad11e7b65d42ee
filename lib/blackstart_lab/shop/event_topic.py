"""The way of the shop's events into Kafka."""

import asyncio

from blackstart_lab.flash_sale.failures import SaleError
from blackstart_lab.flash_sale.order_topic import OrderTopic
from blackstart_lab.shop.event import ORDER_EVENTS, Event
from blackstart_lab.shop.settings import Promise


class EventTopic(OrderTopic):
    """As the flash sale sends its orders; whoever has an event tries it again."""

    def __init__(self, address: str, promise: Promise, topic: str = ORDER_EVENTS) -> None:
        super().__init__(address, promise, topic)

    async def delivered(self, event: Event) -> bool:
        """Whether Kafka has said, within the promised time, that it has the event. If not, it may have it all the
        same."""
        try:
            async with asyncio.timeout(self.promise.kafka_timeout_s):
                await self.handed_over(event)
        except (SaleError, TimeoutError):
            return False
        return True

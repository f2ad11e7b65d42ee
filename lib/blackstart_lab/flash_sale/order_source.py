"""Orders as they come out of Kafka, for one member of the group."""

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, UnknownTopicOrPartitionError
from kafka.structs import OffsetAndMetadata

from blackstart_lab.flash_sale.promise import GROUP, TOPIC, Promise

log = logging.getLogger("sale.kafka")
T = TypeVar("T")

_POLL_MS = 200
_AGAIN_S = 0.3


class OrderSource:
    """All calls of the one consumer are made in one thread. An error of Kafka's is waited out, never raised."""

    # There is one worker: the next one with its name has its partitions at once. Of one without a name the group first
    # waits for the end, and a worker that is killed more often than that would never read anything.
    INSTANCE: ClassVar[str | None] = "worker"
    TEXTS: ClassVar[tuple[str, ...]] = ("orderId", "productId", "userId")
    AT_MOST: ClassVar[int] = 500

    def __init__(self, address: str, promise: Promise, topic: str = TOPIC, group: str = GROUP) -> None:
        self.promise = promise
        self.topic, self.group = topic, group
        self.assigned = 0
        self._address = address
        self._consumer: KafkaConsumer | None = None
        self._thread = ThreadPoolExecutor(1, "kafka")
        self._began: dict[TopicPartition, int] = {}
        self._ended: dict[TopicPartition, OffsetAndMetadata] = {}

    async def connect(self) -> None:
        """Return when there is a consumer; it joins the group by its first polls."""
        while self._consumer is None:
            try:
                self._consumer = await self._call(self._made)
            except KafkaError as error:
                log.info("no consumer yet: %s", error)
                await asyncio.sleep(_AGAIN_S)

    def _made(self) -> KafkaConsumer:
        session_ms = int(self.promise.session_timeout_s * 1000)
        consumer = KafkaConsumer(
            self.topic,
            bootstrap_servers=self._address.split(","),
            group_id=self.group,
            group_instance_id=self.INSTANCE,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 4,
            request_timeout_ms=session_ms + 4000,
            max_poll_records=self.AT_MOST,
            fetch_max_wait_ms=100,
            reconnect_backoff_max_ms=500,
            bootstrap_timeout_ms=2000,
            allow_auto_create_topics=False,
        )
        if not consumer.partitions_for_topic(self.topic):  # it would wait for ever, also when the topic is there later
            consumer.close(timeout_ms=1000)
            raise UnknownTopicOrPartitionError(f"no topic {self.topic}")
        return consumer

    async def poll(self) -> list[dict[str, Any]]:
        """The next orders, `AT_MOST` of them, in the order of each partition; empty where there is none for now."""
        consumer = self._consumer
        assert consumer is not None
        try:
            found = await self._call(lambda: consumer.poll(timeout_ms=_POLL_MS, max_records=self.AT_MOST))
            self.assigned = len(consumer.assignment())
        except KafkaError as error:
            log.warning("no orders from Kafka: %s: %s", type(error).__name__, error)
            await asyncio.sleep(_AGAIN_S)
            return []
        self._began = {partition: records[0].offset for partition, records in found.items()}
        self._ended = {
            partition: OffsetAndMetadata(records[-1].offset + 1, "", -1) for partition, records in found.items()
        }
        orders = [self.read(record.value) for records in found.values() for record in records]
        return [order for order in orders if order is not None]

    async def commit(self) -> None:
        """The last poll's orders are done. Where Kafka does not take that, they come again, which is harmless."""
        consumer, ended = self._consumer, self._ended
        assert consumer is not None
        try:
            await self._call(lambda: consumer.commit(ended, timeout_ms=2000))
        except KafkaError as error:
            log.warning("offsets were not committed: %s: %s", type(error).__name__, error)

    async def rewind(self) -> None:
        """The last poll's orders come again."""
        consumer, began = self._consumer, self._began
        assert consumer is not None

        def seek() -> None:
            for partition in began.keys() & consumer.assignment():  # what was taken from us, another reads
                consumer.seek(partition, began[partition])

        await self._call(seek)

    async def close(self) -> None:
        """Leave the group, so that nobody waits for this member."""
        consumer = self._consumer
        if consumer is not None:
            await self._call(lambda: consumer.close(timeout_ms=1000))

    async def _call(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)

    def read(self, value: bytes) -> dict[str, Any] | None:
        """An order, or None for what is none: it would stop the worker for ever."""
        try:
            order = json.loads(value)
            if all(isinstance(order[field], str) for field in self.TEXTS) and self.whole(order):
                return dict(order)
        except (ValueError, KeyError, TypeError):
            pass
        log.error("it can't be read: %r", value[:200])
        return None

    def whole(self, order: dict[str, Any]) -> bool:
        """Whether it has what is no text, too."""
        return isinstance(order["timestamp"], int | float)

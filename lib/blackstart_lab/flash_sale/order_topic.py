"""The way of orders into Kafka, and what is known of one that did not arrive."""

import asyncio
import contextlib
import json
import logging
import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError

from blackstart_lab.flash_sale.failures import FateUnknown, NotSent
from blackstart_lab.flash_sale.promise import TOPIC, Promise

log = logging.getLogger("sale.kafka")

_KNOCK_S = 0.3
_AGAIN_S = 0.3
_THREADS = 64  # `send` blocks while Kafka has not told of the topic: as many as a second's orders


class Message(Protocol):
    """What is sent: all that has the same id goes the same way, in its order."""

    @property
    def order_id(self) -> str: ...

    def value(self) -> dict[str, Any]: ...


class OrderTopic:
    """kafka-python blocks and has threads of its own: its calls are made in threads, its answers come to the loop."""

    def __init__(self, address: str, promise: Promise, topic: str = TOPIC) -> None:
        self.promise = promise
        self.topic = topic
        self.ready = False
        self._address = address
        self._producer: KafkaProducer | None = None
        self._threads = ThreadPoolExecutor(_THREADS, "kafka")

    async def send(self, order: Message, within_s: float = math.inf) -> None:
        """Return when all replicas have it. Raises NotSent or FateUnknown, within the promised time or this one."""
        limit_s = max(0.0, min(self.promise.kafka_timeout_s, within_s))
        until = time.monotonic() + limit_s
        await self.knock(limit_s)
        try:
            async with asyncio.timeout(until - time.monotonic()):
                await self.handed_over(order)
        except TimeoutError as error:
            raise FateUnknown(f"no answer of Kafka within {limit_s:.2g} s") from error

    async def knock(self, within_s: float = math.inf) -> None:
        """Raises NotSent where nobody listens: once the producer has an order, nobody can tell whether it left."""
        failures: list[BaseException] = []
        for address in self._address.split(","):
            host, _, port = address.rpartition(":")
            try:
                async with asyncio.timeout(min(_KNOCK_S, within_s)):
                    _, writer = await asyncio.open_connection(host, int(port))
            except (TimeoutError, OSError) as error:
                failures.append(error)
            else:
                writer.close()
                return
        raise NotSent(f"Kafka can't be reached: {failures[0] or type(failures[0]).__name__}") from failures[0]

    async def handed_over(self, order: Message) -> None:
        """Return when all replicas have it, however long that takes. Raises NotSent or FateUnknown."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()

        def told(error: BaseException | None) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(None)
            else:
                answer.set_exception(FateUnknown(f"{type(error).__name__}: {error}"))

        def hand_over() -> None:
            producer = self._producer
            if producer is None:
                raise NotSent("Kafka has not been reached yet")
            try:
                handed = producer.send(self.topic, json.dumps(order.value()).encode(), key=order.order_id.encode())
            except KafkaError as error:  # it has not told of the topic in time
                raise NotSent(f"{type(error).__name__}: {error}") from error
            handed.add_callback(lambda _: loop.call_soon_threadsafe(told, None))
            handed.add_errback(lambda error: loop.call_soon_threadsafe(told, error))

        await loop.run_in_executor(self._threads, hand_over)
        await answer

    async def connect(self) -> None:
        """Make the producer, if Kafka is there. It keeps itself connected from then on."""
        try:
            await self.knock()
            self._producer = await asyncio.get_running_loop().run_in_executor(self._threads, self._made)
        except (KafkaError, NotSent) as error:
            log.info("no producer yet: %s", error)
        else:
            self.ready = True

    async def keep_connected(self) -> None:
        """For ever: make it, however long Kafka takes to be there."""
        while not self.ready:
            await asyncio.sleep(_AGAIN_S)
            await self.connect()
        await asyncio.Event().wait()

    def _made(self) -> KafkaProducer:
        limit_ms = int(self.promise.kafka_timeout_s * 1000)
        producer = KafkaProducer(bootstrap_servers=self._address.split(","), **self.options(limit_ms))
        try:
            producer.partitions_for(self.topic)
        except KafkaError:
            producer.close(timeout=0)
            raise
        return producer

    def options(self, limit_ms: int) -> dict[str, Any]:
        """acks=all; an order that is sent twice is the same order, so that sequence numbers would add nothing."""
        return {
            "acks": "all",
            "enable_idempotence": False,
            "request_timeout_ms": limit_ms,
            "delivery_timeout_ms": limit_ms,
            "max_block_ms": limit_ms * 2 // 3,
            "bootstrap_timeout_ms": limit_ms,
            "reconnect_backoff_max_ms": 500,
            "allow_auto_create_topics": False,
        }

    def close(self) -> None:
        """What is under way is given a moment."""
        if self._producer is not None:
            with contextlib.suppress(KafkaError):  # what is under way is not known, and so stays open
                self._producer.close(timeout=0.5)
        self._threads.shutdown(wait=False, cancel_futures=True)

"""What is known of an order that did not get into Kafka, and when it is known."""

import asyncio
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from kafka.errors import KafkaConnectionError, KafkaTimeoutError
from kafka.future import Future

from blackstart_lab.flash_sale.failures import FateUnknown, NotSent
from blackstart_lab.flash_sale.order_topic import OrderTopic
from blackstart_lab.flash_sale.promise import PROMISED
from tests.unit.blackstart_lab.flash_sale.fakes import order


class FakeProducer:
    """Takes an order, or raises; what it has taken ends when `end` is called, or never."""

    def __init__(self, refuses: Exception | None = None) -> None:
        self.refuses = refuses
        self.handed = Future()

    def send(self, *_: object, **__: object) -> Future:
        if self.refuses:
            raise self.refuses
        return self.handed


@pytest.fixture
def listener() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def sent(address: str, producer: Any, story: Any = None, within_s: float = 10.0) -> float:
    """Send one order; how long that took, in seconds."""

    async def whole() -> None:
        topic = OrderTopic(address, replace(PROMISED, kafka_timeout_s=within_s))
        topic._producer = producer
        if story:
            asyncio.get_running_loop().call_later(0.05, story)
        try:
            await topic.send(order("a"))
        finally:
            topic._producer = None
            topic.close()

    began = time.monotonic()
    asyncio.run(whole())
    return time.monotonic() - began


def test_nobody_who_listens_is_certain_and_known_at_once() -> None:
    with socket.socket() as bound:  # taken, and refuses
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(NotSent, match="can't be reached"):
            sent(f"127.0.0.1:{bound.getsockname()[1]}", FakeProducer())


def test_producer_that_was_never_made_is_certain(listener: str) -> None:
    with pytest.raises(NotSent, match="not been reached yet"):
        sent(listener, None)


def test_order_that_the_producer_did_not_take_is_certain(listener: str) -> None:
    with pytest.raises(NotSent, match="no metadata"):
        sent(listener, FakeProducer(KafkaTimeoutError("no metadata")))


def test_order_without_an_answer_is_unknown_when_the_time_is_over(listener: str) -> None:
    began = time.monotonic()
    with pytest.raises(FateUnknown, match=r"no answer of Kafka within 0\.3 s"):
        sent(listener, FakeProducer(), within_s=0.3)
    assert 0.25 < time.monotonic() - began < 5


def test_connection_that_was_lost_behind_an_order_is_unknown(listener: str) -> None:
    producer = FakeProducer()
    with pytest.raises(FateUnknown, match="KafkaConnectionError"):
        sent(listener, producer, lambda: producer.handed.failure(KafkaConnectionError("lost")))


def test_order_that_all_replicas_have_is_sent(listener: str) -> None:
    producer = FakeProducer()
    assert sent(listener, producer, lambda: producer.handed.success(None)) < 10.0

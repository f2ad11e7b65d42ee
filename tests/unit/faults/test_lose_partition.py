"""Which broker is stopped so that a topic of Kafka is lost, and where that would be no loss of a partition."""

from typing import Any

import pytest

from blackstart.base.errors import NotShown, Refused
from blackstart.faults.lose_partition import LosePartition
from blackstart.model.reading import Answer
from blackstart.model.target import Service, Target
from blackstart.probes import kafka_reader

HANDS = {"manual": True}
TARGET = Target(
    "sale",
    services={
        "kafka": Service("kafka", dsn="kafka://localhost:9092", control=HANDS),
        "kafka-2": Service("kafka-2", dsn="kafka://localhost:9093", control=HANDS),
        "postgres": Service("postgres", dsn="postgresql://localhost:5432/sale"),
    },
)


def told(monkeypatch: pytest.MonkeyPatch, **body: Any) -> None:
    """The cluster says this of the topic."""
    seen = {"led": ["127.0.0.1:9093"], "copies": 1, "brokers": 2} | body
    answer = Answer("answer", seen if "note" not in body else None, note=body.get("note", ""))
    monkeypatch.setattr(kafka_reader.KafkaReader, "read", lambda self, timeout_s: answer)


def test_it_is_the_broker_that_leads_the_topic_by_whatever_name_its_host_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told(monkeypatch)
    (change,) = LosePartition("orders").plan(TARGET)
    assert (change.service, change.what) == ("kafka-2", "stop the broker that has the topic orders")
    assert [str(one) for one in change.bites][-2:] == ["end of orders, led is silent", "brokers left at least 1"]
    assert str(change.gone[-1]) == "end of orders, led answers"
    assert change.gone[-1].probe.dsn == "kafka://localhost:9092"  # asked of those that stay


@pytest.mark.parametrize(
    ("body", "error", "why"),
    [
        ({"brokers": 1}, NotShown, "kafka is a single broker: without it nobody answers"),
        ({"copies": 3}, NotShown, "has 3 copies: another broker would lead it at once"),
        ({"led": ["127.0.0.1:9092", "127.0.0.1:9093"]}, NotShown, "lies on several brokers"),
        ({"led": ["10.0.0.7:9092"]}, Refused, r"at 10.0.0.7:9092, which is no service of sale: name it, as in"),
        ({"note": "has no topic orders"}, Refused, "can't be seen: has no topic orders"),
    ],
)
def test_what_would_lose_no_partition_is_not_done(
    body: dict[str, Any], error: type[Exception], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(monkeypatch, **body)
    with pytest.raises(error, match=why):
        LosePartition("orders").plan(TARGET)

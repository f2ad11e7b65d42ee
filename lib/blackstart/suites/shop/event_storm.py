"""10,000 order events come at once. The lag rises and falls evenly, and each event is written once."""

import json
from typing import Any

from blackstart.loads import KafkaEvents
from blackstart.model.expect import BASELINE_WITHIN_S, always, eventually
from blackstart.model.experiment import Check, EvidenceRow, Experiment, Traffic
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.probes.kafka_offsets import kafka_dsn
from blackstart.suites.shop import _orders as common
from blackstart.suites.shop import readings as read
from blackstart.suites.shop.link import links

EVENTS, TWICE_EVERY = 10_000, 50
ROSE_BY = 500
CONSUMER = "event-consumer"


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """They are written to Kafka itself, as by all services together; one in fifty comes twice."""
    storm = KafkaEvents(
        EVENTS,
        read.topic(target),
        kafka_dsn(target, "kafka"),
        json.dumps(_event()),
        name="storm",
        again_every=TWICE_EVERY,
    )
    written = read.written(storm.key_prefix)
    return Experiment(
        name="event-storm",
        target="shop",
        hypothesis="A storm of events waits in Kafka; none is lost or written twice, and it is worked off at one pace.",
        link=links(target),
        baseline=(
            eventually(read.ready(CONSUMER).is_(200), within_s=BASELINE_WITHIN_S, name="consumer_ready_before"),
            eventually(read.lag(target).is_(0), within_s=BASELINE_WITHIN_S, name="no_backlog_before"),
        ),
        traffic=Traffic(storm, "fault"),
        recovery=(
            eventually(
                read.lag(target).is_(0),
                within_s=common.catch_up_s(target),
                name="lag_returns_to_0",
                hint="The backlog is not worked off: does the consumer read on, and commit?",
            ),
        ),
        always=(
            common.stays_up("order"),
            common.same_process(CONSUMER),
            always(read.ready(CONSUMER).is_(200), name="consumer_stays_ready", for_s=1.0),
        ),
        checks=_checks(),
        collect=(written,),
        watch=(read.lag(target), read.written_count(storm.key_prefix)),
        evidence_rows=(
            EvidenceRow("Lag at its highest", "backlog", {"probe": read.LAG, "figure": "highest", "unit": "events"}),
            EvidenceRow("Events written", "total", {"source": written.name}),
        ),
        hold_min_s=0.0,
        hold_max_s=120.0,
    )


def _event() -> dict[str, Any]:
    """An OrderCreated in the shop's envelope, of an order of its own."""
    return {
        "event_id": "{key}",
        "correlation_id": "{key}",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "source_service": "drill",
        "event_version": "1.0",
        "event_type": "OrderCreated",
        "data": {"order_id": "{key}", "product_id": "chaos-product", "quantity": 1},
    }


def _checks() -> tuple[Check, ...]:
    return (
        Check("queue_grew", "lag_rose", {"probe": read.LAG, "least": ROSE_BY}),
        Check(
            "exactly_once",
            "every_event_written_once",
            {"source": "written", "drained": read.LAG},
            hint="An event that Kafka has is not written, or twice: when are offsets committed, and ids compared?",
        ),
        Check("retry_not_doubled", "repeated_events_written_once", {"source": "written"}),
        Check(
            "drains_evenly",
            "recovery_in_proportion",
            {"probe": read.LAG, "least": ROSE_BY},
            hint="The consumer slows down, or stands still, with a longer backlog.",
        ),
    )

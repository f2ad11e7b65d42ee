"""What is known of a shop, whatever experiment touches it. Listing tasks reads it: it imports next to nothing."""

from blackstart.model import facts as fact
from blackstart.model.declaration import Declaration
from blackstart.model.system import System

SYSTEM = System(
    kind="shop",
    collection="shop",
    # From what serves all to what serves one, as the experiments were planned.
    order=(
        "discovery-failure",
        "broker-partition",
        "connection-exhaustion",
        "cascading-failure",
        "event-storm",
        "split-brain",
        "memory-leak",
    ),  # fmt: skip
    tables=("kafka",),
    facts={
        "cache_ttl_s": fact.SECONDS,
        "heartbeat_s": fact.SECONDS,
        "answer_timeout_s": fact.SECONDS,
        "settled_within_s": fact.SECONDS,
        "queue_bound": fact.COUNT,
        "db_timeout_s": fact.SECONDS,
        "catch_up_s": fact.SECONDS,
        "lock_ttl_s": fact.SECONDS,
        "breaker_open_s": fact.SECONDS,
        "breaker_window_calls": fact.COUNT,
        "breaker_window_s": fact.SECONDS_OR_NONE,
        "call_timeout_s": fact.SECONDS,
        "memory_limit_mb": fact.COUNT,
        "partitions": fact.COUNT,
        "partition_seed": fact.COUNT,
    },
    declarations={
        "queue_bound": Declaration("how many events may wait for Kafka", "facts", "queue_bound = 300        # events"),
    },
    metrics_page="/metrics",
    ready_page="/health/ready",
    series="shop_",
    safe_state=None,
    needs="[services.NAME] (url) of each service of the shop, and of kafka, postgres and redis (dsn, proxy_name)",
    gauges={
        "events_waiting": "events that Kafka has not got yet",
        "lag": "events that the consumer has not written yet",
    },
    breaker={"breaker_closed": "CLOSED", "breaker_open": "OPEN", "breaker_half_open": "HALF-OPEN"},
    fallbacks=("pending",),
    fates={202: "pending", 409: "sold out", 503: "refused"},
    available=("served", "pending", "sold out"),
)

"""What is known of a flash sale, whatever experiment touches it. Listing tasks reads it: it imports next to nothing."""

from blackstart.model import facts as fact
from blackstart.model.system import System

SYSTEM = System(
    kind="flash-sale",
    collection="flash-sale",
    order=(
        "worker-crash",
        "redis-latency",
        "kafka-down",
        "kafka-partition-loss",
        "database-down",
        "api-kill",
        "redis-partition",
        "redis-down",
    ),  # fmt: skip
    tables=("sale", "orders", "kafka"),
    facts={
        "catch_up_s": fact.SECONDS,
        "worker_down_s": fact.SECONDS,
        "revived_within_s": fact.SECONDS,
        "gate_per_s": fact.RATE,
        "refused_within_s": fact.SECONDS,
        "kafka_timeout_s": fact.SECONDS,
        "redis_round_trips": fact.COUNT,
        "gate_fails_open": fact.YES_OR_NO,
    },
    metrics_page="/metrics",
    ready_page="/health",
    series="flash_sale_",
    safe_state=None,
    needs="[sale] (product), [services.kafka] and [services.postgres] (dsn), [services.redis] (dsn), [services.worker]",
    gauges={"lag": "orders that the worker has not placed yet"},
    fates={302: "waiting room", 409: "sold out", 500: "failed"},
    available=("served", "waiting room", "sold out"),
)

"""What is known of a trader, whatever experiment touches it. Listing tasks reads it: it imports next to nothing."""

from collections.abc import Mapping
from typing import Any

from blackstart.model import facts as fact
from blackstart.model.declaration import Declaration
from blackstart.model.system import ByFlags, Call, SafeState, Server, System


def _one_backoff_s(facts: Mapping[str, Any]) -> float:
    """One that resumes by itself does so by the end of its longest backoff."""
    return max(map(float, facts.get("backoff_s", [30.0]))) + float(facts.get("backoff_jitter_s", 0.5))


SYSTEM = System(
    kind="trader",
    collection="chaos",
    order=("leader-lock", "rate-limit-spike", "postgres-blip"),  # that of the original `make chaos-suite`
    tables=("orders", "plans", "broker"),
    facts={
        "lock_key": fact.word("trader:leader"),
        "lock_ttl_s": fact.SECONDS,
        "lock_refresh_s": fact.SECONDS,
        "backoff_s": fact.STEPS,
        "backoff_jitter_s": fact.SECONDS_OR_NONE,
        "metrics_lag_s": fact.SECONDS_OR_NONE,
        "scan_s": fact.SECONDS,
        "throttle_orders_per_s": fact.RATE,
        "db_timeout_s": fact.SECONDS,
        "orders_table": fact.column("orders"),
        "orders_key_column": fact.column("client_order_id"),
        "orders_number_column": fact.column("order_id"),
        "broker_timeout_s": fact.SECONDS,
        "redis_timeout_s": fact.SECONDS,
        "token_backoff_s": fact.STEPS,
        "stream_backoff_s": fact.STEPS,
        "stream_silent_s": fact.SECONDS,
        "ticks_table": fact.column("ticks"),
        "ticks_number_column": fact.column("seq"),
        "stress_cpu_load": fact.SHARE,
        "stress_memory_mb": fact.COUNT,
    },
    declarations={
        "orders": Declaration(
            "how orders are placed",
            "orders",
            'route = "/orders"        # a POST with a JSON body; or command = "./place-order --id {key}"',
        ),
        "plans": Declaration("how a plan is made", "plans", 'route = "/plans"         # a POST with a JSON body'),
        "db_timeout_s": Declaration(
            "the time limit of its calls to the database", "facts", "db_timeout_s = 2.0       # seconds"
        ),
        "ticks_table": Declaration("its table of ticks", "facts", 'ticks_table = "ticks"', beside="broker"),
        "ticks_number_column": Declaration(
            "the column with their numbers", "facts", 'ticks_number_column = "seq"', beside="broker"
        ),
        "database": Declaration("where its database is", "services.postgres", 'dsn = "env:DATABASE_URL"'),
    },
    metrics_page="/metrics",
    series="trader_",
    safe_state=SafeState(
        calls=(
            Call("/pause", "pause"),
            Call("/flatten?reason=chaos_drill_failed", "close all positions", optional=True),
            Call("/mode", "switch to PAPER", {"mode": "PAPER", "confirmation": "CONFIRM"}, optional=True),
        ),
        settled=("leader", 1),  # taking the lock again un-pauses
        reached=("paused", True),
        lasts_s=_one_backoff_s,
        of="trading",
        resume=Call("/resume", "resume in the mode PAPER"),
    ),
    # As the original scripts knew it: an API, a Redis and a PostgreSQL container, or local servers.
    by_flags=ByFlags(
        api="http://localhost:8000",
        servers={
            "redis": Server("redis_container", "redis_url", 6379, "redis://{}/0"),
            "postgres": Server("postgres_container", "database_url", 5432),
        },
    ),
)

"""What is known of a checkout, whatever experiment touches it. Listing tasks reads it: it imports next to nothing."""

from blackstart.model import facts as fact
from blackstart.model.system import System

SYSTEM = System(
    kind="checkout",
    collection="checkout",
    order=(
        "concurrent-duplicate-requests",
        "idempotency-conflict",
        "rate-limit-storm",
        "latency-spike",
        "retry-after-network-failure",
        "database-failure-with-recovery",
        "partial-failure",
    ),  # fmt: skip
    tables=("behaviors", "components", "records"),
    facts={
        "limit_per_s": fact.RATE,
        "limit_window": (lambda kind: kind in ("fixed", "sliding"), '"fixed" or "sliding"'),
        "answer_timeout_s": fact.SECONDS,
        "window_s": fact.SECONDS,
        "db_timeout_s": fact.SECONDS,
        "catch_up_s": fact.SECONDS,
    },
    metrics_page="/metrics",
    series="checkout_",
    safe_state=None,
    needs="[behaviors.NAME] (how it is invoked), [components], [records] (SQL), [services.postgres] (dsn, proxy_name)",
    fates={409: "conflict", 429: "rate limited", 503: "unavailable", 504: "timed out"},
    available=("served", "conflict", "rate limited"),
)

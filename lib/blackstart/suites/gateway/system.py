"""What is known of a gateway, whatever experiment touches it. Listing tasks reads it: it imports next to nothing."""

from blackstart.model import facts as fact
from blackstart.model.system import System

SYSTEM = System(
    kind="gateway",
    collection="gateway",
    # The order of the plan, C-01 to C-05, after a run without a fault.
    order=("baseline", "redis-unavailable", "redis-latency", "redis-flapping", "thundering-herd", "redis-bandwidth"),
    tables=("requests",),
    facts={
        "breaker_name": fact.word("redis"),
        "breaker_open_s": fact.SECONDS,
        "limit_per_window": fact.COUNT,
        "window_s": fact.SECONDS,
        "max_workers": fact.COUNT,
    },
    metrics_page="/actuator/prometheus",
    safe_state=None,
    needs="[requests] (route and headers of a request) and [services.redis] (address, proxy_name, control)",
    gauges={
        "cpu_percent": "CPU (% of the limit)",
        "active_workers": "active workers",
        "redis_memory": "Redis memory (bytes)",
        "oom_kills": "OOM kills",
    },
    breaker={"breaker_closed": "CLOSED", "breaker_open": "OPEN", "breaker_half_open": "HALF-OPEN"},
    fallbacks=("bypassed", "fallback"),
)

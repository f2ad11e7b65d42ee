"""What is known of a gateway, whatever experiment touches it. Listing tasks reads it: it imports next to nothing."""

from blackstart.model import facts as fact
from blackstart.model.declaration import Declaration
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
    declarations={
        "breaker_open_s": Declaration(
            "for how many seconds its breaker stays open", "facts", "breaker_open_s = 10      # seconds"
        ),
        "limit_per_window": Declaration(
            "how many requests of one client a window lets through", "facts", "limit_per_window = 100   # requests"
        ),
        "window_s": Declaration("the length of that window", "facts", "window_s = 1             # seconds"),
    },
    metrics_page="/actuator/prometheus",
    ready_page="/actuator/health",
    series="resilience4j_circuitbreaker_",
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

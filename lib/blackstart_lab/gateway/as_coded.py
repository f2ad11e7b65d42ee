"""The gateway as the public application is coded, and what of the plan that breaks.

It asks Redis without a time-out worth the name, answers 500 when Redis does not answer, and has its breaker around
the service behind it, where none of the plan's faults is.
"""

from blackstart_lab.gateway.errors import LimiterUnavailable
from blackstart_lab.gateway.gate import REFUSED, Decision, Gate


class NotFailOpen(Gate):
    """An error of the limiter is an error of the request."""

    def without_redis(self, why: str) -> Decision:
        return Decision(REFUSED, why=f"Internal Server Error ({LimiterUnavailable.__name__}: {why})", status=500)


PARTS = {"gate": NotFailOpen}

FACTS = {
    "limiter": "fixed window, INCR and EXPIRE; not fail-open although the plan says so",
    "timeout": "the setting used does not exist; a default of 60 s applies",
    "breaker": "wraps the downstream HTTP call, never Redis",
}
"""How the public application differs from its plan."""

BREAKS: dict[str, dict[str, str]] = {
    "baseline": {},
    "redis-unavailable": {"fails_open": "limiter"},
    "redis-latency": {
        "breaker_opens": "breaker",
        "opens_within_2s": "breaker",
        "half_open_seen": "breaker",
        "fails_fast_p99": "timeout",
    },
    "redis-flapping": {"errors_under_5_percent": "limiter"},
    "thundering-herd": {},
    "redis-bandwidth": {"breaker_opens": "breaker", "open_logged": "breaker"},
}
"""Experiment to the expectations that this gateway must break, each with the fact that it follows from.

A fixed window that is counted in one step keeps its limit, and nothing in the facts lets a herd bring it down: there
as in the baseline everything holds.
"""

MAY_BREAK: dict[str, dict[str, str]] = {
    # With no breaker before it each request pays for its own attempt to connect, which nothing bounds.
    "redis-unavailable": {"latency_under_50ms": "timeout"},
    # A request holds its worker for as long as its call to Redis takes.
    "redis-bandwidth": {"workers_bounded": "timeout"},
}
"""Those that depend on what an attempt costs on the machine."""

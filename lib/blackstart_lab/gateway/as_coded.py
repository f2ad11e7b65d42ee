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

BREAKS: dict[str, tuple[str, ...]] = {
    "redis-unavailable": ("fails_open",),
    "redis-latency": ("breaker_opens", "opens_within_2s", "fails_fast_p99", "half_open_seen"),
    "redis-flapping": ("errors_under_5_percent",),
    "redis-bandwidth": ("breaker_opens", "open_logged"),
}
"""Experiment to the expectations that this gateway must break. Those of the baseline all hold."""

MAY_BREAK: dict[str, tuple[str, ...]] = {
    # Nothing spares a request the attempt to connect.
    "redis-unavailable": ("latency_under_50ms",),
    # Slow requests take every worker at a high rate, and then others are refused: neither 503 in time nor a fallback.
    "redis-latency": ("answers_503_or_fallback", "closes_again", "full_recovery"),
    "redis-bandwidth": ("workers_bounded",),
    # A restart that the load runs into is an error to each request in it.
    "thundering-herd": ("rps_reached",),
}
"""Those that depend on how much is asked of it."""

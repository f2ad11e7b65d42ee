"""The readings of a gateway on Spring's actuator pages: the breaker's states, its workers, its processor and memory."""

from __future__ import annotations

from blackstart.probes.http import HttpJson
from blackstart.probes.log_lines import LogMatches
from blackstart.probes.metrics import Metric
from blackstart.probes.redis_value import RedisCommand, redis_info

PAGE = "/actuator/prometheus"
BREAKER = "redis"
STATES = ("closed", "open", "half_open")


def health() -> HttpJson:
    """`UP`, from /actuator/health."""
    return HttpJson("/actuator/health", "status", name="health")


def breaker(state: str, name: str = BREAKER) -> Metric:
    """1 while the breaker of that name is in this state, else 0."""
    labels = {"name": name, "state": state}
    return Metric("resilience4j_circuitbreaker_state", labels, path=PAGE, name=f"breaker_{state}")


def started() -> Metric:
    """When the process began, in seconds since the epoch: another value means a restart, whoever hides it."""
    return Metric("process_start_time_seconds", path=PAGE, name="process_start")


def cpu_usage() -> Metric:
    """How much of the gateway's own processor limit is used, from 0 to 1."""
    return Metric("process_cpu_usage", path=PAGE, name="cpu_usage")


def active_workers() -> Metric:
    """Workers that are busy now."""
    return Metric("executor_active_threads", path=PAGE, aggregate="sum", name="active_workers")


def oom_kills() -> Metric:
    """How often the kernel killed something of the gateway for want of memory."""
    return Metric("container_oom_events_total", path=PAGE, name="oom_kills")


def redis_memory() -> RedisCommand:
    """Bytes that Redis uses."""
    return redis_info("used_memory", name="redis_memory")


def log_says(pattern: str, name: str) -> LogMatches:
    """How many lines of the gateway's log match, since the look began."""
    return LogMatches("gateway", pattern, name=name)

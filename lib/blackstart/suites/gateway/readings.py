"""The readings of a gateway on Spring's actuator pages: the breaker's states, its workers, its processor and memory."""

import re
from typing import ClassVar

from blackstart.base.codec import plain
from blackstart.probes.http import HttpGet, HttpJson, HttpStatus
from blackstart.probes.log_lines import LogMatches
from blackstart.probes.metric_share import MetricShare
from blackstart.probes.metrics import Metric
from blackstart.probes.redis_value import RedisCommand
from blackstart.suites.gateway.system import SYSTEM

_HOLE = re.compile(r"\{[^}]*\}")
PAGE = SYSTEM.metrics_page
BREAKER_SHOWN = f"resilience4j_circuitbreaker_state at {PAGE}, under the name that the fact breaker_name tells"
BREAKER = "redis"
STATES = ("closed", "open", "half_open")


def health() -> HttpJson:
    """`UP`, from /actuator/health."""
    return HttpJson("/actuator/health", "status", name="health")


def redis_health() -> HttpJson:
    """`UP` while the gateway reaches Redis. Spring shows components with `management.endpoint.health.show-details`."""
    return HttpJson("/actuator/health", "components.redis.status", name="redis_health")


def breaker(state: str, name: str = BREAKER) -> Metric:
    """1 while the breaker of that name is in this state, else 0."""
    labels = {"name": name, "state": state}
    return Metric("resilience4j_circuitbreaker_state", labels, path=PAGE, name=f"breaker_{state}")


@plain("endpoint.visit")
class VisitorGet(HttpGet):
    """A request like a user's, at a user's pace: a probe must not use up the limit that it looks at."""

    least_tick_s: ClassVar[float] = 0.2


@plain("probe.visit")
class Visit(HttpStatus):
    """The status that a user gets. Its requests also let a breaker that waits for calls close again."""

    def endpoint(self) -> HttpGet:
        """GET of the URL, five times a second at most."""
        return VisitorGet(self.path, self.headers)


def visit(route: str) -> Visit:
    """A request through the gateway, at the route of the target's load with its holes filled."""
    return Visit(_HOLE.sub("0", route), name="visit")


def started() -> Metric:
    """When the process began, in seconds since the epoch: another value means a restart, whoever hides it."""
    return Metric("process_start_time_seconds", path=PAGE, name="process_start")


def cpu_percent() -> Metric:
    """Percent of the gateway's own processor limit."""
    return Metric("process_cpu_percent_of_limit", path=PAGE, name="cpu_percent")


def active_workers() -> Metric:
    """Workers that are busy now."""
    return Metric("gateway_workers_active", path=PAGE, name="active_workers")


def busy_workers_percent() -> MetricShare:
    """Workers that are busy now, in percent of those that the gateway says it has."""
    return MetricShare("gateway_workers_active", "gateway_workers_max", path=PAGE, name="busy_workers_percent")


def oom_kills() -> Metric:
    """How often the kernel killed something of the gateway for want of memory."""
    return Metric("gateway_oom_kills_total", path=PAGE, name="oom_kills")


def redis_memory() -> RedisCommand:
    """Bytes that Redis' data use: without its hash tables, which double at once, and its clients' buffers."""
    return RedisCommand(("INFO",), field="used_memory_dataset", name="redis_memory")


def log_says(pattern: str, name: str) -> LogMatches:
    """How many lines of the gateway's log match, since the look began."""
    return LogMatches("gateway", pattern, name=name)

"""The series of `/actuator/prometheus`, under the names that Spring, Resilience4j and Micrometer use."""

import os
import time

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from blackstart_lab.gateway.breaker import STATES
from blackstart_lab.gateway.config import Profile

disable_created_metrics()  # type: ignore[no-untyped-call]

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_LEAST_SPAN_S = 0.5  # CPU time comes in ticks of 10 ms: a shorter span would be a coarse percentage
_DECISIONS = ("counted", "bypassed", "rejected", "refused")


class Metrics:
    """One registry for one gateway."""

    def __init__(self, profile: Profile) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)  # process_cpu_seconds_total, process_resident_memory_bytes, start time
        state = Gauge("resilience4j_circuitbreaker_state", "1 for the present state", ["name", "state"],
                      registry=registry)  # fmt: skip
        self.breaker = {each: state.labels(profile.breaker_name, each.lower()) for each in STATES}
        refused = Counter("resilience4j_circuitbreaker_not_permitted_calls", "Calls not made", ["name", "kind"],
                          registry=registry)  # fmt: skip
        self.not_permitted = refused.labels(profile.breaker_name, "not_permitted")
        decisions = Counter("gateway_limiter_decisions", "Requests by what the limiter said", ["mode"],
                            registry=registry)  # fmt: skip
        self.decisions = {mode: decisions.labels(mode) for mode in _DECISIONS}
        self.redis_up = Gauge("gateway_redis_connected", "1 while Redis answers its ping", registry=registry)
        self._active = Gauge("gateway_workers_active", "Workers at work now", registry=registry)
        self._peak = Gauge("gateway_workers_peak", "Most at once so far", registry=registry)
        self.workers_max = Gauge("gateway_workers_max", "Size of the pool", registry=registry)
        self.requests = Histogram("http_server_requests_seconds", "Answers by status", ["status"],
                                  buckets=_BUCKETS_S, registry=registry)  # fmt: skip
        self.cpu = CpuUsage(profile.cpu_limit_cores)
        cpu = Gauge(
            "process_cpu_percent_of_limit", "CPU of the process, in percent of its own limit", registry=registry
        )
        cpu.set_function(lambda: 100 * self.cpu.of_limit())
        Gauge("gateway_cpu_limit_cores", "The limit", registry=registry).set(profile.cpu_limit_cores)
        Gauge("gateway_memory_limit_bytes", "The limit", registry=registry).set(profile.memory_limit_mb * 2**20)
        self.starts = Counter("gateway_starts", "How often it was started in this lab", registry=registry)
        self.oom_kills = Counter("gateway_oom_kills", "How often it was ended over memory", registry=registry)
        self._most = 0
        self._refused = 0

    def workers(self, active: int) -> None:
        self._active.set(active)
        if active > self._most:
            self._most = active
            self._peak.set(active)

    def count_refused(self, so_far: int) -> None:
        """The breaker counts for itself; the series follows when it is read."""
        self.not_permitted.inc(so_far - self._refused)
        self._refused = so_far

    def show_breaker(self, state: str) -> None:
        for name, gauge in self.breaker.items():
            gauge.set(name == state)


class CpuUsage:
    """CPU time over the last half second or more, as a share of the limit."""

    def __init__(self, limit_cores: float) -> None:
        self._limit_cores = limit_cores
        self._last = (time.monotonic(), time.process_time())
        self._share = 0.0

    def of_limit(self) -> float:
        now, used = time.monotonic(), time.process_time()
        span_s = now - self._last[0]
        if span_s >= _LEAST_SPAN_S:
            self._share = (used - self._last[1]) / span_s / self._limit_cores
            self._last = (now, used)
        return self._share


def resident_bytes() -> int:
    """What the process holds in memory."""
    return int(psutil.Process(os.getpid()).memory_info().rss)

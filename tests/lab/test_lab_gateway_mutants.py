"""The gateway as its plan is coded, and each of its mutants: each shows the defect that its name says."""

import time

import pytest
import requests

from tests.lab.gateway_driver import Traffic, Up, opened
from tests.lab.lab_driver import eventually

pytestmark = pytest.mark.slow


def test_as_coded_fails_closed_and_its_breaker_never_sees_redis(gateway: Up) -> None:
    lab = gateway("--as-coded")
    assert lab.target["facts"]["redis_timeout_ms"] == 60_000
    lab.cut()
    assert {lab.ask().status_code for _ in range(30)} == {500}
    health = requests.get(lab.url("/actuator/health"), timeout=5)
    eventually(lambda: lab.state_of_redis() == "DOWN", 5)
    assert health.status_code in (200, 503)
    lab.join()
    eventually(lambda: lab.ask().status_code == 200, 5)
    lab.toxic("latency", latency=2000)
    began = time.monotonic()
    assert lab.ask().status_code == 200
    assert time.monotonic() - began >= 1.9
    assert (lab.states(), lab.breaker()["state"]) == ([], "CLOSED")


def test_mutant_fails_closed_answers_503(gateway: Up) -> None:
    lab = gateway("--mutant", "fails-closed")
    assert lab.target["mutant"] == "fails-closed"
    lab.cut()
    assert {lab.ask().status_code for _ in range(30)} == {503}


def test_mutant_no_timeout_waits_for_a_slow_redis(gateway: Up) -> None:
    lab = gateway("--mutant", "no-timeout")
    lab.toxic("latency", latency=1500)
    began = time.monotonic()
    assert lab.ask().status_code == 200
    assert time.monotonic() - began >= 1.4
    assert lab.states() == []


def test_mutant_breaker_never_opens_stays_closed(gateway: Up) -> None:
    lab = gateway("--mutant", "breaker-never-opens")
    lab.cut()
    assert {lab.ask().status_code for _ in range(60)} == {200}
    assert (lab.breaker()["state"], lab.states()) == ("CLOSED", [])


def test_mutant_breaker_never_closes_goes_back_to_open(gateway: Up) -> None:
    lab = gateway("--mutant", "breaker-never-closes")
    with Traffic(lab):
        lab.cut()
        opened(lab)
        lab.join()
        eventually(lambda: lab.states().count("HALF_OPEN") >= 3, 20)
    assert "CLOSED" not in lab.states()


def test_mutant_breaker_flaps_between_open_and_closed(gateway: Up) -> None:
    lab = gateway("--mutant", "breaker-flaps")
    with Traffic(lab):
        lab.cut()
        opened(lab)
        lab.join()
        eventually(lambda: lab.states().count("CLOSED") >= 2, 30)
    assert lab.states().count("OPEN") >= 2


def test_mutant_fallback_lies_with_an_error_under_a_200(gateway: Up) -> None:
    lab = gateway("--mutant", "fallback-lies")
    lab.cut()
    answer = lab.ask()
    assert (answer.status_code, "error" in answer.json(), "limiter" in answer.json()) == (200, True, False)


def test_mutant_no_reconnect_stays_without_redis(gateway: Up) -> None:
    lab = gateway("--mutant", "no-reconnect")
    assert lab.ask().headers["X-RateLimit-Mode"] == "counted"
    lab.cut()
    eventually(lambda: lab.state_of_redis() == "DOWN", 5)
    lab.join()
    time.sleep(3)
    assert lab.state_of_redis() == "DOWN"
    assert lab.ask().headers["X-RateLimit-Mode"] == "bypassed"


def test_mutant_herd_crash_is_killed_over_memory_after_redis_was_away(gateway: Up) -> None:
    lab = gateway("--mutant", "herd-crash")
    pid = lab.pid("gateway")
    lab.supervisor("stop", "redis")
    eventually(lambda: lab.events("redis_lost"), 5)
    lab.supervisor("start", "redis")
    eventually(lambda: lab.state_of_redis() == "UP", 5)
    with Traffic(lab, rate_per_s=200):
        eventually(lambda: lab.events("oom_killed"), 30)
    eventually(lambda: len(lab.events("started")) == 2, 20)
    eventually(lambda: lab.status("/actuator/health") == 200, 10)
    assert lab.pid("gateway") != pid
    assert (lab.value("gateway_oom_kills_total"), lab.value("gateway_starts_total")) == (1, 2)


def test_mutant_unbounded_workers_has_more_than_there_are(gateway: Up) -> None:
    lab = gateway("--mutant", "unbounded-workers")
    with Traffic(lab, rate_per_s=150):
        lab.toxic("bandwidth", "upstream", rate=1)
        eventually(lambda: lab.value("gateway_workers_active") > lab.value("gateway_workers_max"), 30)


def test_mutant_limiter_leaks_above_the_limit(gateway: Up) -> None:
    lab = gateway("--mutant", "limiter-leaks")
    limit = lab.target["facts"]["limit_per_window"]
    with requests.Session() as session:
        session.headers["X-API-Key"] = "one"
        url, ends = lab.url("/api/v1/users/1"), time.monotonic() + 3
        while time.monotonic() < ends:
            session.get(url, timeout=5)
    counts: dict[str, int] = {}
    for key in lab.redis().scan_iter(match="rate_limit:fixed:one:*"):
        window = key.decode().split(":")[4]
        counts[window] = counts.get(window, 0) + min(limit, int(lab.redis().get(key)))
    assert max(counts.values()) > limit

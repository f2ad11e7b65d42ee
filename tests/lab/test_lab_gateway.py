"""The gateway keeps what its plan promises.

Latency is held against limits far above what the plan says: these tests run on machines that have other work. The
plan's own limits are those of the suite.
"""

import itertools
import time

import pytest
import requests

from tests.lab.gateway_driver import GatewayDriver, Traffic, Up, closed_again, opened
from tests.lab.lab_driver import eventually
from tests.requirements import require

pytestmark = pytest.mark.slow


def test_request_needs_a_key_is_counted_in_redis_and_reaches_the_upstream(gateway: Up) -> None:
    lab = gateway()
    assert requests.get(lab.url("/api/v1/users/1"), timeout=5).status_code == 401
    answer = lab.ask("/api/v1/orders/7?full=1")
    assert (answer.status_code, answer.headers["X-RateLimit-Mode"]) == (200, "counted")
    assert answer.json() == {"served_by": "upstream", "limiter": "counted", "path": "/api/v1/orders/7"}
    assert lab.ask("/api/v2/orders/7").status_code == 404
    (key,) = lab.redis().scan_iter(match="rate_limit:fixed:lab-key:/api/v1/orders/7:*")
    assert 0 < lab.redis().ttl(key) <= 60
    posted = requests.post(lab.url("/api/v1/users/"), json={"name": "x"}, headers={"X-API-Key": "k"}, timeout=5)
    assert posted.status_code == 200


def test_more_than_the_limit_in_a_window_is_429_with_the_limit_and_when_to_retry(gateway: Up) -> None:
    lab = gateway()
    limit = lab.target["facts"]["limit_per_window"]
    answers = [lab.ask() for _ in range(3 * limit)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.status_code for answer in answers} == {200, 429}
    assert (refused[0].headers["X-RateLimit-Limit"], refused[0].headers["Retry-After"]) == (str(limit), "1")
    assert lab.ask(key="another").status_code == 200


def test_redis_is_reached_through_the_proxy_alone(gateway: Up) -> None:
    lab = gateway()
    proxied = requests.get(lab.target["proxy"] + "/proxies/redis", timeout=5).json()
    assert proxied["upstream"] == lab.target["services"]["redis"]["dsn"].removeprefix("redis://").removesuffix("/0")
    (gateway_process,) = [each for each in lab.processes() if each.pid == lab.pid("gateway")]
    port = int(proxied["listen"].rpartition(":")[2])
    eventually(lambda: port in {peer.raddr.port for peer in gateway_process.net_connections() if peer.raddr}, 5)
    direct = int(proxied["upstream"].rpartition(":")[2])
    assert direct not in {peer.raddr.port for peer in gateway_process.net_connections() if peer.raddr}


@pytest.mark.parametrize("how", ["proxy disabled", "redis stopped"])
def test_without_redis_requests_pass_uncounted_and_the_error_is_logged(gateway: Up, how: str) -> None:
    lab = gateway()
    pid = lab.pid("gateway")
    with Traffic(lab) as traffic:
        eventually(lambda: len(traffic.rows) > 30, 10)
        gone = time.monotonic()
        lab.cut() if how == "proxy disabled" else lab.supervisor("stop", "redis")
        opened(lab)
        time.sleep(2)
        lab.join() if how == "proxy disabled" else lab.supervisor("start", "redis")
        eventually(lambda: lab.state_of_redis() == "UP", 10)
        closed_again(lab)
        back = time.monotonic()
        eventually(lambda: len(traffic.outcomes(since=back)) > 0 and len(traffic.rows) > 60, 10)
        time.sleep(0.5)
    assert set(traffic.outcomes()) == {"200 counted", "200 bypassed"}
    assert traffic.outcomes(since=gone + 1)["200 bypassed"] > 30
    assert traffic.outcomes(since=back)["200 counted"] > 0
    assert "connection error" in lab.log()
    assert "Open Circuit" in lab.log()
    assert (lab.pid("gateway"), lab.value("gateway_starts_total")) == (pid, 1)


def test_slow_redis_opens_the_breaker_requests_fall_back_and_it_closes_through_half_open(gateway: Up) -> None:
    lab = gateway()
    with Traffic(lab) as traffic:
        eventually(lambda: len(traffic.rows) > 30, 10)
        lab.toxic("latency", latency=2000, jitter=200)
        slow = time.monotonic()
        opened(lab)
        assert lab.breaker()["state"] in ("OPEN", "HALF_OPEN")
        time.sleep(3)
        lab.heal()
        closed_again(lab)
        time.sleep(0.5)
    assert traffic.outcomes(since=slow + 2).keys() <= {"200 counted", "200 bypassed"}
    assert traffic.latency_ms(99, since=slow) < 1000, "a request waited for Redis"
    states = ["CLOSED", *lab.states()]
    allowed = {("CLOSED", "OPEN"), ("OPEN", "HALF_OPEN"), ("HALF_OPEN", "OPEN"), ("HALF_OPEN", "CLOSED")}
    assert set(itertools.pairwise(states)) <= allowed
    assert states[-2:] == ["HALF_OPEN", "CLOSED"]


def test_flapping_way_to_redis_costs_no_request_and_the_connection_is_back_within_2_s(gateway: Up) -> None:
    lab = gateway()
    with Traffic(lab) as traffic:
        for _ in range(15):
            lab.cut()
            time.sleep(0.1)
            lab.join()
            time.sleep(0.1)
        over = time.monotonic()
        eventually(lambda: lab.state_of_redis() == "UP", 5)
        eventually(lambda: traffic.outcomes(since=over)["200 counted"] > 0, 10)
    assert set(traffic.outcomes()) <= {"200 counted", "200 bypassed"}
    assert len(lab.events("redis_lost")) >= 1


def test_narrow_redis_opens_the_breaker_before_the_workers_run_out(gateway: Up) -> None:
    lab = gateway()
    with Traffic(lab):
        lab.toxic("bandwidth", "upstream", rate=1)
        opened(lab)
        lab.heal()
    assert "Open Circuit: CircuitBreaker 'redis' changed state from CLOSED to OPEN" in lab.log()
    assert lab.value("gateway_workers_peak") < lab.value("gateway_workers_max") == lab.target["facts"]["max_workers"]


def test_each_new_key_makes_redis_grow(gateway: Up) -> None:
    lab = gateway()
    before = lab.redis().info("memory")["used_memory"]
    with Traffic(lab, rate_per_s=200) as traffic:
        eventually(lambda: len(traffic.rows) >= 400, 20)
    assert lab.redis().dbsize() >= 400
    assert lab.redis().info("memory")["used_memory"] - before > 400 * 64


def test_fail_fast_answers_503_at_once_while_the_breaker_is_open(gateway: Up) -> None:
    lab = gateway("--on-open", "fail-fast")
    lab.cut()
    eventually(lambda: lab.ask().status_code == 503, 10)
    answer = lab.ask()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_operations_side_tells_breaker_processor_memory_and_workers(gateway: Up) -> None:
    lab = gateway()
    for state, value in (("closed", 1), ("open", 0), ("half_open", 0)):
        assert lab.value(f'resilience4j_circuitbreaker_state{{name="redis",state="{state}"}}') == value
    assert 0 <= lab.value("process_cpu_percent_of_limit") <= 100
    assert 0 < lab.value("process_resident_memory_bytes ") < lab.value("gateway_memory_limit_bytes")
    assert (lab.value("gateway_workers_active"), lab.value("gateway_oom_kills_total")) == (0, 0)
    names = requests.get(lab.url("/actuator/metrics"), timeout=5).json()["names"]
    assert "process.cpu.usage" in names
    shown = requests.get(lab.url("/actuator/metrics/executor.pool.max"), timeout=5).json()
    assert shown["measurements"] == [{"statistic": "VALUE", "value": 200}]
    assert lab.breaker()["failureRateThreshold"] == "50.0%"
    assert requests.get(lab.url("/actuator/metrics/other"), timeout=5).status_code == 404


def test_prometheus_scrapes_the_gateway_every_second(gateway_lab: GatewayDriver) -> None:
    require("prometheus")
    lab = gateway_lab.up()
    query = {"query": 'resilience4j_circuitbreaker_state{name="redis",state="closed"}'}
    url = lab.target["prometheus"] + "/api/v1/query"
    (series,) = requests.get(url, params=query, timeout=5).json()["data"]["result"]
    assert series["value"][1] == "1"


def test_killed_proxy_comes_back_with_its_route_and_without_toxics(gateway: Up) -> None:
    lab = gateway()
    lab.toxic("latency", latency=2000)
    eventually(lambda: lab.state_of_redis() == "DOWN", 10)
    lab.tree("proxy")[0].kill()
    eventually(lambda: lab.state_of_redis() == "UP", 20)
    eventually(lambda: lab.ask().headers["X-RateLimit-Mode"] == "counted", 10)

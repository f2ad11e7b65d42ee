"""The gate counts while it can, lets through while it can't, and asks Redis no more often than the breaker allows."""

import asyncio
import logging
from dataclasses import replace

import pytest

from blackstart_lab.gateway.breaker import CLOSED, OPEN
from blackstart_lab.gateway.config import QUICK
from tests.unit.blackstart_lab.gateway.fakes import Bench

NEVER_ENDING = replace(QUICK, window_s=10**10)  # no window ends while a test runs


def test_within_the_limit_is_counted_and_above_it_rejected() -> None:
    bench = Bench(profile=replace(NEVER_ENDING, limit_per_window=3))
    assert asyncio.run(bench.ask(5)) == ["counted"] * 3 + ["rejected"] * 2


def test_each_key_and_path_has_a_limit_of_its_own() -> None:
    bench = Bench(profile=replace(NEVER_ENDING, limit_per_window=1))

    async def story() -> list[str]:
        other = await bench.gate.decide("lab-key-2", "/api/v1/users/1")
        return [*await bench.ask(path="/a"), *await bench.ask(path="/b"), *await bench.ask(path="/a"), other.mode]

    assert asyncio.run(story()) == ["counted", "counted", "rejected", "counted"]
    assert all(key.startswith("rate_limit:fixed:lab-key") and key.endswith(":0") for key in bench.store.counts)


def test_without_redis_a_request_is_let_through_and_the_error_logged(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.store.away = "Connection refused"
    with caplog.at_level(logging.ERROR):
        assert asyncio.run(bench.ask()) == ["bypassed"]
    assert "connection error: Connection refused" in caplog.text


def test_breaker_opens_after_enough_failures_and_redis_is_left_alone() -> None:
    bench = Bench()
    bench.store.away = "no answer within 50 ms"
    asked = QUICK.breaker.min_calls
    assert asyncio.run(bench.ask(asked + 30)) == ["bypassed"] * (asked + 30)
    assert bench.changes == [(CLOSED, OPEN)]
    assert bench.store.asked == asked


def test_fail_fast_refuses_at_once_while_the_breaker_is_open() -> None:
    bench = Bench(on_open="fail-fast")
    bench.store.away = "no answer within 50 ms"
    modes = asyncio.run(bench.ask(QUICK.breaker.min_calls + 2))
    assert modes[-3:] == ["bypassed", "refused", "refused"]


def test_redis_back_is_counted_again_after_the_wait_and_the_trials() -> None:
    bench = Bench()
    bench.store.away = "Connection refused"
    asyncio.run(bench.ask(QUICK.breaker.min_calls))
    bench.store.away = ""
    bench.clock.now_s += QUICK.breaker.open_s
    assert asyncio.run(bench.ask(QUICK.breaker.half_open_calls + 1)) == ["counted"] * (
        QUICK.breaker.half_open_calls + 1
    )
    assert bench.breaker.state == CLOSED

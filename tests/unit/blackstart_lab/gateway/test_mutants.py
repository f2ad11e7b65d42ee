"""Each mutant differs from the healthy gateway at one seam, in the way that its name says."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from blackstart_lab.gateway import as_coded, mutants, parts
from blackstart_lab.gateway.breaker import CLOSED, HALF_OPEN, OPEN
from blackstart_lab.gateway.config import AS_CODED, QUICK
from blackstart_lab.gateway.errors import LimiterUnavailable
from blackstart_lab.lab_error import NotStarted
from tests.unit.blackstart_lab.gateway.fakes import Bench

EXPECTATIONS = {
    "baseline": "rps_reached success_100 p95_within_15ms",
    "redis-unavailable": "fails_open latency_under_50ms error_logged serves_again closes_again stays_served no_crash "
    "no_call_while_open",
    "redis-latency": "breaker_opens opens_within_2s fails_fast_p99 answers_503_or_fallback half_open_seen closes_again "
    "full_recovery stays_served no_crash",
    "redis-flapping": "errors_under_5_percent recovers_within_2s serves_again closes_again stays_served no_crash",
    "thundering-herd": "rps_reached cpu_under_80 no_oom no_crash serves_again stabilises "
    "redis_memory_linear limit_kept",
    "redis-bandwidth": "breaker_opens open_logged workers_bounded serves_again closes_again stays_served no_crash",
}
NAMES = {
    "fails-closed",
    "no-timeout",
    "breaker-never-opens",
    "breaker-never-closes",
    "breaker-flaps",
    "breaker-relapses",
    "fallback-lies",
    "no-reconnect",
    "herd-crash",
    "unbounded-workers",
    "limiter-leaks",
    "calls-while-open",
}
WHOLE = replace(QUICK, window_s=10**10)
AWAY = "Connection refused"


def bench_of(name: str) -> Bench:
    return Bench(mutants.load(name).parts, profile=WHOLE)


def opened(bench: Bench) -> Bench:
    """Redis was away until the breaker had every reason to open, and is back."""
    bench.store.away = AWAY
    asyncio.run(bench.ask(QUICK.breaker.min_calls))
    bench.store.away = ""
    return bench


def store_of(name: str) -> Any:
    async def make() -> Any:
        return mutants.load(name).parts["store"]("redis://127.0.0.1:1/0", QUICK, "i-1", lambda _: None)

    return asyncio.run(make())


def test_all_are_found() -> None:
    assert set(mutants.names()) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_mutant_declares_what_catches_it_and_replaces_one_part(name: str) -> None:
    mutant = mutants.load(name)
    known = set(EXPECTATIONS[mutant.experiment].split())
    assert mutant.must_fail
    assert {*mutant.must_fail, *mutant.may_fail} <= known
    assert not set(mutant.must_fail) & set(mutant.may_fail)
    ((part, kind),) = mutant.parts.items()
    assert issubclass(kind, parts.HEALTHY[part])
    assert "parts" not in mutant.declaration()


def test_as_coded_names_expectations_that_there_are_and_the_fact_that_each_break_follows_from() -> None:
    assert set(as_coded.BREAKS) == set(EXPECTATIONS)
    for experiment, broken in (*as_coded.BREAKS.items(), *as_coded.MAY_BREAK.items()):
        assert set(broken) <= set(EXPECTATIONS[experiment].split())
        assert set(broken.values()) <= set(as_coded.FACTS)


def test_unknown_mutant_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(NotStarted, match='no mutant "fails-close" of the gateway. Did you mean "fails-closed"'):
        mutants.load("fails-close")


def test_fails_closed_refuses_with_a_closed_and_with_an_open_breaker() -> None:
    bench = bench_of("fails-closed")
    bench.store.away = AWAY
    assert set(asyncio.run(bench.ask(QUICK.breaker.min_calls + 5))) == {"refused"}
    assert bench.breaker.state == OPEN


def test_no_timeout_waits_for_a_minute() -> None:
    assert store_of("no-timeout").timeout_s() == 60.0


def test_calls_while_open_counts_where_the_breaker_refuses() -> None:
    bench = opened(bench_of("calls-while-open"))
    assert bench.breaker.state == OPEN and set(asyncio.run(bench.ask(5))) == {"counted"}
    assert set(asyncio.run(opened(Bench()).ask(5))) == {"bypassed"}


def test_breaker_never_opens_stays_closed() -> None:
    bench = opened(bench_of("breaker-never-opens"))
    assert (bench.changes, bench.breaker.window.failed) == ([], QUICK.breaker.min_calls)


def test_breaker_never_closes_opens_after_good_trials() -> None:
    bench = opened(bench_of("breaker-never-closes"))
    bench.clock.now_s += QUICK.breaker.open_s
    asyncio.run(bench.ask(QUICK.breaker.half_open_calls))
    assert bench.changes[1:] == [(OPEN, HALF_OPEN), (HALF_OPEN, OPEN)]


def test_breaker_flaps_opens_again_with_a_healthy_redis() -> None:
    bench = opened(bench_of("breaker-flaps"))
    for _ in range(3):
        bench.clock.now_s += QUICK.breaker.open_s
        asyncio.run(bench.ask(QUICK.breaker.half_open_calls + QUICK.breaker.min_calls, path=f"/{bench.clock.now_s}"))
        assert bench.changes[-3:] == [(OPEN, HALF_OPEN), (HALF_OPEN, CLOSED), (CLOSED, OPEN)]


def test_breaker_relapses_once_and_is_well_before_and_after() -> None:
    bench = opened(bench_of("breaker-relapses"))
    for after_s in (QUICK.breaker.open_s, 2.0, 1.0, QUICK.breaker.open_s, 5.0):
        bench.clock.now_s += after_s
        asyncio.run(bench.ask(QUICK.breaker.half_open_calls + QUICK.breaker.min_calls, path=f"/{bench.clock.now_s}"))
    assert bench.changes[1:] == [
        (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED), (CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED)
    ]  # fmt: skip


def test_fallback_lies_with_a_status_of_200() -> None:
    bench = bench_of("fallback-lies")
    bench.store.away = AWAY
    decision = asyncio.run(bench.gate.decide("lab-key", "/a"))
    assert (decision.mode, decision.status) == ("refused", 200)


def test_no_reconnect_remembers_its_first_loss() -> None:
    store = store_of("no-reconnect")

    async def fine() -> int:
        return 1

    async def lost() -> int:
        raise ConnectionResetError("cut")

    async def story() -> None:
        for _ in range(2):  # not there yet is no loss
            with pytest.raises(LimiterUnavailable, match="cut"):
                await store.ask(lost())
        assert await store.ask(fine()) == 1
        store.connected = True
        with pytest.raises(LimiterUnavailable, match="cut"):
            await store.ask(lost())
        with pytest.raises(LimiterUnavailable, match="closed"):
            await store.ask(fine())

    asyncio.run(story())


def test_herd_crash_keeps_memory_only_after_a_loss() -> None:
    store = store_of("herd-crash")

    async def story() -> tuple[int, int]:
        with pytest.raises(LimiterUnavailable):
            await store.count("a")  # nobody listens on port 1, and nobody has yet
        before = len(store._kept)
        store.connected = True
        for key in "bcd":
            with pytest.raises(LimiterUnavailable):
                await store.count(key)
        return before, len(store._kept)

    assert asyncio.run(story()) == (0, 2)


def test_limiter_leaks_lets_more_than_the_limit_through() -> None:
    counted: Callable[[str], int] = lambda name: asyncio.run(bench_of(name).ask(300)).count("counted")  # noqa: E731
    assert WHOLE.limit_per_window * 2 < counted("limiter-leaks") <= WHOLE.limit_per_window * 4


def test_as_coded_answers_500_without_redis_and_its_breaker_sees_nothing() -> None:
    bench = Bench(as_coded.PARTS, profile=AS_CODED)
    bench.store.away = AWAY
    decision = asyncio.run(bench.gate.decide("lab-key", "/a"))
    assert (decision.mode, decision.status) == ("refused", 500)
    asyncio.run(bench.ask(200))
    assert (bench.changes, bench.store.asked) == ([], 201)

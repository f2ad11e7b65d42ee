"""Each mutant differs from the healthy trader at one seam, in the way that its name says."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.trader import mutants, parts
from blackstart_lab.trader.heart import Heart
from blackstart_lab.trader.orders import Order
from blackstart_lab.trader.readiness import Readiness
from blackstart_lab.trader.strategy import Strategy
from blackstart_lab.trader.throttle import Throttle
from tests.unit.blackstart_lab.trader.fakes import PROFILE, Bench

NAMES = {
    "keeps-trading",
    "ready-lies",
    "gauge-lies",
    "locks-under-another-name",
    "crash-on-redis-loss",
    "never-reacquires",
    "never-resumes",
    "stale-heartbeat",
    "slow-to-notice",
    "hammers-redis",
    "two-leaders",
    "crash-on-db-error",
    "hangs-on-frozen-db",
    "doubles-on-retry",
    "loses-acknowledged",
    "queue-never-drains",
    "drops-silently",
    "tires-of-pausing",
    "late-crash",
    "ready-before-leader",
    "no-unique-key",
    "queue-lost-on-db-error",
    "queue-stops-on-db-error",
    "half-hangs",
    "relapses",
    "never-renews-token",
    "doubles-order-after-renewal",
    "trades-without-token",
    "sends-while-paused",
    "hammers-broker",
    "ready-while-stream-silent",
    "reconnects-without-backoff",
    "leaves-gap",
    "beats-without-ticks",
    "leads-while-partitioned",
    "doubles-on-lost-answer",
    "leads-while-starved",
    "ready-while-starved",
    "trades-while-starved",
    "dies-short-of-memory",
}
EXPERIMENTS = (
    "leader-lock", "postgres-blip", "rate-limit-spike", "token-expiry", "websocket-reconnect", "partition",
    "resource-stress"
)  # fmt: skip
ORDER = Order("o-1", "BUY", 1, 2.5)


class Died(BaseException):
    """Raised where the mutant would end the process."""


@pytest.fixture(autouse=True)
def dying_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(code: int) -> None:
        raise Died(code)

    monkeypatch.setattr(os, "_exit", die)


def bench_of(name: str, folder: Path) -> Bench:
    bench = Bench(folder, **mutants.load(name).parts)
    asyncio.run(bench.lock.attempt())
    return bench


def part_of(name: str) -> type[Any]:
    (part,) = mutants.load(name).parts.values()
    return part


def test_all_of_them_are_found() -> None:
    assert set(mutants.names()) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_mutant_declares_what_catches_it_and_replaces_one_part(name: str) -> None:
    mutant = mutants.load(name)
    assert mutant.experiment in EXPERIMENTS
    assert mutant.must_fail
    assert not set(mutant.must_fail) & set(mutant.may_fail)
    ((part, kind),) = mutant.parts.items()
    assert issubclass(kind, ({**parts.HEALTHY, **parts.BROKERED} if mutant.broker else parts.HEALTHY)[part])
    assert "parts" not in mutant.declaration()


def test_unknown_mutant_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(NotStarted, match='Did you mean "never-resumes"'):
        mutants.load("never-resume")


def test_keeps_trading_places_after_the_loss(tmp_path: Path) -> None:
    bench = bench_of("keeps-trading", tmp_path)
    heart = Heart(bench.metrics, bench.lock)
    strategy: Strategy = part_of("keeps-trading")(bench.orders, heart, bench.metrics, 0.5)
    bench.lock.lose("for the test")
    asyncio.run(strategy.trade(ORDER))
    assert bench.database.inserted == ["o-1"]
    assert bench.desk.is_paused


def test_ready_lies_stays_ready(tmp_path: Path) -> None:
    bench = bench_of("ready-lies", tmp_path)
    readiness: Readiness = part_of("ready-lies")(
        bench.lock, Heart(bench.metrics, bench.lock), bench.desk, bench.events, older_build=False
    )
    assert readiness.answer()[0] == 200
    bench.lock.lose("for the test")
    assert readiness.answer()[0] == 200


def test_gauge_lies_stays_at_one(tmp_path: Path) -> None:
    bench = bench_of("gauge-lies", tmp_path)
    bench.lock.lose("for the test")
    assert bench.sample("trader_is_leader", instance_id="me") == 1.0
    assert bench.desk.is_paused


def test_locks_under_another_name_after_a_loss_alone(tmp_path: Path) -> None:
    bench = bench_of("locks-under-another-name", tmp_path)
    assert bench.store.owner == "me"
    bench.lock.lose("for the test")
    bench.store.owner = None
    assert asyncio.run(bench.lock.attempt())
    assert bench.store.owner != "me" and bench.sample("trader_is_leader", instance_id="me") == 1.0


def test_crash_on_redis_loss_dies(tmp_path: Path) -> None:
    bench = bench_of("crash-on-redis-loss", tmp_path)
    with pytest.raises(Died):
        bench.lock.lose("for the test")


def test_never_reacquires_does_not_try(tmp_path: Path) -> None:
    bench = bench_of("never-reacquires", tmp_path)
    bench.lock.lose("for the test")
    bench.store.owner = None
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(bench.lock.attempt(), 0.05))
    assert bench.store.attempts == 1


def test_never_resumes_stays_paused(tmp_path: Path) -> None:
    bench = bench_of("never-resumes", tmp_path)
    assert bench.desk.is_paused is False
    bench.lock.lose("for the test")
    bench.store.owner = None
    assert asyncio.run(bench.lock.attempt())
    assert bench.sample("trader_is_leader", instance_id="me") == 1.0
    assert bench.desk.is_paused is True


def test_tires_of_pausing_is_paused_at_first_and_in_the_end_but_not_in_between(tmp_path: Path) -> None:
    bench = bench_of("tires-of-pausing", tmp_path)
    bench.store.owner = "somebody else"
    bench.lock.lose("for the test")
    paused = [bench.desk.is_paused]
    for _ in range(4):
        assert not asyncio.run(bench.lock.attempt())
        paused.append(bench.desk.is_paused)
    assert paused == [True, True, False, True, True]


def test_stale_heartbeat_is_past_its_limit_by_less_than_a_fifth(tmp_path: Path) -> None:
    bench = bench_of("stale-heartbeat", tmp_path)
    heart: Heart = part_of("stale-heartbeat")(bench.metrics, bench.lock)
    heart.beat("order_stream")
    assert heart.age_s("order_stream") < 1
    bench.lock.lose("for the test")
    assert 5.0 < heart.age_s("order_stream") < 6.0 - 0.5  # half a second of its own age comes on top
    assert heart.age_s("scan") < 1


def test_slow_to_notice_steps_down_a_tenth_late(tmp_path: Path) -> None:
    bench = bench_of("slow-to-notice", tmp_path)
    bench.store.away = True
    slept: list[float] = []

    async def story() -> None:
        async def sleep(pause_s: float) -> None:
            slept.append(pause_s)

        real, asyncio.sleep = asyncio.sleep, sleep  # type: ignore[assignment]
        try:
            await bench.lock.refresh()
        finally:
            asyncio.sleep = real

    asyncio.run(story())
    limit_s = PROFILE.lock_refresh_s + 1
    assert slept == [pytest.approx(1.1 * limit_s)]
    assert not bench.lock.leading


def test_hammers_redis_does_not_back_off(tmp_path: Path) -> None:
    bench = bench_of("hammers-redis", tmp_path)
    assert {bench.lock.pause_s() for _ in range(9)} == {0.02}


def test_two_leaders_trusts_a_key_of_another(tmp_path: Path) -> None:
    bench = bench_of("two-leaders", tmp_path)
    bench.store.owner, bench.clock.now_s = "another", bench.clock.now_s + 60
    asyncio.run(bench.lock.refresh())
    assert bench.lock.certain()


def test_crash_on_db_error_dies(tmp_path: Path) -> None:
    bench = bench_of("crash-on-db-error", tmp_path)
    bench.database.away = True
    with pytest.raises(Died):
        asyncio.run(bench.orders.place(ORDER))


def test_hangs_on_frozen_db_sets_no_limit(tmp_path: Path) -> None:
    bench = bench_of("hangs-on-frozen-db", tmp_path)
    asyncio.run(bench.orders.place(ORDER))
    assert bench.database.calls[-1]["bounded"] is False


def test_doubles_on_retry_doubles_only_what_it_has_not_answered(tmp_path: Path) -> None:
    bench = bench_of("doubles-on-retry", tmp_path)
    asyncio.run(bench.orders.place(ORDER))
    assert asyncio.run(bench.orders.place(ORDER)).duplicate
    assert bench.database.inserted == ["o-1"]
    bench.database.lands_unheard = True
    lost = Order("o-2", "BUY", 1, 2.5)
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(bench.orders.place(lost))
    bench.database.lands_unheard = False
    asyncio.run(bench.orders.place(lost))
    assert bench.database.inserted == ["o-1", "o-2", "o-2"]


def test_loses_acknowledged_answers_every_other_order_without_a_commit(tmp_path: Path) -> None:
    bench = bench_of("loses-acknowledged", tmp_path)
    bench.database.away = True
    asyncio.run(bench.orders.place(ORDER))
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(bench.orders.place(Order("o-2", "BUY", 1, 1)))
    bench.database.away = False
    assert asyncio.run(bench.orders.place(ORDER)).duplicate
    assert bench.database.inserted == []


def burst(name: str, folder: Path) -> tuple[Throttle, Bench]:
    bench = bench_of(name, folder)
    throttle: Throttle = part_of(name)(bench.orders, bench.metrics, 1000, 100)
    for number in range(15):
        assert throttle.submit(Order(f"p-{number}", "BUY", 1, 1))

    async def work() -> None:
        worker = asyncio.create_task(throttle.run())
        await asyncio.wait({worker}, timeout=1.0)
        worker.cancel()

    asyncio.run(work())
    return throttle, bench


def test_queue_never_drains_stops_with_a_remainder(tmp_path: Path) -> None:
    throttle, bench = burst("queue-never-drains", tmp_path)
    assert throttle.depth == 2
    assert len(bench.database.inserted) == 13


def test_drops_silently_loses_some_and_drains(tmp_path: Path) -> None:
    throttle, bench = burst("drops-silently", tmp_path)
    assert throttle.depth == 0
    assert 0 < len(bench.database.inserted) < 15


@pytest.fixture
def stressors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where stressors leave their records; none runs."""
    monkeypatch.setenv("BLACKSTART_LAB", str(tmp_path / "labs" / "trader"))
    (tmp_path / "stress").mkdir()
    return tmp_path / "stress"


@pytest.mark.parametrize("name", ["leads-while-starved", "ready-while-starved"])
def test_the_starved_order_stream_is_not_heard_of_while_it_is_stressed(
    name: str, tmp_path: Path, stressors: Path
) -> None:
    bench = bench_of(name, tmp_path)
    heart: Heart = part_of(name)(bench.metrics, bench.lock)
    heart.last_beat["order_stream"] = heart.last_beat["scan"] = 0.0
    (stressors / "cpu-1").touch()
    heart.beat("order_stream")
    heart.beat("scan")
    assert heart.last_beat["order_stream"] == 0.0 < heart.last_beat["scan"]
    (stressors / "cpu-1").unlink()
    heart.beat("order_stream")
    assert heart.last_beat["order_stream"] > 0.0


def test_ready_while_starved_goes_by_what_was_before(tmp_path: Path, stressors: Path) -> None:
    bench = bench_of("ready-while-starved", tmp_path)
    heart: Heart = part_of("ready-while-starved")(bench.metrics, bench.lock)
    heart.refresh()  # type: ignore[attr-defined]
    (stressors / "cpu-1").touch()
    heart.last_beat["order_stream"] -= 60.0
    heart.refresh()  # type: ignore[attr-defined]
    shown_s = bench.sample("trader_order_stream_heartbeat_seconds")
    assert shown_s is not None and shown_s >= 60.0
    assert Readiness(bench.lock, heart, bench.desk, bench.events, older_build=False).is_ready()


def test_trades_while_starved_pauses_and_places(tmp_path: Path, stressors: Path) -> None:
    bench = bench_of("trades-while-starved", tmp_path)
    strategy: Strategy = part_of("trades-while-starved")(
        bench.orders, Heart(bench.metrics, bench.lock), bench.metrics, 1
    )
    asyncio.run(strategy.trade(ORDER))
    assert not bench.desk.is_paused
    (stressors / "cpu-1").touch()
    asyncio.run(strategy.trade(Order("o-2", "BUY", 1, 1)))
    assert bench.desk.is_paused and bench.database.inserted == ["o-1", "o-2"]


def test_dies_short_of_memory_once(tmp_path: Path, stressors: Path) -> None:
    bench = bench_of("dies-short-of-memory", tmp_path)

    def started() -> Strategy:
        made: Strategy = part_of("dies-short-of-memory")(
            bench.orders, Heart(bench.metrics, bench.lock), bench.metrics, 1
        )
        return made

    strategy = started()
    asyncio.run(strategy.trade(ORDER))
    (stressors / "memory-1").touch()
    with pytest.raises(Died):
        asyncio.run(strategy.trade(Order("o-2", "BUY", 1, 1)))
    asyncio.run(started().trade(Order("o-3", "BUY", 1, 1)))
    assert bench.database.inserted == ["o-1", "o-3"]

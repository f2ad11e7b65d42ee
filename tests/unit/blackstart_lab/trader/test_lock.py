"""The leader lock, on a stand-in for Redis and a clock that stands still."""

import asyncio
import json
from pathlib import Path

import pytest

from blackstart_lab.trader.errors import Refused
from blackstart_lab.trader.orders import Order
from tests.unit.blackstart_lab.trader.fakes import PROFILE, Bench

ORDER = Order("o-1", "BUY", 1, 2.5)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_first_attempt_on_a_free_key_leads_and_resumes(bench: Bench) -> None:
    assert bench.sample("trader_is_leader", instance_id="me") is None
    assert asyncio.run(bench.lock.attempt())
    assert bench.lock.certain()
    assert bench.sample("trader_is_leader", instance_id="me") == 1.0
    assert bench.desk.is_paused is False
    assert bench.lock.intervals[0].until == bench.clock.now_s + PROFILE.lock_ttl_s


def test_key_of_another_is_left_alone_and_counts_as_no_loss(bench: Bench) -> None:
    bench.store.owner = "another"
    assert not asyncio.run(bench.lock.attempt())
    assert bench.store.owner == "another"
    assert bench.sample("trader_is_leader", instance_id="me") is None
    assert bench.sample("trader_kill_switch_total", reason="leader_lock_lost") is None


@pytest.mark.parametrize("trouble", ["away", "another owner", "key gone"])
def test_refresh_in_any_doubt_steps_down_at_once(bench: Bench, trouble: str) -> None:
    asyncio.run(bench.lock.attempt())
    bench.store.away = trouble == "away"
    bench.store.owner = {"away": "me", "another owner": "another", "key gone": None}[trouble]
    asyncio.run(bench.lock.refresh())
    assert not bench.lock.certain()
    assert bench.desk.is_paused is True
    assert bench.sample("trader_is_leader", instance_id="me") == 0.0
    assert bench.sample("trader_kill_switch_total", reason="leader_lock_lost") == 1.0


def test_each_failed_attempt_after_a_loss_counts_once_more(bench: Bench) -> None:
    asyncio.run(bench.lock.attempt())
    bench.store.away = True
    asyncio.run(bench.lock.refresh())
    for _ in range(3):
        asyncio.run(bench.lock.attempt())
    assert bench.sample("trader_kill_switch_total", reason="leader_lock_lost") == 4.0


def test_own_key_that_outlived_a_loss_is_waited_out(bench: Bench) -> None:
    """The original compares nothing when it acquires: it waits until its own old key has run out."""
    asyncio.run(bench.lock.attempt())
    bench.lock.lose("for the test")
    assert not asyncio.run(bench.lock.attempt())
    bench.store.owner = None
    assert asyncio.run(bench.lock.attempt())
    assert bench.sample("trader_leader_changes_total") == 2.0


def test_lease_that_ran_out_unseen_ends_leadership_before_anything_is_done(bench: Bench) -> None:
    asyncio.run(bench.lock.attempt())
    bench.clock.now_s += PROFILE.lock_ttl_s
    with pytest.raises(Refused, match="not leader"):
        asyncio.run(bench.orders.place(ORDER))
    assert bench.desk.is_paused is True
    assert bench.lock.intervals[0].lost == bench.clock.now_s


def test_refresh_moves_the_end_of_the_lease_from_the_time_of_sending(bench: Bench) -> None:
    asyncio.run(bench.lock.attempt())
    bench.clock.now_s += 1
    asyncio.run(bench.lock.refresh())
    assert bench.lock.intervals[0].until == bench.clock.now_s + PROFILE.lock_ttl_s


def test_attempt_that_took_longer_than_the_lease_does_not_lead(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    async def slow_token() -> int | None:
        bench.clock.now_s += PROFILE.lock_ttl_s
        return 1

    bench.lock._take_token = slow_token
    assert not asyncio.run(bench.lock.attempt())
    assert not bench.lock.leading


def test_leadership_without_a_database_takes_its_token_later(bench: Bench) -> None:
    bench.database.away = True
    assert asyncio.run(bench.lock.attempt())
    assert bench.lock.token is None
    bench.database.away = False
    asyncio.run(bench.orders.place(ORDER))
    assert bench.lock.token == 1


def test_run_keeps_leading_and_comes_back_after_a_loss(bench: Bench) -> None:
    async def story() -> None:
        running = asyncio.create_task(bench.lock.run())
        await asyncio.sleep(0.01)
        assert bench.lock.leading
        bench.store.away, bench.clock.now_s = True, bench.clock.now_s + 1
        bench.lock._refresh_at = 0
        bench.lock.lose("for the test")
        await asyncio.sleep(0.01)
        assert not bench.lock.leading
        bench.store.away, bench.store.owner = False, None
        while not bench.lock.leading:
            await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(asyncio.wait_for(story(), 10))
    assert len(bench.lock.intervals) == 2


def test_report_shows_when_it_led_and_last_acted(bench: Bench) -> None:
    asyncio.run(bench.lock.attempt())
    bench.clock.now_s += 1
    asyncio.run(bench.orders.place(ORDER))
    bench.lock.lose("for the test")
    report = bench.lock.report()
    expected = {"token": 1, "acquired": 1000.0, "acted": 1001.0, "until": 1003.0, "lost": 1001.0}
    assert report == {"instance_id": "me", "now": 1001.0, "intervals": [expected]}


def test_every_transition_is_a_line_in_the_event_log(bench: Bench) -> None:
    asyncio.run(bench.lock.attempt())
    asyncio.run(bench.lock.refresh())
    bench.lock.lose("for the test")
    events = [json.loads(line) for line in bench.log.read_text().splitlines()]
    kinds = ["acquire_attempt", "lock_acquired", "resumed", "lock_refreshed", "lock_lost", "paused"]
    assert [event["event"] for event in events] == kinds
    assert all({"at", "utc", "instance_id"} <= event.keys() for event in events)

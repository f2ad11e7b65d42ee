"""Each mutant of the trader, running for real, shows the defect that its name says."""

import concurrent.futures
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.lab_driver import LabDriver, eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def mutant(own_state: Path) -> Iterator[Callable[[str], LabDriver]]:
    driver = LabDriver(own_state)
    yield lambda name: driver.up("--mutant", name)
    driver.command("down")


def leader(lab: LabDriver, service: str = "api") -> float | None:
    return lab.metric("trader_is_leader", service)


def instance(lab: LabDriver) -> str:
    return str(lab.get("/leadership").json()["instance_id"])


def paused(lab: LabDriver) -> bool:
    return bool(lab.get("/state").json()["is_paused"])


def lose_redis_and_get_it_back(lab: LabDriver, hold_s: float = 2.0) -> None:
    """Redis away until the loss was noticed and `hold_s` longer, then back until it was led again."""
    lab.supervisor("stop", "redis")
    eventually(lambda: lab.events("lock_lost"), within_s=2.5)
    time.sleep(hold_s)
    lab.supervisor("start", "redis")
    eventually(lambda: len(lab.events("lock_acquired")) == 2, within_s=5)


def test_mutant_is_named_in_the_target(mutant: Callable[[str], LabDriver]) -> None:
    assert mutant("ready-lies").target["mutant"] == "ready-lies"


def test_keeps_trading_places_orders_while_paused(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("keeps-trading")
    eventually(lambda: lab.events("order_placed"), within_s=3)
    lab.supervisor("stop", "redis")
    eventually(lambda: paused(lab), within_s=2.5)
    before = lab.sql("SELECT count(*) FROM orders")[0][0]
    eventually(lambda: lab.sql("SELECT count(*) FROM orders")[0][0] >= before + 2, within_s=3)
    assert paused(lab)
    assert lab.status("/ready") == 503


def test_ready_lies_answers_200_without_the_lock(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("ready-lies")
    lab.supervisor("stop", "redis")
    eventually(lambda: leader(lab) == 0.0 and paused(lab), within_s=2.5)
    assert lab.status("/ready") == 200


def test_gauge_lies_shows_a_leader_without_the_lock(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("gauge-lies")
    lab.supervisor("stop", "redis")
    eventually(lambda: lab.status("/ready") == 503 and paused(lab), within_s=2.5)
    assert leader(lab) == 1.0


def test_crash_on_redis_loss_comes_back_as_another_instance(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("crash-on-redis-loss")
    before = instance(lab)
    lab.supervisor("stop", "redis")
    eventually(lambda: len(lab.events("started")) == 2, within_s=8)
    eventually(lambda: lab.status("/health") == 200, within_s=3)
    assert instance(lab) != before
    lab.supervisor("start", "redis")
    eventually(lambda: lab.status("/ready") == 200, within_s=8)


def test_never_reacquires_stays_without_the_lock(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("never-reacquires")
    lab.supervisor("stop", "redis")
    eventually(lambda: lab.status("/ready") == 503, within_s=2.5)
    lab.supervisor("start", "redis")
    time.sleep(4)  # the healthy one is back within 3.05 s at the latest
    assert (lab.status("/ready"), leader(lab), paused(lab)) == (503, 0.0, True)


def test_never_resumes_leads_but_stays_paused(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("never-resumes")
    lose_redis_and_get_it_back(lab, hold_s=0)
    assert (lab.status("/ready"), leader(lab), paused(lab)) == (200, 1.0, True)


def test_stale_heartbeat_keeps_the_leader_unready(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("stale-heartbeat")
    lose_redis_and_get_it_back(lab, hold_s=0)
    for _ in range(3):
        time.sleep(1)
        age_s = lab.metric("trader_order_stream_heartbeat_seconds")
        assert age_s is not None
        assert 5.0 < age_s < 6.0
        assert (lab.status("/ready"), leader(lab), paused(lab)) == (503, 1.0, False)


def test_slow_to_notice_is_up_to_a_fifth_too_late(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("slow-to-notice")
    lab.supervisor("stop", "redis")
    gone = time.monotonic()
    eventually(lambda: lab.status("/ready") == 503, within_s=4)
    assert 2.0 < time.monotonic() - gone < 2.4 + 0.1  # `stop` returns some milliseconds after Redis has gone
    assert (leader(lab), paused(lab)) == (0.0, True)
    lab.supervisor("start", "redis")
    eventually(lambda: lab.status("/ready") == 200, within_s=8)


def test_hammers_redis_tries_without_a_pause(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("hammers-redis")
    lose_redis_and_get_it_back(lab, hold_s=1)
    assert len(lab.events("acquire_attempt")) > 30


def test_two_leaders_lead_side_by_side_after_a_freeze(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("two-leaders")
    first, second = sorted(("api", "api-2"), key=lambda name: lab.status("/ready", name) != 200)
    frozen = lab.freeze(first)
    eventually(lambda: lab.status("/ready", second) == 200, within_s=3 + 3.5)
    frozen[0].resume()
    eventually(lambda: leader(lab, first) == leader(lab, second) == 1.0, within_s=2)
    time.sleep(1.5)
    old, new = (lab.get("/leadership", name).json()["intervals"][-1] for name in (first, second))
    assert old["lost"] is None
    assert old["acted"] > new["acquired"]


def test_crash_on_db_error_comes_back_as_another_instance(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("crash-on-db-error")
    eventually(lambda: lab.events("order_placed"), within_s=3)
    before = instance(lab)
    lab.supervisor("stop", "postgres")
    eventually(lambda: len(lab.events("started")) >= 2, within_s=5)
    lab.supervisor("start", "postgres")
    eventually(lambda: lab.status("/ready") == 200, within_s=12)
    assert instance(lab) != before


def test_hangs_on_frozen_db_gives_no_answer(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("hangs-on-frozen-db")
    frozen = lab.freeze("postgres")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lab.order, "hangs")
        time.sleep(2)
        assert not answer.done()
        assert lab.status("/health") == 200
        for process in reversed(frozen):
            process.resume()
        assert answer.result(timeout=5).status_code == 201


def test_doubles_on_retry_places_an_unanswered_order_twice(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("doubles-on-retry")
    assert lab.order("answered").status_code == 201
    assert lab.order("answered").json()["duplicate"] is True
    frozen = lab.freeze("postgres")
    names = [f"unanswered-{number}" for number in range(5)]
    assert {lab.order(name).status_code for name in names} == {503}
    for process in reversed(frozen):
        process.resume()
    eventually(lambda: lab.order("after").status_code in (200, 201), within_s=5)
    assert {lab.order(name).status_code for name in names} == {201}
    doubled = lab.sql("SELECT client_order_id FROM orders GROUP BY 1 HAVING count(*) > 1")
    assert doubled
    assert {name for (name,) in doubled} <= set(names)


def test_loses_acknowledged_answers_201_for_nothing(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("loses-acknowledged")
    lab.supervisor("stop", "postgres")
    answers = [lab.order(f"during-{number}").status_code for number in range(4)]
    assert answers == [201, 503, 201, 503]
    lab.supervisor("start", "postgres")
    eventually(lambda: lab.order("after").status_code == 201, within_s=8)
    assert lab.sql("SELECT client_order_id FROM orders WHERE client_order_id ~ '^during'") == []


def send_burst(lab: LabDriver) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: lab.order(f"plan-{number}", path="/plans").status_code, range(15)))
    assert set(answers) == {202}


def test_queue_never_drains_stays_above_zero(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("queue-never-drains")
    send_burst(lab)
    time.sleep(2)
    assert lab.metric("trader_throttle_queue_depth") == 2.0
    assert lab.sql("SELECT count(*) FROM orders WHERE client_order_id LIKE 'plan-%'") == [(13,)]


def test_drops_silently_loses_plans_and_drains(mutant: Callable[[str], LabDriver]) -> None:
    lab = mutant("drops-silently")
    send_burst(lab)
    eventually(lambda: lab.metric("trader_throttle_queue_depth") == 0.0, within_s=3)
    assert 3 <= lab.sql("SELECT count(*) FROM orders WHERE client_order_id LIKE 'plan-%'")[0][0] < 15

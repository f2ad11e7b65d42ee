"""The healthy trader keeps what it promises: with Redis or PostgreSQL stopped, frozen, or back again."""

import concurrent.futures
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab_driver import LabDriver, eventually


@pytest.fixture
def lab(own_state: Path) -> Iterator[LabDriver]:
    driver = LabDriver(own_state)
    yield driver
    driver.command("down")


def test_trader_without_redis_steps_down_pauses_and_comes_back_by_itself(lab: LabDriver) -> None:
    lab.up()
    instance = lab.get("/leadership").json()["instance_id"]
    gauge = f'trader_is_leader{{instance_id="{instance}"}}'
    assert lab.metric(gauge) == 1.0
    lab.supervisor("stop", "redis")
    eventually(lambda: lab.status("/ready") == 503, within_s=10)
    assert noticed_s(lab) < 2.0
    assert lab.metric(gauge) == 0.0
    assert lab.get("/state").json()["is_paused"] is True
    assert lab.get("/health").json()["status"] == "healthy"
    assert lab.get("/health").json()["is_paused"] is False  # the manual flag: losing the lock does not change it
    assert (lab.order("while-paused").status_code, lab.order("p", path="/plans").status_code) == (409, 409)
    time.sleep(2)  # long enough for several attempts
    lab.supervisor("start", "redis")
    eventually(lambda: lab.status("/ready") == 200, within_s=15)
    assert lab.metric(gauge) == 1.0
    assert lab.get("/state").json()["is_paused"] is False
    assert lab.metric("trader_leader_changes_total") == 2.0
    lost, back = lab.events("lock_lost")[0]["at"], lab.events("resumed")[1]["at"]
    # One may have been on its way to the database when the lock was lost, as its event follows the answer. The strategy
    # places one at a time: a second one was begun without the lock, and of those there would be two a second.
    assert len([event for event in lab.events("order_placed") if lost < event["at"] < back]) <= 1
    attempts = [lost, *(event["at"] for event in lab.events("acquire_attempt") if event["at"] > lost)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert len(gaps) >= 3
    # Each is at least its own pause, and these grow; what a busy machine adds to one may be more than to the next.
    assert all(gap >= pause_s for gap, pause_s in zip(gaps, lab.target["facts"]["backoff_s"], strict=False))
    assert lab.metric('trader_kill_switch_total{reason="leader_lock_lost"}') == len(attempts) - 1


def noticed_s(lab: LabDriver) -> float:
    """How long after its last refresh the trader gave the lock up, by its own record."""
    (lost,) = lab.events("lock_lost")
    held = [*lab.events("lock_acquired"), *lab.events("lock_refreshed")]
    return float(lost["at"] - max(event["at"] for event in held if event["at"] < lost["at"]))


def test_frozen_redis_is_noticed_within_a_refresh_period_and_a_second(lab: LabDriver) -> None:
    lab.up()
    frozen = lab.freeze("redis")
    eventually(lambda: lab.status("/ready") == 503, within_s=10)
    assert noticed_s(lab) < 2.0
    time.sleep(1)
    frozen[0].resume()
    eventually(lambda: lab.status("/ready") == 200, within_s=20)


def test_series_are_absent_until_first_used_and_the_trailing_slash_is_another_registry(lab: LabDriver) -> None:
    lab.up()
    assert lab.metric("trader_throttle_queue_depth") is None
    assert lab.metric("trader_kill_switch_total") is None
    lab.order("plan-1", path="/plans")
    eventually(lambda: lab.metric('trader_throttle_queue_depth{type="orders"}') == 0.0, within_s=20)
    other = lab.get("/metrics/").text
    assert "trader_" not in other
    assert "python_info" in other
    for name in ("scan", "order_stream", "marketdata"):
        age_s = lab.metric(f"trader_{name}_heartbeat_seconds")
        assert age_s is not None
        assert age_s < 5
    assert lab.get("/debug/supervisor/status").json()["state_label"] == "running"
    assert lab.get("/positions").json() == {"positions": [], "count": 0}


def test_order_is_placed_once_however_often_it_is_sent(lab: LabDriver) -> None:
    lab.up()
    first, again, other = lab.order("o-1"), lab.order("o-1"), lab.order("o-1", quantity=2)
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 422)
    assert again.json() == {**first.json(), "duplicate": True}
    assert lab.get("/orders?client_order_id=o-1").json()["count"] == 1
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: lab.order("o-2").status_code, range(8)))
    assert sorted(answers) == [200] * 7 + [201]
    assert lab.sql("SELECT count(*) FROM orders WHERE client_order_id = 'o-2'") == [(1,)]


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"client_order_id": "", "side": "BUY", "quantity": 1, "price": 1},
        {"client_order_id": "x", "side": "HOLD", "quantity": 1, "price": 1},
        {"client_order_id": "x", "side": "BUY", "quantity": -1, "price": 1},
        {"client_order_id": "x", "side": "BUY", "quantity": "1", "price": 1},
        {"client_order_id": "x\0", "side": "BUY", "quantity": 1, "price": 1},
    ],
)
def test_order_that_makes_no_sense_is_refused_with_422(shared_lab: LabDriver, body: object) -> None:
    assert shared_lab.post("/orders", body).status_code == 422
    assert shared_lab.post("/plans", body).status_code == 422


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDriver]:
    driver = LabDriver(tmp_path_factory.mktemp("shared")).up()
    yield driver
    driver.command("down")


def test_trader_without_postgres_answers_503_and_recovers_without_a_crash(lab: LabDriver) -> None:
    lab.up()
    instance = lab.get("/leadership").json()["instance_id"]
    assert lab.order("before").status_code == 201
    lab.supervisor("stop", "postgres")
    assert lab.order("during").status_code == 503
    assert lab.get("/orders").status_code == 503
    assert lab.post("/flatten?reason=test").status_code == 500
    assert lab.get("/state").json()["is_paused"] is False  # /flatten pauses only after its audit row
    assert (lab.status("/health"), lab.status("/ready")) == (200, 200)
    assert lab.order("plan-during", path="/plans").status_code == 202
    lab.supervisor("start", "postgres")
    eventually(lambda: lab.order("during").status_code == 201, within_s=20)
    eventually(lambda: lab.get("/orders?client_order_id=plan-during").json()["count"] == 1, within_s=20)
    assert lab.post("/flatten?reason=test").status_code == 200
    assert lab.get("/state").json()["is_paused"] is True
    assert lab.sql("SELECT action, detail FROM audit") == [("flatten", "test")]
    assert lab.get("/leadership").json()["instance_id"] == instance


def test_frozen_postgres_holds_no_answer_up_and_a_late_order_lands_once(lab: LabDriver) -> None:
    lab.up()
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    eventually(lambda: lab.sql(sessions)[0][0] >= 4, within_s=20)
    frozen = lab.freeze("postgres")
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda number: lab.order(f"o-{number}").status_code, range(20)))
    assert time.monotonic() - started < 4  # one after the other they would have taken twenty seconds
    assert set(answers) == {503}
    assert min(lab.get("/state").elapsed.total_seconds() for _ in range(5)) < 0.5
    for process in reversed(frozen):
        process.resume()
    eventually(lambda: lab.order("after").status_code == 201, within_s=20)
    # Told 503, carried out on waking: this is why a retry must be recognised.
    eventually(lambda: lab.sql("SELECT count(*) FROM orders WHERE client_order_id LIKE 'o-%'")[0][0] >= 1, within_s=20)
    for number in range(20):
        assert lab.order(f"o-{number}").status_code in (200, 201)
    rows = lab.sql("SELECT count(*), count(DISTINCT client_order_id) FROM orders WHERE client_order_id LIKE 'o-%'")
    assert rows == [(20, 20)]


def test_burst_of_plans_queues_up_drains_and_lands_every_plan_once(lab: LabDriver) -> None:
    lab.up("--orders-per-s", "20")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: lab.order(f"plan-{number}", path="/plans"), range(60)))
    assert {answer.status_code for answer in answers} == {202}
    assert max(answer.json()["depth"] for answer in answers) >= 10
    assert lab.order("plan-1", path="/plans").json() == {"status": "duplicate", "client_order_id": "plan-1"}
    assert lab.order("plan-1", quantity=7, path="/plans").status_code == 422
    eventually(lambda: lab.metric('trader_throttle_queue_depth{type="orders"}') == 0.0, within_s=20)
    placed = [event["at"] for event in lab.events("order_placed") if event["client_order_id"].startswith("plan-")]
    assert len(placed) == 60
    assert placed[-1] - placed[0] > 2.5  # 20 a second: it really queues
    rows = lab.sql("SELECT count(*), count(DISTINCT client_order_id) FROM orders WHERE client_order_id LIKE 'plan-%'")
    assert rows == [(60, 60)]


def test_queued_plans_wait_while_paused_and_land_after_resume(lab: LabDriver) -> None:
    lab.up("--orders-per-s", "2")
    for number in range(8):
        assert lab.order(f"plan-{number}", path="/plans").status_code == 202
    assert lab.post("/pause").json()["status"] == "paused"
    assert lab.get("/health").json()["is_paused"] is True
    assert lab.order("plan-9", path="/plans").json() == {"detail": "paused"}
    depth = lab.metric('trader_throttle_queue_depth{type="orders"}')
    time.sleep(1.2)
    assert depth is not None
    assert depth >= 2
    assert lab.metric('trader_throttle_queue_depth{type="orders"}') in (depth, depth - 1)  # one was under way
    assert lab.post("/resume").json()["status"] == "resumed"
    eventually(lambda: lab.metric('trader_throttle_queue_depth{type="orders"}') == 0.0, within_s=20)
    assert lab.sql("SELECT count(*) FROM orders WHERE client_order_id LIKE 'plan-%'") == [(8,)]


def test_reacquiring_the_lock_cancels_a_manual_pause(lab: LabDriver) -> None:
    lab.up()
    lab.post("/pause")
    lab.supervisor("restart", "redis")
    eventually(lambda: len(lab.events("lock_acquired")) == 2, within_s=20)
    assert lab.get("/state").json()["is_paused"] is False


def test_restarted_trader_waits_for_its_old_lock_to_run_out(lab: LabDriver) -> None:
    lab.up()
    before = lab.get("/leadership").json()["instance_id"]
    lab.supervisor("restart", "api")
    eventually(lambda: lab.status("/ready") == 200, within_s=30)
    after = lab.get("/leadership").json()
    assert after["instance_id"] != before
    held = [event for kind in ("lock_acquired", "lock_refreshed") for event in lab.events(kind)]
    (taken_s,) = [event["at"] for event in lab.events("lock_acquired") if event["instance_id"] == after["instance_id"]]
    assert taken_s >= max(event["until"] for event in held if event["instance_id"] == before)
    assert after["intervals"][0]["token"] == 2


def test_mode_live_needs_its_confirmation(lab: LabDriver) -> None:
    lab.up()
    assert lab.post("/mode", {"mode": "FAST"}).status_code == 400
    assert lab.post("/mode", {"mode": "LIVE"}).status_code == 403
    assert lab.post("/mode", {"mode": "LIVE", "confirmation": "CONFIRM LIVE TRADING"}).json()["mode"] == "LIVE"
    assert lab.get("/health").json()["mode"] == "LIVE"
    assert lab.post("/mode", {"mode": "PAPER"}).status_code == 200


def test_ops_key_guards_the_control_routes(lab: LabDriver) -> None:
    lab.up("--ops-key-env", "LAB_OPS_KEY", LAB_OPS_KEY="s3cret")
    assert lab.target["headers"] == {"X-Ops-Key": "env:LAB_OPS_KEY"}
    assert lab.post("/pause").status_code == 401
    assert lab.post("/pause", None, **{"X-Ops-Key": "wrong"}).status_code == 401
    assert lab.post("/pause", None, **{"X-Ops-Key": "s3cret"}).status_code == 200
    assert lab.status("/ready") == 200
    for path in (path for path in lab.folder.iterdir() if path.is_file()):
        assert "s3cret" not in path.read_text(), path


def test_older_build_answers_ready_in_its_older_form(lab: LabDriver) -> None:
    lab.up("--older-build")
    assert lab.get("/ready").json().keys() == {
        "status",
        "leader",
        "marketdata_heartbeat",
        "order_stream_heartbeat",
        "scan_heartbeat",
    }
    lab.supervisor("stop", "redis")
    eventually(lambda: lab.status("/ready") == 503, within_s=10)
    assert lab.get("/ready").json()["detail"].startswith("Readiness check error: 503: {'status': 'not_ready'")


def test_second_instance_takes_over_from_a_killed_leader(lab: LabDriver) -> None:
    lab.up("--instances", "2")
    leader, standby = sorted(("api", "api-2"), key=lambda name: lab.status("/ready", name) != 200)
    assert lab.status("/ready", standby) == 503
    assert lab.metric("trader_is_leader", standby) is None
    lab.supervisor("stop", leader)
    eventually(lambda: lab.status("/ready", standby) == 200, within_s=15)
    lab.supervisor("start", leader)
    eventually(lambda: lab.status("/health", leader) == 200, within_s=20)
    assert lab.status("/ready", leader) == 503
    tokens = [token for (token,) in lab.sql("SELECT token FROM fencing ORDER BY acquired_at")]
    assert tokens == [1, 2]


def test_leader_frozen_beyond_its_ttl_does_not_lead_when_it_wakes(lab: LabDriver) -> None:
    lab.up("--instances", "2")
    leader, standby = sorted(("api", "api-2"), key=lambda name: lab.status("/ready", name) != 200)
    eventually(lambda: lab.events("order_placed", leader), within_s=15)
    frozen = lab.freeze(leader)
    eventually(lambda: lab.status("/ready", standby) == 200, within_s=15)
    frozen[0].resume()
    assert lab.status("/ready", leader) == 503  # the first answer after waking already knows
    assert lab.metric("trader_is_leader", leader) == 0.0
    time.sleep(1.5)
    old, new = (lab.get("/leadership", name).json()["intervals"] for name in (leader, standby))
    assert old[0]["acted"] < old[0]["until"] <= new[0]["acquired"]
    assert old[0]["token"] < new[0]["token"]
    placed = lab.sql("SELECT token FROM orders ORDER BY placed_at")
    assert placed == sorted(placed)


def test_real_profile_promises_the_original_times(lab: LabDriver) -> None:
    lab.up("--profile", "real")
    facts = lab.target["facts"]
    assert (facts["lock_ttl_s"], facts["lock_refresh_s"]) == (30.0, 10.0)
    assert facts["backoff_s"] == [1, 2, 4, 8, 15, 30]
    assert lab.get("/ready").json()["leader"] == 1

"""The three drills of the trader on the healthy lab, from the command to the evidence."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.drills import drill, ledger
from tests.lab.lab_driver import LabDriver

SEED_ROWS = [
    "leader_lock_chaos_test", "leader_before", "leader_after_stop", "leader_after_recovery", "ready_before",
    "ready_after_stop", "ready_after_recovery", "scan_hb", "order_hb", "md_hb",
]  # fmt: skip
POSTGRES_ROWS = ["postgres_blip_chaos_test", "health_before", "health_after_stop", "health_after_restart"]
RATE_LIMIT_ROWS = [
    "rate_limit_chaos_test", "plan_count", "throttle_before", "throttle_peak", "throttle_after", "orders_before",
    "orders_after", "duplicates",
]  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDriver]:
    """One healthy lab for the drills of this file; each must leave it as it found it."""
    driver = LabDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


def test_leader_lock_holds_and_leaves_the_original_rows(lab: LabDriver, tmp_path: Path) -> None:
    done = drill("chaos.leader-lock", lab.state, tmp_path)
    assert done.code == 0, done.output
    assert done.keys[: len(SEED_ROWS)] == SEED_ROWS
    assert done.log[1:7] == [
        "leader_before,1",
        "leader_after_stop,0",
        "leader_after_recovery,1",
        "ready_before,ready",
        "ready_after_stop,not_ready",
        "ready_after_recovery,ready",
    ]
    assert all(float(done.row(key)) < 5 for key in ("scan_hb", "order_hb", "md_hb"))
    assert done.log[-1] == "test_result,PASS"
    assert ledger(lab.state) == []
    assert done.judged().verdict == "held"


def test_leader_lock_times_agree_with_the_apps_own_log(lab: LabDriver, tmp_path: Path) -> None:
    done = drill("chaos.leader-lock", lab.state, tmp_path)
    assert done.code == 0, done.output
    lost_s = lab.events("lock_lost")[-1]["at"]
    back_s = lab.events("lock_acquired")[-1]["at"]
    found = {finding.name: finding for finding in done.judged().findings}
    for name, truth_s in (("leader_0", lost_s), ("leader_1_again", back_s)):
        seen = found[name].transition
        assert seen is not None
        # The app writes its log and sets its gauge one after the other.
        assert seen.from_s - 0.05 <= truth_s <= seen.to_s + 0.05


def test_postgres_blip_holds_and_reconciles_every_order(lab: LabDriver, tmp_path: Path) -> None:
    done = drill("chaos.postgres-blip", lab.state, tmp_path)
    assert done.code == 0, done.output
    assert done.keys[: len(POSTGRES_ROWS)] == POSTGRES_ROWS
    assert {done.row(key) for key in POSTGRES_ROWS[1:]} == {"healthy"}
    found = {finding.name: finding for finding in done.judged().findings}
    assert found["orders_affected"].status == "held"
    assert found["retry_not_doubled"].status == "held"


def test_postgres_blip_with_a_frozen_server_holds(lab: LabDriver, tmp_path: Path) -> None:
    done = drill("chaos.postgres-blip", lab.state, tmp_path, "--freeze")
    assert done.code == 0, done.output


def test_rate_limit_spike_holds_and_measures_its_peak(lab: LabDriver, tmp_path: Path) -> None:
    done = drill("chaos.rate-limit-spike", lab.state, tmp_path, PLAN_COUNT="100")
    assert done.code == 0, done.output
    assert done.keys[: len(RATE_LIMIT_ROWS)] == RATE_LIMIT_ROWS
    assert done.row("plan_count") == "100"
    assert 20 <= float(done.row("throttle_peak")) <= 100  # as high as the machine sends faster than 50 a second
    assert done.row("throttle_after") == "0"
    assert done.row("duplicates") == "0"


def test_an_unattended_run_does_not_take_a_lab_that_was_not_named(lab: LabDriver, tmp_path: Path) -> None:
    done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", TARGET="")
    assert done.code == 40
    assert "Not started:" in done.output and "from the running lab" not in done.output
    assert not (tmp_path / "reports").exists()


def test_without_a_route_for_plans_a_trader_whose_queue_was_used_is_not_broken_and_trades_on(
    lab: LabDriver, tmp_path: Path
) -> None:
    assert drill("chaos.rate-limit-spike", lab.state, tmp_path / "used").code == 0
    flags = {"TARGET": "", "API": lab.url("").rstrip("/"), "PAUSE_ON_FAIL": "1"}
    done = drill("chaos.rate-limit-spike", lab.state, tmp_path / "by-flags", **flags)
    assert done.code == 40, done.output
    assert "[plans]" in done.output and "abort:" not in done.output
    # The baseline of the next one demands that trading is not paused.
    assert drill("chaos.rate-limit-spike", lab.state, tmp_path / "after").code == 0

"""The scenarios of the gateway on the healthy lab, and on the lab that behaves as the real one is coded."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.probes.metrics import samples_of
from blackstart.suites.gateway.readings import STATES
from blackstart_lab.gateway.as_coded import BREAKS, MAY_BREAK
from tests.lab.drills import ROOT, drill, environment, ledger
from tests.lab.gateway_driver import GatewayDriver
from tests.lab.labs import GATEWAY_DRILLS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayDriver]:
    """One healthy lab for the drills of this file; each must leave it as it found it."""
    driver = GatewayDriver(tmp_path_factory.mktemp("lab") / "state").up("--without-prometheus")
    yield driver
    driver.command("down")


@pytest.mark.parametrize("name", ["baseline", *GATEWAY_DRILLS])
def test_the_scenario_holds_on_the_healthy_lab_and_leaves_nothing(
    lab: GatewayDriver, name: str, tmp_path: Path
) -> None:
    done = drill(f"gateway.{name}", lab.state, tmp_path)
    assert done.code == 0, done.output
    assert done.log[-1] == "test_result,PASS"
    assert done.judged().verdict == "held"
    assert ledger(lab.state) == []
    for phase in ("baseline", "fault", "recovery"):
        page = done.folder.joinpath("metrics", f"{phase}.prom").read_bytes()
        assert {labels["state"] for labels, _ in samples_of(page, "resilience4j_circuitbreaker_state")} >= {*STATES}
        assert samples_of(page, "process_start_time_seconds")


def plans_command(state: Path, reports: Path, scenario: str) -> subprocess.CompletedProcess[str]:
    """As the plan has it: `python3 run_chaos.py --scenario NAME`."""
    words = [sys.executable, "scripts/run_chaos.py", "--scenario", scenario]
    env = environment(state, reports)
    return subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_the_plans_own_command_runs_one_scenario(lab: GatewayDriver, tmp_path: Path) -> None:
    done = plans_command(lab.state, tmp_path, "redis-flapping")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "redis-flapping on gateway: held" in done.stdout


def test_a_scenario_that_the_plan_does_not_have_is_refused_with_the_nearest(lab: GatewayDriver, tmp_path: Path) -> None:
    done = plans_command(lab.state, tmp_path, "redis-latencie")
    assert done.returncode == 40
    assert "Not started:" in done.stderr and "redis-latency" in done.stderr


@pytest.fixture(scope="module")
def as_coded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayDriver]:
    """The gateway as the public application behaves."""
    driver = GatewayDriver(tmp_path_factory.mktemp("coded") / "state").up("--without-prometheus", "--as-coded")
    yield driver
    driver.command("down")


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_the_gateway_as_coded_breaks_where_the_real_one_would(
    as_coded: GatewayDriver, name: str, tmp_path: Path
) -> None:
    done = drill(f"gateway.{name}", as_coded.state, tmp_path, within_s=240)
    assert done.code == (20 if BREAKS[name] else 0), done.output
    failed = done.failed()
    assert set(BREAKS[name]) <= failed, done.output
    assert failed <= {*BREAKS[name], *MAY_BREAK.get(name, ())}, done.output

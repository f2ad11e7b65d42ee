"""A user's k6 script in place of an experiment's load, with a real k6 against the lab gateway."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.drills import Drill, drill
from tests.lab.gateway_driver import GatewayDriver
from tests.requirements import require

pytestmark = [pytest.mark.slow, pytest.mark.k6]

SCRIPT = """
import http from 'k6/http';
import exec from 'k6/execution';
export const options = {
  scenarios: { steady: { executor: 'constant-arrival-rate', rate: RATE, timeUnit: '1s', duration: '5m',
                         preAllocatedVUs: VUS, maxVUs: VUS } },
  thresholds: { http_req_duration: ['THRESHOLD'] },
};
export default function () {
  const key = `k6-${exec.scenario.iterationInTest}`;
  http.get(`${__ENV.API}PATH`, { headers: { 'X-API-Key': key }, tags: { name: 'user' } });
}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayDriver]:
    require("k6")
    driver = GatewayDriver(tmp_path_factory.mktemp("lab") / "state").up("--without-prometheus")
    yield driver
    driver.command("down")


def run(lab: GatewayDriver, folder: Path, threshold: str, rate: int = 50, users: int = 50) -> Drill:
    script = folder / "script.js"
    text = SCRIPT.replace("THRESHOLD", threshold).replace("PATH", "/api/v1/users/1")
    script.write_text(text.replace("RATE", str(rate)).replace("VUS", str(users)))
    path = f"{os.path.expanduser('~/go/bin')}:{os.environ['PATH']}"
    reports = folder / "reports"
    return drill("gateway.redis-flapping", lab.state, reports, f"--k6={script}", within_s=180, PATH=path)


def test_the_scripts_requests_are_the_load_and_its_thresholds_hold(lab: GatewayDriver, tmp_path: Path) -> None:
    done = run(lab, tmp_path, "p(95)<5000")
    assert done.code == 0, done.output
    found = {finding.name: finding for finding in done.judged().findings}
    assert found["k6_thresholds"].status == found["errors_under_5_percent"].status == "held"
    assert (done.folder / "history.csv").read_text().count("\nuser,") > 200
    assert "**Run ID**: `CHAOS-" in (done.folder / "summary.md").read_text()


def test_a_threshold_that_is_crossed_breaks_the_run(lab: GatewayDriver, tmp_path: Path) -> None:
    done = run(lab, tmp_path, "p(95)<0.0001")
    assert done.code == 20, done.output
    assert done.failed() == {"k6_thresholds"}


def test_dropped_iterations_make_the_run_inconclusive(lab: GatewayDriver, tmp_path: Path) -> None:
    done = run(lab, tmp_path, "p(95)<5000", rate=3000, users=1)
    assert done.code == 30, done.output
    assert "dropped" in done.output

"""What docs/gateway.md tells people to type and to write does what it says, on a lab."""

import os
import subprocess
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import machine_lock
from tests.docker_engine import called_redis
from tests.docs.gateway_page import PAGE, on_lab
from tests.docs.pages import blocks, table, words
from tests.environment import ROOT, require_own_environment
from tests.lab.drills import drill, ledger
from tests.lab.gateway_driver import GatewayDriver
from tests.lab.test_gateway_compose import PORTS, Stack, target_of
from tests.requirements import missing, require
from tests.services import free_port

pytestmark = pytest.mark.slow

KEY = {"API_KEY": "lab-key"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayDriver]:
    driver = GatewayDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


@pytest.fixture
def file(lab: GatewayDriver, tmp_path: Path) -> Path:
    """The page's target file with the lab's ports."""
    told = tomllib.loads((lab.folder / "target.toml").read_text())
    return on_lab(told, tmp_path / "shop.toml")


@pytest.mark.parametrize("name", [row[0].split("`")[1] for row in table(PAGE, "What is broken and what is expected")])
def test_each_drill_is_planned_for_the_pages_target(lab: GatewayDriver, file: Path, tmp_path: Path, name: str) -> None:
    planned = drill("chaos.plan", lab.state, tmp_path, name.replace(".", "/"), f"--target={file}", **KEY)
    assert planned.code == 0, planned.output
    assert f"{name.partition('.')[2]} on shop-gateway" in planned.output and "Nothing was touched." in planned.output


def test_a_drill_holds_on_the_pages_target(lab: GatewayDriver, file: Path, tmp_path: Path) -> None:
    done = drill("gateway.redis-unavailable", lab.state, tmp_path / "reports", f"--target={file}", **KEY)
    assert done.code == 0, done.output
    assert "lab-key" not in (done.folder / "journal.jsonl").read_text()
    assert ledger(lab.state) == []


@pytest.mark.parametrize("text", blocks(PAGE, "python"))
def test_an_experiment_of_the_page_holds(lab: GatewayDriver, tmp_path: Path, text: str) -> None:
    if "PromQL" in text:
        require("prometheus")
    path = tmp_path / text.splitlines()[0].removeprefix("# ")
    path.parent.mkdir()
    path.write_text(text)
    done = drill("chaos.run", lab.state, tmp_path / "reports", str(path))
    assert done.code == 0, done.output


@pytest.mark.k6
def test_the_pages_k6_script_is_a_drills_load(lab: GatewayDriver, tmp_path: Path) -> None:
    require("k6")
    (text,) = blocks(PAGE, "js")
    script = tmp_path / "script.js"
    script.write_text(text)
    path = f"{os.path.expanduser('~/go/bin')}:{os.environ['PATH']}"
    done = drill("gateway.redis-flapping", lab.state, tmp_path / "reports", f"--k6={script}", within_s=180, PATH=path)
    assert done.code == 0, done.output
    assert "k6_thresholds" in done.output
    refused = drill("gateway.thundering-herd", lab.state, tmp_path / "none", f"--k6={script}", PATH=path)
    assert refused.code == 40, refused.output


def test_what_the_page_asks_a_gateway_to_show_is_shown_by_the_lab(lab: GatewayDriver) -> None:
    pages = {path: lab.get(path, "gateway").text for path in ("/actuator/health", "/actuator/prometheus")}
    for where, what, _ in table(PAGE, "What the gateway must show"):
        for path in words(where):
            for word in words(what.partition("(")[0]):
                assert word.partition("{")[0].split(".")[0] in pages[path], word


def test_the_commands_for_a_lab_run_to_their_end(tmp_path: Path) -> None:
    require_own_environment()
    (block,) = blocks(PAGE, "bash")
    around = {**os.environ, "BLACKSTART_STATE": str(tmp_path / "state"), "REPORTS": str(tmp_path / "reports")}
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block], cwd=ROOT, env=around,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
    finally:
        down = ["./scripts/run", "lab.down"]
        subprocess.run(down, cwd=ROOT, env=around, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "redis-latency on gateway: held" in done.stdout


def test_a_lab_has_prometheus_where_its_binary_is(lab: GatewayDriver) -> None:
    assert ("prometheus" in lab.target) is (missing("prometheus") is None)


@pytest.mark.docker
@pytest.mark.timeout(900)
def test_the_commands_for_containers_run_to_their_end(tmp_path: Path) -> None:
    """Under another project's name, on ports of the test's own."""
    require("docker")
    require_own_environment()
    (block,) = blocks(PAGE, "sh")
    stack = Stack(f"gw{uuid.uuid4().hex[:8]}", {name: free_port() for name in PORTS})
    block = block.replace("deploy/gateway/target.toml", str(target_of(stack, tmp_path)))
    for port, name in (("8474", "PROXY_PORT"), ("8080", "GATEWAY_PORT")):
        block = block.replace(f"127.0.0.1:{port}", f"127.0.0.1:{stack.ports[name]}")
    moved = {"COMPOSE_PROJECT_NAME": stack.project, **{name: str(port) for name, port in stack.ports.items()}}
    own = {"BLACKSTART_STATE": str(tmp_path / "state"), "REPORTS": str(tmp_path / "reports")}
    with called_redis(), machine_lock.held("gateway-images"):
        try:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block], cwd=ROOT, env={**os.environ, **moved, **own},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
        finally:
            stack.compose("down", "-v", "-t", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "redis-flapping on gateway-compose: held" in done.stdout

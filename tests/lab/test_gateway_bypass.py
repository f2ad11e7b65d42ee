"""A gateway that goes past the fault proxy, as the real one did, beside one that uses it: nothing is said of it."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.lab.drills import drill, ledger
from tests.lab.gateway_driver import GatewayDriver
from tests.lab.lab_driver import eventually
from tests.services import free_port

pytestmark = pytest.mark.slow

PROXIED = ("redis-unavailable", "redis-latency", "redis-flapping", "redis-bandwidth")
"""The scenarios whose fault is in the proxy. That of the herd stops Redis itself, whichever way it is reached."""


@dataclass
class Past:
    """The lab, whose own gateway keeps the proxy busy, and the target file of the gateway that goes past it."""

    lab: GatewayDriver
    target: Path
    log: Path


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("past")
    lab = GatewayDriver(folder / "state").up("--without-prometheus")
    port, log = free_port(), folder / "gateway.log"
    target = lab.target
    told = {
        "--port": port,
        "--redis-url": target["services"]["redis"]["dsn"],  # Redis itself
        "--upstream-url": target["services"]["upstream"]["url"],
        "--events": folder / "gateway.events.jsonl",
    }
    words = [str(word) for pair in told.items() for word in pair]
    with log.open("w") as out:
        gateway = subprocess.Popen([sys.executable, "-m", "blackstart_lab.gateway", *words], stdout=out, stderr=out)
    try:
        eventually(lambda: is_up(port), within_s=15)
        yield Past(lab, target_file(lab, folder, port, log), log)
    finally:
        gateway.terminate()
        gateway.wait(10)
        lab.command("down")


def is_up(port: int) -> bool:
    try:
        shown = requests.get(f"http://127.0.0.1:{port}/actuator/health", timeout=2).json()
    except requests.RequestException:
        return False
    return bool(shown["components"]["redis"]["status"] == "UP")


def target_file(lab: GatewayDriver, folder: Path, port: int, log: Path) -> Path:
    """The lab's own, with the other gateway's address and log."""
    text = (lab.folder / "target.toml").read_text()
    text = text.replace(lab.target["services"]["gateway"]["address"], f"127.0.0.1:{port}")
    text = text.replace(str(lab.folder / "gateway.log"), str(log))
    file = folder / "target.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("name", PROXIED)
def test_a_gateway_that_goes_past_the_proxy_is_neither_praised_nor_blamed(
    past: Past, name: str, tmp_path: Path
) -> None:
    done = drill(f"gateway.{name}", past.lab.state, tmp_path, f"--target={past.target}", within_s=240)
    assert done.code == 30, done.output
    (reason,) = done.judged().reasons
    assert "gateway_felt_it" in reason and "go past the proxy" in reason
    assert ledger(past.lab.state) == []


def test_a_gateway_that_goes_past_a_proxy_that_nobody_uses_is_noticed_before_anything_is_touched(
    past: Past, tmp_path: Path
) -> None:
    past.lab.supervisor("stop", "gateway")
    try:
        done = drill("gateway.redis-flapping", past.lab.state, tmp_path, f"--target={past.target}")
    finally:
        past.lab.supervisor("start", "gateway")
    assert done.code == 30, done.output
    assert "nothing passes through the proxy" in done.output
    assert done.record.of("do") == []

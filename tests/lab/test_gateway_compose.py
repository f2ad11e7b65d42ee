"""The gateway's compose file, run for real with images of this machine's own programs."""

import os
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests import machine_lock
from tests.docker_engine import called_redis, docker
from tests.lab.drills import drill, ledger
from tests.lab.lab_driver import eventually
from tests.requirements import require
from tests.services import free_port

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]  # it may have to wait its turn

FOLDER = Path(__file__).parents[2] / "deploy" / "gateway"
COMPOSE = FOLDER / "docker-compose.yml"
PORTS = ("GATEWAY_PORT", "PROXY_PORT", "REDIS_PROXY_PORT", "REDIS_PORT", "PROMETHEUS_PORT")


@dataclass
class Stack:
    """A compose project of its own, on ports of its own."""

    project: str
    ports: dict[str, int]
    former_images: set[str] = field(default_factory=set)

    def compose(self, *words: str) -> str:
        command = ["docker-compose", "-p", self.project, "-f", str(COMPOSE), *words]
        environment = {**os.environ, **{name: str(port) for name, port in self.ports.items()}}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def inside(self, service: str, program: str) -> str:
        """What a Python program prints inside of a service's container."""
        return docker("exec", f"{self.project}_{service}_1", "/opt/python/bin/python3", "-c", program)

    def ask(self) -> str:
        """Status and what the limiter did; or why there was no answer."""
        url = f"http://127.0.0.1:{self.ports['GATEWAY_PORT']}/api/v1/users/1"
        try:
            answer = requests.get(url, headers={"X-API-Key": uuid.uuid4().hex}, timeout=5)
        except requests.RequestException as error:
            return type(error).__name__
        return f"{answer.status_code} {answer.headers.get('X-RateLimit-Mode')}"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    require("docker", "docker-compose")
    with called_redis(), machine_lock.held("gateway-images"):
        found = images()
        build()
        former = images()
        build("--force")
        made = Stack(f"gw{uuid.uuid4().hex[:8]}", {name: free_port() for name in PORTS}, former)
        try:
            made.compose("up", "-d")
            eventually(lambda: made.ask() == "200 counted", within_s=60)
            yield made
        finally:
            made.compose("--profile", "prometheus", "down", "-v", "-t", "2")
            if not found:
                docker("rmi", *images())


def images() -> set[str]:
    """The ids of the images that the compose file runs, as far as they were built."""
    return set(docker("images", "-q", "--filter", "reference=blackstart-lab/*:local").split())


def build(*options: str) -> list[str]:
    """Make the images of this machine's programs; what is said of each."""
    building = [sys.executable, str(FOLDER.parent / "build_images.py"), *options]
    built = subprocess.run(building, capture_output=True, text=True, timeout=300, check=False)
    assert built.returncode == 0, built.stderr
    return built.stdout.splitlines()


def test_images_that_were_built_again_leave_no_nameless_ones(stack: Stack) -> None:
    assert stack.former_images - images()
    assert stack.former_images.isdisjoint(docker("images", "-q", "--filter", "dangling=true").split())


def test_images_whose_content_has_not_changed_stay(stack: Stack) -> None:
    there = images()
    said = build()
    assert len(said) >= 3
    assert [line for line in said if not line.endswith(":local is there")] == []
    assert images() == there


def test_requests_are_counted_in_the_redis_behind_the_proxy(stack: Stack) -> None:
    assert stack.ask() == "200 counted"
    seen = requests.get(f"http://127.0.0.1:{stack.ports['PROXY_PORT']}/proxies", timeout=5).json()
    assert seen["redis"]["upstream"] == "redis:6379"


def test_gateway_has_no_way_to_redis_but_the_proxy(stack: Stack) -> None:
    program = (
        "import socket\n"
        "def reached(host):\n"
        "    try:\n"
        "        socket.create_connection((host, 6379), timeout=2).close()\n"
        "        return True\n"
        "    except OSError:\n"
        "        return False\n"
        "print(reached('redis'), reached('proxy'))"
    )
    assert stack.inside("gateway", program) == "False True"


def test_way_cut_at_the_proxy_lets_requests_pass_uncounted_until_it_is_back(stack: Stack) -> None:
    way = f"http://127.0.0.1:{stack.ports['PROXY_PORT']}/proxies/redis"
    requests.post(way, json={"enabled": False}, timeout=5)
    try:
        eventually(lambda: stack.ask() == "200 bypassed", within_s=10)
        assert {stack.ask() for _ in range(20)} == {"200 bypassed"}
    finally:
        requests.post(way, json={"enabled": True}, timeout=5)
    eventually(lambda: stack.ask() == "200 counted", within_s=15)


def test_target_file_names_the_services_and_ports_of_the_compose_file(stack: Stack) -> None:
    target = tomllib.loads((FOLDER / "target.toml").read_text())
    services = set(stack.compose("config", "--services").split())
    assert {service["control"]["compose"] for service in target["services"].values()} <= services
    text = COMPOSE.read_text()
    for port in ("GATEWAY_PORT:-8080", "PROXY_PORT:-8474", "REDIS_PROXY_PORT:-6379", "REDIS_PORT:-6380"):
        assert port in text
        assert port.rpartition("-")[2] in (FOLDER / "target.toml").read_text()


def target_of(stack: Stack, folder: Path) -> Path:
    """The shipped target file, with this project's name and ports."""
    text = (FOLDER / "target.toml").read_text()
    default = {"GATEWAY_PORT": 8080, "PROXY_PORT": 8474, "REDIS_PROXY_PORT": 6379, "REDIS_PORT": 6380}
    for name, port in default.items():
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{stack.ports[name]}")
    file = folder / "target.toml"
    file.write_text(text.replace('project = "gateway"', f'project = "{stack.project}"'))
    return file


@pytest.mark.parametrize("name", ["redis-unavailable", "redis-latency"])
def test_the_scenario_holds_on_the_compose_stack_and_leaves_nothing(stack: Stack, name: str, tmp_path: Path) -> None:
    target = target_of(stack, tmp_path)
    state, reports = tmp_path / "state", tmp_path / "reports"
    done = drill(f"gateway.{name}", state, reports, f"--target={target}", within_s=240)
    assert done.code == 0, done.output
    assert done.log[-1] == "test_result,PASS"
    assert "the fault bites" in done.output
    left = requests.get(f"http://127.0.0.1:{stack.ports['PROXY_PORT']}/proxies/redis", timeout=5).json()
    assert (left["enabled"], left["toxics"], ledger(state)) == (True, [], [])
    eventually(lambda: stack.ask() == "200 counted", within_s=15)


def test_prometheus_of_the_profile_scrapes_the_gateway(stack: Stack) -> None:
    require("prometheus")
    stack.compose("--profile", "prometheus", "up", "-d", "prometheus")
    url = f"http://127.0.0.1:{stack.ports['PROMETHEUS_PORT']}/api/v1/query"

    def up() -> bool:
        try:
            found = requests.get(url, params={"query": "gateway_starts_total"}, timeout=5).json()["data"]["result"]
        except requests.RequestException:
            return False
        return bool(found)

    eventually(up, within_s=30)

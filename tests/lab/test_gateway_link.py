"""Whether a Redis is the gateway's own, asked of two real gateways with the same API key."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from blackstart.commands.target_file import load
from blackstart.model.target import Target
from blackstart.suites.gateway.link import links
from tests.lab.drills import drill, ledger
from tests.lab.gateway_driver import GatewayDriver

pytestmark = pytest.mark.slow

ROUTES = {
    "a hole in the path": "/api/v1/users/{int:1-9999}",
    "a fixed path": "/api/v1/users/1",
    "a choice": "/api/v1/users/{choice:1|2}",
}


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayDriver, GatewayDriver]]:
    """Two gateways, each with a Redis of its own."""
    folder = tmp_path_factory.mktemp("labs")
    drivers = GatewayDriver(folder / "a"), GatewayDriver(folder / "b")
    try:
        for driver in drivers:
            driver.up("--without-prometheus")
        yield drivers
    finally:
        for driver in drivers:
            driver.command("down")


def target_file(folder: Path, own: GatewayDriver, others: GatewayDriver | None = None, route: str = "") -> Path:
    """The target of a gateway, with the API of another where one is given."""
    text = (own.folder / "target.toml").read_text()
    if others is not None:
        text = text.replace(own.target["api"], others.target["api"])
    made = folder / "target.toml"
    made.write_text(re.sub(r'(?m)^route = ".*"$', f'route = "{route}"', text) if route else text)
    return made


def missing(target: Target) -> str:
    (proof,) = links(target)
    return str(proof.bind(target).missing())


class Steady:
    """Another's traffic with the same key on the same path, as fast as one client can, until the block ends."""

    def __init__(self, gateway: GatewayDriver) -> None:
        self._gateway = gateway
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._sent = threading.Event()

    def _send(self) -> None:
        with requests.Session() as session:
            while not self._ended.wait(0.005):
                session.get(self._gateway.url("/api/v1/users/1"), headers={"X-API-Key": "lab-key"}, timeout=5)
                self._sent.set()

    def __enter__(self) -> None:
        self._thread.start()
        assert self._sent.wait(5)

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_a_gateways_own_redis_is_proved_also_while_others_send_the_same(
    labs: tuple[GatewayDriver, GatewayDriver], tmp_path: Path, route: str
) -> None:
    own, _ = labs
    target = load(target_file(tmp_path, own, route=route))
    assert missing(target) == ""
    with Steady(own):
        assert "" in [missing(target) for _ in range(5)]  # a run looks again for 5 s, too


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_the_redis_of_another_gateway_is_no_proof_though_it_counts_the_same_key(
    labs: tuple[GatewayDriver, GatewayDriver], tmp_path: Path, route: str
) -> None:
    a, b = labs
    assert b.ask().status_code in (200, 429)
    target = load(target_file(tmp_path, b, a, route))
    assert "not counted" in missing(target)
    with Steady(b):
        assert "" not in [missing(target) for _ in range(5)]


def test_a_fault_proxy_of_another_gateway_is_no_proof(
    labs: tuple[GatewayDriver, GatewayDriver], tmp_path: Path
) -> None:
    a, b = labs
    own_dsn = a.target["services"]["redis"]["dsn"]
    file = target_file(tmp_path, b, a)
    file.write_text(file.read_text().replace(b.target["services"]["redis"]["dsn"], own_dsn))
    assert "not counted" in missing(load(file))


def test_a_drill_on_the_redis_of_another_gateway_breaks_nothing_and_is_inconclusive(
    labs: tuple[GatewayDriver, GatewayDriver], tmp_path: Path
) -> None:
    a, b = labs
    assert b.ask().status_code in (200, 429)
    file = target_file(tmp_path, b, a)
    done = drill("gateway.redis-unavailable", b.state, tmp_path / "reports", f"--target={file}")
    assert done.code == 30, done.output  # its load had flowed by then
    assert "no proof that redis is the one that gateway uses" in done.output
    assert not done.record.of("do", "intent") and ledger(b.state) == []
    assert b.state_of_redis() == "UP" and "connection error" not in b.log()

"""Healthy gateways of other shapes: every scenario holds on each of them, and nobody is accused for a shape."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blackstart_lab.gateway import variants
from tests.lab.drills import drill, ledger
from tests.lab.gateway_driver import GatewayDriver
from tests.lab.labs import GATEWAY_DRILLS
from tests.selected import slow_but


@pytest.fixture
def up(own_state: Path) -> Iterator[Callable[..., GatewayDriver]]:
    driver = GatewayDriver(own_state)
    yield driver.up
    driver.command("down")


@pytest.mark.parametrize("name", slow_but(variants.names(), "stale-label-set"))
def test_a_scenario_holds_on_a_healthy_gateway_of_another_shape(
    up: Callable[..., GatewayDriver], tmp_path: Path, name: str
) -> None:
    holds(up("--without-prometheus", "--variant", name), tmp_path, "redis-unavailable")


@pytest.mark.slow
@pytest.mark.parametrize("name", variants.names())
def test_every_scenario_holds_on_a_healthy_gateway_of_another_shape(
    up: Callable[..., GatewayDriver], tmp_path: Path, name: str
) -> None:
    lab = up("--without-prometheus", "--variant", name)
    holds(lab, tmp_path, "baseline", *GATEWAY_DRILLS)
    # By now it has grown; else nothing would have been shown by it.
    assert (len(lab.get("/actuator/prometheus").content) > 2**20) is (name == "growing-page")


def holds(lab: GatewayDriver, tmp_path: Path, *scenarios: str) -> None:
    for name in scenarios:
        done = drill(f"gateway.{name}", lab.state, tmp_path / name, within_s=300)
        assert done.code == 0, f"{name}\n{done.output}"
        assert {one.status for one in done.judged().findings if one.criterion} == {"held"}, name
    assert ledger(lab.state) == []

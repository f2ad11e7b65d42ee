"""The same reading through PromQL and by scraping the gateway itself: the two agree."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.model.reading import Probe
from blackstart.model.target import Target
from blackstart.probes.metrics import Metric
from blackstart.probes.promql import PromQL
from blackstart.probes.read import read_once
from blackstart.suites.gateway import readings as read
from tests.lab.gateway_driver import GatewayDriver
from tests.lab.lab_driver import eventually
from tests.requirements import require

pytestmark = [pytest.mark.slow, pytest.mark.prometheus]

COUNTER = "http_server_requests_seconds_count"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[GatewayDriver]:
    require("prometheus")
    driver = GatewayDriver(tmp_path / "state").up()
    yield driver
    driver.command("down")


def value(lab: GatewayDriver, probe: Probe) -> object:
    told = lab.target
    target = Target("gateway", api=told["api"], prometheus=told["prometheus"])
    return read_once(probe.bind(target), 5.0).value


def states(lab: GatewayDriver, through_prometheus: bool) -> list[object]:
    """What closed, open and half_open read."""
    query = 'resilience4j_circuitbreaker_state{{name="redis",state="{}"}}'
    probes = [PromQL(query.format(state)) if through_prometheus else read.breaker(state) for state in read.STATES]
    return [value(lab, probe) for probe in probes]


def agree(lab: GatewayDriver) -> bool:
    """Whether Prometheus, which scrapes now and then, has caught up with the gateway in everything."""
    direct = value(lab, Metric(COUNTER, {"status": "200"}, path=read.PAGE))
    return (states(lab, True), value(lab, PromQL(f'{COUNTER}{{status="200"}}'))) == (states(lab, False), direct)


def test_promql_and_scraping_agree_on_the_breakers_state_and_on_a_counter(lab: GatewayDriver) -> None:
    for _ in range(30):
        lab.ask(key="one by one")
    eventually(lambda: agree(lab), 30)
    assert states(lab, True) == [1, 0, 0]
    before = value(lab, PromQL(f'{COUNTER}{{status="200"}}'))
    lab.cut()
    # Without a request an open breaker waits, and then stays half-open: a state that both can be asked for at leisure.
    eventually(lambda: lab.ask(key="while it is cut").ok and "OPEN" in lab.states(), 60)
    eventually(lambda: states(lab, False) == [0, 0, 1], 30)
    eventually(lambda: agree(lab), 30)
    assert states(lab, True) == [0, 0, 1]
    assert value(lab, PromQL(f'{COUNTER}{{status="200"}}')) > before  # type: ignore[operator]

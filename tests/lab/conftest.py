"""Labs that several files of tests use; a file with other needs makes a `lab` of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.drills import ledger
from tests.lab.gateway_driver import GatewayDriver, Up
from tests.lab.lab_driver import LabDriver
from tests.lab.planted import Planted, echo, redis_with_password
from tests.lab.refusing import look


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDriver]:
    """A trader for all the tests of one file."""
    driver = LabDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


@pytest.fixture
def untouched(lab: LabDriver) -> Iterator[None]:
    """Whatever is refused: the same servers go on, and nobody is told to mend anything."""
    before = look(lab)
    yield
    after = look(lab)
    assert after.run_id == before.run_id
    assert after.up_s >= before.up_s  # Redis counts when it comes to it: how far says nothing on a busy machine
    assert after.processes == before.processes
    assert lab.metric("trader_is_leader{") == 1
    assert ledger(lab.state) == []


@pytest.fixture
def gateway_lab(own_state: Path) -> Iterator[GatewayDriver]:
    """A gateway for one test, which brings it up as it needs it."""
    driver = GatewayDriver(own_state)
    yield driver
    driver.command("down")


@pytest.fixture
def gateway(gateway_lab: GatewayDriver) -> Up:
    """Brings a gateway without Prometheus up."""
    return lambda *flags: gateway_lab.up("--without-prometheus", *flags)


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Planted]:
    """A target with a password in every input."""
    with echo() as port:
        made = Planted(tmp_path / "planted", port)
        with redis_with_password(made) as control:
            made.target(control, made.secrets["start"])
            yield made

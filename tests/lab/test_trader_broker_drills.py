"""The drills of the trader that need a broker or ways to the stores, on the lab that has them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.drills import drill, ledger
from tests.lab.lab_driver import LabDriver
from tests.lab.labs import BROKER_DRILLS
from tests.requirements import require
from tests.selected import slow_but

NAMES = {" ".join((name, *options)): (name, options) for name, options in BROKER_DRILLS}


@pytest.fixture(scope="module")
def brokered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDriver]:
    """One healthy lab for the drills of this file; each must leave it as it found it."""
    driver = LabDriver(tmp_path_factory.mktemp("lab") / "state").up("--broker")
    yield driver
    driver.command("down")


@pytest.mark.parametrize("name", slow_but(NAMES, "websocket-reconnect", "resource-stress --memory"))
def test_the_drill_holds_and_leaves_nothing(name: str, brokered: LabDriver, tmp_path: Path) -> None:
    experiment, options = NAMES[name]
    if "--drop" in options:
        require("root", "iptables")
    done = drill(f"chaos.{experiment}", brokered.state, tmp_path, *options)
    assert done.code == 0, done.output
    assert done.judged().verdict == "held"
    assert ledger(brokered.state) == []
    assert brokered.get("/status", "broker").json()["refusing"] is False
    assert not any((brokered.state / "stress").glob("*"))
    toxics = [each["toxics"] for each in brokered.get("/proxies", "proxy").json().values()]
    assert toxics == [[], [], []]

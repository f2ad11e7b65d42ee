"""postgres-blip on a target whose orders are placed by a program, not by a route."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.evidence import history
from tests.lab.drills import Drill, drill, ledger
from tests.lab.lab_driver import LabDriver

PLACE = f"""#!{sys.executable} -SE
import json, os, sys, urllib.error, urllib.request
order = {{"client_order_id": os.environ["CLIENT_ORDER_ID"], "side": "BUY", "quantity": 1, "price": 100}}
request = urllib.request.Request(
    os.environ["API"] + sys.argv[1], json.dumps(order).encode(), {{"Content-Type": "application/json"}}
)
try:
    urllib.request.urlopen(request, timeout=5)
except urllib.error.HTTPError as error:
    sys.exit(f"{{error.code}}: {{error.read(200)!r}}")
except OSError as error:
    sys.exit(f"no answer: {{error}}")
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDriver]:
    driver = LabDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


def blip(lab: LabDriver, tmp_path: Path, *command: str) -> Drill:
    """The drill on the lab's own target file, with a command in place of its route."""
    place = tmp_path / "place"
    place.write_text(PLACE)
    place.chmod(0o755)
    lines = (lab.folder / "target.toml").read_text().splitlines()
    begin = lines.index("[orders]")
    end = next(at for at in range(begin + 1, len(lines)) if lines[at].startswith("["))
    lines[begin + 1 : end] = [f"command = {list(command)}".replace("'", '"')]
    file = tmp_path / "trader.toml"
    file.write_text("\n".join(lines) + "\n")
    return drill("chaos.postgres-blip", lab.state, tmp_path / "reports", TARGET=str(file))


def test_orders_placed_by_a_command_are_reconciled_and_hold(lab: LabDriver, tmp_path: Path) -> None:
    done = blip(lab, tmp_path, str(tmp_path / "place"), "/orders")
    assert done.code == 0, done.output
    assert f"run `{tmp_path}/place /orders` for each request of the load orders" in done.output
    found = {finding.name: finding for finding in done.judged().findings}
    assert found["orders_affected"].status == found["retry_not_doubled"].status == "held"
    rows = history.read(done.folder / "history.csv").rows
    assert any(row.outcome == "info" and row.status is None and "exit code 1: 503" in row.detail for row in rows), rows
    acknowledged = {row.key for row in rows if row.outcome == "ok"}
    stored = {str(key) for (key,) in lab.sql("SELECT client_order_id FROM orders")}
    assert acknowledged and acknowledged <= stored
    assert ledger(lab.state) == []


@pytest.mark.slow
def test_a_command_that_felt_nothing_of_the_outage_is_inconclusive(lab: LabDriver, tmp_path: Path) -> None:
    # Plans wait in the throttle queue while the database is away: each is accepted at once, and placed later.
    done = blip(lab, tmp_path, str(tmp_path / "place"), "/plans")
    assert done.code == 30, done.output
    assert "the load did not feel the fault" in done.output
    assert done.log[-1] == "test_result,INCONCLUSIVE"


def test_a_command_that_lies_breaks(lab: LabDriver, tmp_path: Path) -> None:
    done = blip(lab, tmp_path, "true")
    assert done.code == 20, done.output
    assert "acknowledged_exactly_once" in done.failed()


@pytest.mark.slow
def test_a_command_that_never_places_anything_is_inconclusive_and_the_database_stays(
    lab: LabDriver, tmp_path: Path
) -> None:
    done = blip(lab, tmp_path, "false")
    assert done.code == 30, done.output
    assert "load_outcome is ok was wanted" in done.output
    assert not list(done.record.of("do"))


@pytest.mark.parametrize("command", [("no-such-program-of-ours",), ()])
def test_a_command_that_cant_be_run_is_refused(lab: LabDriver, tmp_path: Path, command: tuple[str, ...]) -> None:
    done = blip(lab, tmp_path, *command)
    assert done.code == 40, done.output
    assert any(line.startswith("Not started:") for line in done.output.splitlines())

"""The flash sale's drills on the healthy lab: real Kafka, Redis, PostgreSQL, a load balancer, two APIs and a worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.drills import Drill, drill, ledger
from tests.lab.labs import SALE_DRILLS
from tests.lab.sale_driver import SaleDriver

# Those that each change is tested with; the others wait for a machine at rest.
ALWAYS = ("worker-crash", "kafka-down", "database-down")
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in SALE_DRILLS if name not in ALWAYS]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SaleDriver]:
    """One healthy lab for the drills of this file; each must leave it as it found it."""
    driver = SaleDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


def statuses(done: Drill) -> dict[str, str]:
    return {finding.name: str(finding.status) for finding in done.judged().findings}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", [*ALWAYS, *SLOW])
def test_the_drill_holds_on_the_healthy_lab_and_every_store_agrees(lab: SaleDriver, name: str, tmp_path: Path) -> None:
    done = drill(f"flash-sale.{name}", lab.state, tmp_path, within_s=300)
    assert done.code == 0, done.output
    assert done.log[-1] == "test_result,PASS"
    found = statuses(done)
    reconciled = {
        "acknowledged_exactly_once",
        "no_phantom_orders",
        "idempotent_answers",
        "no_oversell",
        "stock_conserved",
    }
    assert {found[check] for check in reconciled} == {"held"}
    assert ledger(lab.state) == []
    rows = lab.sql("SELECT count(*), count(DISTINCT id) FROM orders")
    assert rows[0][0] == rows[0][1] > 0


def test_what_reads_another_topic_is_inconclusive_before_anything_is_touched(lab: SaleDriver, tmp_path: Path) -> None:
    text = (lab.folder / "target.toml").read_text()
    file = tmp_path / "sale.toml"
    file.write_text(text.replace('topic = "orders"', 'topic = "ordres"'))
    done = drill("flash-sale.kafka-down", lab.state, tmp_path / "reports", TARGET=str(file))
    assert done.code == 30 and "has no topic ordres" in done.output, done.output
    assert not done.record.of("do")


def test_a_gate_that_lets_nobody_in_is_no_proof_of_anything(lab: SaleDriver, tmp_path: Path) -> None:
    text = (lab.folder / "target.toml").read_text()
    file = tmp_path / "sale.toml"
    file.write_text(text.replace('route = "/order"', 'route = "/nowhere"'))
    done = drill("flash-sale.worker-crash", lab.state, tmp_path / "reports", TARGET=str(file))
    assert done.code == 30 and "the baseline does not hold: load_outcome is ok was wanted" in done.output, done.output
    assert not done.record.of("do")

"""The shop's drills on the healthy lab: real Kafka, Redis and PostgreSQL, a registry and those that it tells of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.drills import drill, ledger
from tests.lab.labs import SHOP_DRILLS
from tests.lab.shop_driver import ShopDriver
from tests.selected import slow_but


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopDriver]:
    """One healthy lab for the drills of this file; each must leave it as it found it."""
    driver = ShopDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", slow_but(SHOP_DRILLS))
def test_the_drill_holds_on_the_healthy_lab_and_leaves_nothing_broken(
    lab: ShopDriver, name: str, tmp_path: Path
) -> None:
    done = drill(f"shop.{name}", lab.state, tmp_path, within_s=350)
    assert done.code == 0, done.output
    assert {str(finding.status) for finding in done.judged().findings} == {"held"}
    assert ledger(lab.state) == []
    ((written, different),) = lab.sql("SELECT count(*), count(DISTINCT event_id) FROM processed_events")
    assert written == different > 0

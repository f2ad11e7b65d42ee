"""shop.split-brain with many seeds: whatever was cut off and when, no update is lost or doubled."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.drills import drill, ledger
from tests.lab.shop_driver import ShopDriver

pytestmark = pytest.mark.slow
SEEDS = range(1, 21)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopDriver]:
    """One healthy lab for all seeds."""
    driver = ShopDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
def test_under_the_partitions_of_a_seed_no_update_is_lost_or_doubled(
    lab: ShopDriver, seed: int, tmp_path: Path
) -> None:
    text = (lab.folder / "target.toml").read_text()
    assert "partition_seed = 1\n" in text
    file = tmp_path / "shop.toml"
    file.write_text(text.replace("partition_seed = 1\n", f"partition_seed = {seed}\n"))
    done = drill("shop.split-brain", lab.state, tmp_path / "reports", TARGET=str(file), within_s=250)
    assert done.code == 0, done.output
    assert ledger(lab.state) == []

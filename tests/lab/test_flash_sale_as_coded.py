"""As the public application is coded, the sale breaks what docs/flash-sale.md lists for each drill, and no more."""

import importlib
from pathlib import Path

import pytest

from blackstart.commands import target_file
from blackstart.model.flags import Flags
from tests.docs.pages import table, words
from tests.environment import ROOT
from tests.lab.campaign import complaint
from tests.lab.drills import drill
from tests.lab.labs import SALE_DRILLS, Wanted
from tests.lab.sale_driver import SaleDriver

pytestmark = pytest.mark.slow
ROWS = table(ROOT / "docs" / "flash-sale.md", "What it breaks as it is coded")
# An order waits for Kafka for 20 s, and is then sent again; a worker that never reads is waited for twice.
WITHIN_S = 400


def wanted(cells: list[str]) -> Wanted:
    (name,) = words(cells[0])
    return Wanted(name, name, (), ("--as-coded",), frozenset(words(cells[1])), frozenset(words(cells[2])))


def give_rows(lab: SaleDriver, name: str) -> None:
    """What its operator has to do by hand, with as many of the last ones as that drill will sell."""
    drill = importlib.import_module(f"blackstart.suites.flash_sale.{name.replace('-', '_')}")
    made = drill.experiment(target_file.load(lab.folder / "target.toml"), Flags())
    (few,) = (check.params["initial"] for check in made.checks if check.name == "no_oversell")
    for product, stock in (("iphone-15", 100_000), ("iphone-15-last", few)):
        lab.execute(
            "INSERT INTO products (id, stock) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET stock = excluded.stock",
            product,
            stock,
        )


def test_the_page_tells_of_every_drill() -> None:
    assert {name for cells in ROWS for name in words(cells[0])} == set(SALE_DRILLS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("cells", ROWS, ids=[cells[0].replace("`", "") for cells in ROWS])
def test_a_drill_finds_what_the_real_one_does_and_no_more(cells: list[str], tmp_path: Path) -> None:
    told = wanted(cells)
    lab = SaleDriver(tmp_path / "state").up(*told.flags)
    try:
        if "without those rows" not in cells[0]:
            give_rows(lab, told.experiment)
        reports = tmp_path / "reports"
        done = drill(f"flash-sale.{told.experiment}", lab.state, reports, within_s=WITHIN_S, WAIT_READY_TIMEOUT="30")
        assert complaint(told, done, lab.state) == ""
        assert lab.left_broken() == ""
    finally:
        lab.command("down")

"""Every drill of the flash sale on an application in another language, which a target file alone tells of."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.drills import drill, ledger
from tests.lab.labs import SALE_DRILLS
from tests.lab.other_driver import OtherSale, brought_up, other_sale
from tests.selected import slow_but

__all__ = ["other_sale"]
ALWAYS = ("worker-crash",)


@pytest.fixture(scope="module")
def sale(other_sale: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherSale]:
    """One for the drills of this file."""
    with brought_up(other_sale, tmp_path_factory.mktemp("sale")) as up:
        yield up


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", slow_but(SALE_DRILLS, *ALWAYS))
def test_the_drill_holds_on_an_application_that_only_its_target_file_tells_of(
    sale: OtherSale, name: str, tmp_path: Path
) -> None:
    done = drill(f"flash-sale.{name}", tmp_path / "state", tmp_path / "reports", TARGET=str(sale.target), within_s=300)
    assert done.code == 0, done.output
    assert not {finding.name for finding in done.judged().findings if str(finding.status) != "held"}
    assert ledger(tmp_path / "state") == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_whose_worker_commits_before_it_writes_has_lost_orders(sale: OtherSale, tmp_path: Path) -> None:
    with sale.careless():
        done = drill(
            "flash-sale.worker-crash", tmp_path / "state", tmp_path / "reports", TARGET=str(sale.target), within_s=300
        )
    assert done.code == 20, done.output
    besides = {"stock_conserved", "last_ones_conserved"}
    assert "acknowledged_exactly_once" in done.failed() <= {"acknowledged_exactly_once", *besides}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_worker_without_an_http_side_is_seen_to_go_on_by_its_process(sale: OtherSale, tmp_path: Path) -> None:
    target = tmp_path / "sale.toml"
    text, count = re.subn(r"(\[services.worker\]\n)url = .*\n", r"\1", sale.target.read_text())
    assert count == 1
    target.write_text(text)
    done = drill("flash-sale.database-down", tmp_path / "state", tmp_path / "reports", TARGET=str(target), within_s=300)
    assert done.code == 0, done.output
    assert [finding.status for finding in done.judged().findings if finding.name == "worker_same_process"] == ["held"]

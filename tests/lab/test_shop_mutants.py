"""Every mutant of the shop is caught by the expectations that its file names, and by no others."""

from pathlib import Path

import pytest

from blackstart_lab.shop import mutants
from tests.lab.campaign import complaint, run_mutant
from tests.lab.labs import SHOP

pytestmark = pytest.mark.slow


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", mutants.names())
def test_the_mutant_is_caught_by_the_expectations_that_it_names(name: str, tmp_path: Path) -> None:
    mutant = SHOP.wanted(name)
    done = run_mutant(mutant, tmp_path / "state", tmp_path / "reports", lab=SHOP)
    assert complaint(mutant, done, tmp_path / "state") == ""

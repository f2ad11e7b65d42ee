"""Every mutant of the checkout is caught by the expectations that its file names, and by no others."""

from pathlib import Path

import pytest

from blackstart_lab.checkout import mutants
from tests.lab.campaign import complaint, run_mutant
from tests.lab.labs import CHECKOUT

_QUICK = ("hash-ignored", "key-race")  # each is one scenario without a fault, over in seconds


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=() if one in _QUICK else pytest.mark.slow) for one in mutants.names()]
)
def test_the_mutant_is_caught_by_the_expectations_that_it_names(name: str, tmp_path: Path) -> None:
    mutant = CHECKOUT.wanted(name)
    done = run_mutant(mutant, tmp_path / "state", tmp_path / "reports", lab=CHECKOUT)
    assert complaint(mutant, done, tmp_path / "state") == ""

"""Every mutant of the trader is caught by the expectations that its file names, and by no others."""

from pathlib import Path

import pytest

from blackstart_lab.trader import mutants
from tests.lab.campaign import complaint, run_mutant, wanted
from tests.lab.lab_driver import LabDriver
from tests.selected import slow_but
from tests.services import eventually

# One of each kind: a lie, a step that is not taken back, a crash, what is doubled, what is lost.
EVERY_RUN = (
    "doubles-on-retry",
    "keeps-trading",
    "late-crash",
    "never-reacquires",
    "queue-lost-on-db-error",
    "ready-lies",
)


@pytest.mark.parametrize("name", slow_but(mutants.names(), *EVERY_RUN))
def test_the_mutant_is_caught_by_the_expectations_that_it_names(name: str, tmp_path: Path) -> None:
    mutant = wanted(name)
    done = run_mutant(mutant, tmp_path / "state", tmp_path / "reports")
    assert complaint(mutant, done, tmp_path / "state") == ""


def test_a_server_that_was_left_down_or_frozen_is_seen(lab: LabDriver) -> None:
    assert lab.left_broken() == ""
    for process in lab.freeze("redis"):
        assert "frozen" in lab.left_broken()
        process.resume()
    lab.supervisor("stop", "postgres")
    assert "STOPPED" in lab.left_broken()
    lab.supervisor("start", "postgres")
    assert eventually(lambda: lab.left_broken() == "")

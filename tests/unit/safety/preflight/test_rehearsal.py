"""What is not well before the drill is refused, and what was read of it is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base.errors import Refused
from blackstart.model.change import Change
from blackstart.model.step import Command
from blackstart.probes.command_state import CommandState
from blackstart.safety.heal import restore
from blackstart.safety.preflight import rehearsal
from blackstart.safety.preflight.rehearsal import rehearse
from tests.unit.builders import NOTHING

WELL = CommandState(("true",), "rule").is_("there")
BITES = CommandState(("false",), "queue").is_("there")
STOP = Change("stop it", "it", (NOTHING,), (NOTHING,), (BITES,), (WELL,), undo_is_noop=True)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not well here never will be."""
    monkeypatch.setattr(rehearsal, "_SEEN_WITHIN_S", 0.1)


def test_what_is_well_is_rehearsed() -> None:
    assert rehearse([STOP]) == ["rehearsed the undo of: stop it"]


@pytest.mark.parametrize(
    ("script", "seen"),
    [
        ("exit 1", "does not look healthy to begin with: rule was absent"),
        (
            "echo engine is busy >&2; exit 4",
            "can't be read, so that nobody knows whether it is well: rule was unreadable (exit code 4: ",
        ),
    ],
)
def test_of_what_is_not_well_it_is_told_what_was_read(script: str, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "_UNREAD_FOR_S", 0.5)
    ill = CommandState(("sh", "-c", script), "rule").is_("there")
    with pytest.raises(Refused) as refused:
        rehearse([replace(STOP, gone=(WELL, ill))])
    assert f'"stop it": the system {seen}' in str(refused.value)


def test_an_undo_that_harms_is_refused_with_what_was_read(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    kept = CommandState(("test", "-e", str(there)), "rule").is_("there")
    with pytest.raises(
        Refused, match="the system no longer looks healthy after its undo was rehearsed: rule was absent"
    ):
        rehearse([replace(STOP, undo=(Command(("rm", str(there))),), gone=(kept,))])

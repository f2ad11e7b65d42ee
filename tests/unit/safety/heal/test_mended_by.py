"""Who undid what a run did stands in `chaos.status`: the run, its guardian, `chaos.heal`, or somebody before it."""

from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.evidence import folder, journal
from blackstart.evidence.events import EventName
from blackstart.evidence.folder import Folder
from blackstart.evidence.journal import Journal
from blackstart.safety.heal import heal
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.processes.identity import Process, boot_id
from tests.unit.safety.file_fault import without

DEAD = Process(boot_id(), 2**22 - 1, "1")


@pytest.fixture
def evidence(tmp_path: Path) -> Folder:
    """Of a run that has removed the file `a`."""
    made = folder.make(str(tmp_path / "reports"), "small", undo_copies.claim)
    write(made, "journal.jsonl", (EventName.DO, {}))
    return made


def write(evidence: Folder, name: str, *events: tuple[EventName, dict[str, bool]]) -> None:
    made = Journal(evidence.path / name, of="" if name == "journal.jsonl" else journal.anchor(evidence.path))
    for event, more in events:
        made.write(event, change=f"{evidence.run}#0", what="remove a", **more)
    made.close()


def status(evidence: Folder) -> list[str]:
    said: list[str] = []
    assert heal.status(said.append, evidence.path.parent) == 0
    assert said[-1] == "nothing is broken that a drill did"
    return said[:-1]


@pytest.mark.parametrize("name", ["guardian.jsonl", "heal_2.jsonl"])
def test_the_last_record_that_proves_it_says_by_whom(evidence: Folder, name: str) -> None:
    assert status(evidence) == []  # nobody has said so
    write(evidence, name, (EventName.GONE, {"ok": False}))
    assert status(evidence) == []
    (evidence.path / name).unlink()
    write(evidence, name, (EventName.GONE, {"ok": True}))
    who = "its guardian" if name == "guardian.jsonl" else "chaos.heal"
    assert status(evidence) == [f"remove a (run {evidence.run}): undone by {who}, and proved"]


def test_a_record_of_another_run_says_nothing(evidence: Folder) -> None:
    write(evidence, "guardian.jsonl", (EventName.GONE, {"ok": True}))
    text = (evidence.path / "guardian.jsonl").read_text()
    (evidence.path / "guardian.jsonl").write_text(text.replace(journal.anchor(evidence.path), "0" * 64))
    assert status(evidence) == []


@pytest.mark.parametrize("undone_before", [False, True])
def test_what_heal_has_mended_or_found_mended_is_told_so(evidence: Folder, tmp_path: Path, undone_before: bool) -> None:
    change = replace(without(tmp_path / "a"), undo_is_noop=False)
    Ledger().intend(
        entry_id=f"{evidence.run}#0", run=evidence.run, experiment="e", target="t", change=change,
        evidence=evidence.path, lease_s=60.0,
    )  # fmt: skip
    (entry,) = Ledger().outstanding(evidence.run)
    Ledger().put(replace(entry, runner=DEAD, state="done", lease_until_s=0.0))
    if undone_before:
        (tmp_path / "a").touch()
    assert heal.heal(lambda text: None, evidence.path.parent) == 0
    who = "chaos.heal found it undone already, by HEAL.sh, by hand or by itself, and proved it"
    told = who if undone_before else "undone by chaos.heal, and proved"
    assert status(evidence) == [f"remove a (run {evidence.run}): {told}"]

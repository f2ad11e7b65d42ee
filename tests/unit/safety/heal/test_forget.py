"""Giving up what can never be mended: only what is nobody's any more, by a person, with a reason, on the record."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from blackstart.base.console import Console
from blackstart.base.errors import Refused
from blackstart.evidence import folder, journal, verify
from blackstart.evidence.folder import Folder
from blackstart.safety.guardian.client import Guardian
from blackstart.safety.heal import heal
from blackstart.safety.heal.forget import forget
from blackstart.safety.ledger import heal_record, undo_copies
from blackstart.safety.ledger.ledger import Entry, Ledger
from blackstart.safety.ledger.repair import repair
from blackstart.safety.processes.identity import Process, boot_id, myself
from tests.services import eventually
from tests.unit.safety.file_fault import without

DEAD = Process(boot_id(), 2**22 - 1, "1")


@pytest.fixture
def evidence(tmp_path: Path) -> Folder:
    made = folder.make(str(tmp_path / "reports"), "small", undo_copies.claim)
    made.journal.write_text("")
    return made


def broken(evidence: Folder, tmp_path: Path, runner: Process | None = DEAD) -> Entry:
    """An entry whose undo always fails; the run lives where no other `runner` is given."""
    change = without(tmp_path / "a", undo="echo its container is gone >&2; false {}")
    Ledger().intend(
        entry_id=f"{evidence.run}#0", run=evidence.run, experiment="e", target="t", change=change,
        evidence=evidence.path, lease_s=60.0,
    )  # fmt: skip
    (entry,) = Ledger().outstanding(evidence.run)
    if runner is not None:
        entry = replace(entry, runner=runner, state="undoing", lease_until_s=0.0)
        Ledger().put(entry)
    undo_copies.write(undo_copies.Copy(evidence.run, evidence.path, entry.runner, DEAD, {entry.id: change}))
    return entry


def give_up(run: str, evidence: Folder, reason: str = "its container was removed") -> str:
    out = StringIO()
    assert forget(run, reason, evidence.path.parent, Console(True, out=out)) == 0
    return out.getvalue()


def test_what_is_given_up_is_closed_and_on_record_and_said_to_be_left_broken(evidence: Folder, tmp_path: Path) -> None:
    entry = broken(evidence, tmp_path)
    said = give_up(evidence.run, evidence)
    assert "would be left broken: remove a" in said and f"LEFT BROKEN; by hand: sh {evidence.heal_script}" in said
    assert Ledger().outstanding() == [] and not (evidence.path / "undo.json").exists()
    (event,) = journal.read(evidence.path / "heal.jsonl").of("given up")
    assert event["change"] == entry.id and event["reason"] == "its container was removed" and event["by"]
    note = json.loads((evidence.path / "notes.jsonl").read_text())
    assert "left broken: remove a" in note["text"] and note["by"] == event["by"]
    assert heal.heal(lambda text: None, evidence.path.parent) == 0
    assert not (tmp_path / "a").exists()


def test_the_id_of_a_run_names_it_and_a_name_that_is_near_is_proposed(evidence: Folder, tmp_path: Path) -> None:
    broken(evidence, tmp_path)
    with pytest.raises(Refused, match=f'Did you mean "{evidence.run}"'):
        give_up(evidence.run[:-1], evidence)
    assert evidence.id.startswith("CHAOS-")
    give_up(evidence.id, evidence)
    assert Ledger().outstanding() == []


def test_a_run_that_lives_is_not_given_up(evidence: Folder, tmp_path: Path) -> None:
    broken(evidence, tmp_path, runner=None)
    with pytest.raises(Refused, match="is alive"):
        give_up(evidence.run, evidence)
    assert Ledger().outstanding()


def test_without_a_reason_nothing_is_given_up(evidence: Folder, tmp_path: Path) -> None:
    broken(evidence, tmp_path)
    with pytest.raises(Refused, match="needs a reason"):
        give_up(evidence.run, evidence, reason="")
    assert Ledger().outstanding()


def test_on_a_terminal_a_no_gives_nothing_up(evidence: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(evidence, tmp_path)
    console = Console(True, out=StringIO())
    console.interactive = True
    monkeypatch.setattr(console, "line", lambda prompt, within_s: "")
    with pytest.raises(Refused, match="a reason and a yes"):
        forget(evidence.run, "", evidence.path.parent, console)
    monkeypatch.setattr(console, "line", lambda prompt, within_s: "n" if "[y/N]" in prompt else "it burnt")
    with pytest.raises(Refused, match="a reason and a yes"):
        forget(evidence.run, "", evidence.path.parent, console)
    monkeypatch.setattr(console, "line", lambda prompt, within_s: "y" if "[y/N]" in prompt else "it burnt")
    assert forget(evidence.run, "", evidence.path.parent, console) == 0


def test_a_copy_that_could_not_be_removed_does_not_bring_it_back(evidence: Folder, tmp_path: Path) -> None:
    broken(evidence, tmp_path)
    kept = (evidence.path / "undo.json").read_text()
    give_up(evidence.run, evidence)
    (evidence.path / "undo.json").write_text(kept)
    Ledger().path.unlink()
    assert repair(Ledger(), evidence.path.parent, lambda text: None) == []
    assert Ledger().outstanding() == []


def test_a_guardian_that_still_tries_ends_when_it_is_given_up(evidence: Folder, tmp_path: Path) -> None:
    change = without(tmp_path / "a", undo="false {}")
    guardian = Guardian(evidence, (change,))
    guardian.start()
    guardian.wait_up()
    entry = broken(evidence, tmp_path)
    guardian.tell(entry.id, "undoing")
    guardian.release(keep=True)
    process = guardian.process
    tried = evidence.path / "guardian.jsonl"
    assert process and eventually(lambda: journal.read(tried).of("undo"), 10)
    Ledger().put(replace(entry, guardian=process))
    assert f"its guardian ({process}) has ended" in give_up(evidence.run, evidence)
    assert not process.alive()
    record = journal.read(tried)
    assert record.of("given up") and "LEFT BROKEN" in record.events[-1]["how"]


def test_the_record_of_a_healing_belongs_to_a_sealed_run_and_its_chain_is_verified(evidence: Folder) -> None:
    (evidence.path / "journal.jsonl").unlink()
    written = journal.Journal(evidence.journal)
    written.write("end")
    written.close()
    note, close = heal_record.begin(evidence.path, heal._secrets()[0])
    for number in range(3):
        note("healing", change=f"x#{number}")
    close()
    found = verify.verify(evidence.path)
    assert [(one.level, one.what) for one in found if one.where == "heal.jsonl"] == [
        ("note", "its chain is whole, 3 lines")
    ]
    lines = (evidence.path / "heal.jsonl").read_text().splitlines(keepends=True)
    (evidence.path / "heal.jsonl").write_text(lines[0] + lines[2])
    assert any(one.where == "heal.jsonl" and one.level != "note" for one in verify.verify(evidence.path))


def test_the_way_out_is_named_only_after_mending_has_failed(evidence: Folder, tmp_path: Path) -> None:
    entry = broken(evidence, tmp_path)
    said: list[str] = []
    Ledger().put(replace(entry, state="done"))
    assert heal.status(said.append) == 50 and "--forget" not in "\n".join(said)
    Ledger().put(entry)
    assert heal.status(said.append) == 50 and f"--forget {evidence.run} --reason" in "\n".join(said)
    assert said[-1].splitlines()[-1] == heal.heal_command()


def test_a_guardian_that_still_tries_is_not_called_nobody(evidence: Folder, tmp_path: Path) -> None:
    over = replace(broken(evidence, tmp_path), lease_until_s=0.0)
    assert heal._row(over)[4] == "nobody: its lease ran out"
    assert heal._row(replace(over, guardian=DEAD))[4] == "nobody: its lease ran out"
    tries = f"its guardian ({myself()}), trying on"
    assert heal._row(replace(over, guardian=myself()))[4] == tries

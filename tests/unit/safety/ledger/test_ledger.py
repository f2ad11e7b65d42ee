"""The ledger: what is broken is on the disk, and its own ruin is noticed."""

import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from blackstart.base.errors import Damaged
from blackstart.model.change import Change
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.processes.identity import Process, boot_id, myself
from tests.unit.safety.file_fault import without


def intend(ledger: Ledger, number: int, change: Change, lease_s: float = 60.0) -> str:
    name = f"run#{number}"
    ledger.intend(
        entry_id=name, run="run", experiment="e", target="t", change=change, evidence=Path("/e"), lease_s=lease_s
    )
    return name


def test_entries_come_back_whole_and_newest_first(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    changes = [without(tmp_path / name) for name in ("a", "b", "c")]
    names = [intend(ledger, number, change) for number, change in enumerate(changes)]
    ledger.mark(names[1], "doing")
    found = ledger.outstanding()
    assert [entry.change for entry in found] == changes[::-1]
    assert [entry.state for entry in found] == ["intent", "doing", "intent"]
    assert found[0].runner == myself() and found[0].owned()
    ledger.close(names[1])
    ledger.close(names[1])
    assert [entry.id for entry in ledger.outstanding("run")] == [names[2], names[0]]
    assert ledger.outstanding("another") == []


def test_a_listener_hears_every_state_even_where_it_cannot_be_written(tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []
    ledger = Ledger(tmp_path, tell=lambda entry, state: heard.append((entry, state)))
    name = intend(ledger, 0, without(tmp_path / "a"))
    ledger.path.write_bytes(b"rubbish" * 1000)
    with pytest.raises(Damaged, match="can't be used: file is not a database"):
        ledger.mark(name, "doing")
    assert heard == [(name, "intent"), (name, "doing")]


def test_an_entry_is_owned_only_while_somebody_lives_and_its_lease_runs(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    intend(ledger, 0, without(tmp_path / "a"), lease_s=-1.0)
    assert not ledger.outstanding()[0].owned()
    ledger.renew("run", 1e12, Process(boot_id(), 1, "0"))
    assert ledger.outstanding()[0].owned()
    with sqlite3.connect(ledger.path) as raw:
        raw.execute("UPDATE entries SET boot = 'another'")
    assert not ledger.outstanding()[0].owned()


@pytest.mark.parametrize("size", [0, 1, 100, 4096, 5000])
def test_a_truncated_ledger_is_damaged_never_empty(tmp_path: Path, size: int) -> None:
    ledger = Ledger(tmp_path)
    name = intend(ledger, 0, without(tmp_path / "a"))
    os.truncate(ledger.path, size)
    for use in (ledger.check, ledger.outstanding, lambda: ledger.mark(name, "done")):
        with pytest.raises(Damaged, match=r"ledger\.db"):
            use()


def test_a_ledger_that_was_removed_is_missed_by_the_run_that_wrote_to_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    name = intend(ledger, 0, without(tmp_path / "a"))
    ledger.path.unlink()
    with pytest.raises(Damaged, match="can't be opened"):
        ledger.mark(name, "done")
    intend(ledger, 1, without(tmp_path / "b"))
    with pytest.raises(Damaged, match="has lost the entry"):
        ledger.mark(name, "done")


def test_one_rubbish_entry_does_not_hide_the_others(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    names = [intend(ledger, number, without(tmp_path / "a")) for number in range(3)]
    with sqlite3.connect(ledger.path) as raw:
        raw.execute('UPDATE entries SET change = \'{"is": "nowhere:Nothing"}\' WHERE id = ?', (names[1],))
    assert [entry.id for entry in ledger.outstanding()] == [names[2], names[0]]
    (one,) = ledger.unreadable()
    assert one.id == names[1] and "nowhere:Nothing" in one.why


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=some.data())
def test_any_bytes_in_the_file_are_a_clear_message_or_a_whole_ledger(tmp_path: Path, data: some.DataObject) -> None:
    folder = tmp_path / "fuzz"
    folder.mkdir(exist_ok=True)
    ledger = Ledger(folder)
    for old in folder.iterdir():
        old.unlink()
    intend(ledger, 0, without(tmp_path / "a"))
    good = bytearray(ledger.path.read_bytes())
    where = data.draw(some.integers(0, len(good) - 1))
    rubbish = data.draw(some.binary(min_size=1, max_size=300))
    good[where : where + len(rubbish)] = rubbish
    ledger.path.write_bytes(good)
    try:
        ledger.check()
        ledger.outstanding()
        ledger.unreadable()
    except Damaged as damage:
        assert str(ledger.path) in str(damage)
    ledger.salvage()
    ledger.set_aside()
    assert ledger.outstanding() == []

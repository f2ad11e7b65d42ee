"""The ledger, undo.json and the journal with anything in them: read, or a clear message that names the file."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base.errors import Damaged
from blackstart.evidence import journal
from blackstart.model.change import Change
from blackstart.safety.heal import heal
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import Entry, Ledger
from blackstart.safety.processes.identity import Process
from tests.fuzz.cases import count, fuzzed
from tests.unit.safety.file_fault import without

pytestmark = pytest.mark.usefixtures("untouched")
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12)),
    lambda deeper: st.one_of(
        st.lists(deeper, max_size=4),
        st.dictionaries(st.sampled_from(["is", "pairs", "do", "undo", "what", "argv", "gone"]), deeper, max_size=4),
    ),
    max_leaves=8,
)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """In memory where there is such a place: every case writes through to the disk."""
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=shared) as made:
        monkeypatch.setenv("BLACKSTART_STATE", made)
        yield Path(made)


def damaged(good: bytes, data: st.DataObject) -> bytes:
    """Some of the bytes are others, or missing."""
    where = data.draw(st.integers(0, len(good) - 1))
    length = data.draw(st.sampled_from([0, 1, 4, 100, len(good)]))
    return good[:where] + data.draw(st.binary(max_size=120)) + good[where + length :]


def a_ledger(folder: Path) -> bytes:
    """The bytes of a whole one with one entry."""
    Ledger(folder).intend(
        entry_id="r#0", run="r", experiment="e", target="t", change=without(folder / "a"), evidence=folder, lease_s=60
    )
    good = (folder / "ledger.db").read_bytes()
    (folder / "ledger.db").unlink()
    return good


WHOLE: dict[str, bytes] = {}


@fuzzed(ci=30, long=12_000)
@given(data=st.data())
def test_any_bytes_of_a_ledger_are_read_or_told_of_and_stay_as_they_are(folder: Path, data: st.DataObject) -> None:
    count("ledger")
    good = WHOLE.setdefault(str(folder), b"") or a_ledger(folder)
    WHOLE[str(folder)] = good
    path = folder / "ledger.db"
    for old in folder.glob("ledger.db*"):
        old.unlink()
    bad = damaged(good, data)
    path.write_bytes(bad)
    said: list[str] = []
    code = heal.status(said.append)
    text = "\n".join(said)
    assert code in (0, 50) and text
    assert code == 0 or "chaos.heal" in text
    ledger = Ledger(folder)
    for look in (ledger.outstanding, ledger.unreadable, ledger.check):
        try:
            for found in look() or ():
                assert isinstance(found.id, str)
        except Damaged as damage:
            assert str(path) in str(damage)
    assert path.read_bytes() == bad


@fuzzed(ci=30, long=10_000)
@given(
    put=st.one_of(JSON.map(json.dumps), st.text(max_size=60)), column=st.sampled_from(["change", "runner", "guardian"])
)
def test_any_text_in_a_row_is_an_entry_or_named_as_one_that_cannot_be_read(folder: Path, put: str, column: str) -> None:
    import sqlite3  # noqa: PLC0415

    count("ledger rows")
    ledger = Ledger(folder)
    if not ledger.path.exists():
        ledger.path.write_bytes(a_ledger(folder))
    with sqlite3.connect(ledger.path, isolation_level=None) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(f"UPDATE entries SET {column} = ?", (put.encode("utf-8", "replace").decode(),))
    read, unread = ledger.outstanding(), ledger.unreadable()
    assert len(read) + len(unread) == 1
    assert all(isinstance(one, Entry) and isinstance(one.runner, Process) for one in read)
    assert all(one.id == "r#0" and one.why for one in unread)


@fuzzed(ci=50, long=10_000)
@given(data=st.data())
def test_any_undo_json_is_a_copy_or_damage_that_names_it(folder: Path, data: st.DataObject) -> None:
    count("undo.json")
    path = folder / undo_copies.NAME
    me = Process("boot", 1, "2")
    process = {"is": "process", "boot": "b", "pid": 1, "started": "2"}
    whole: dict[str, Any] = {"run": "r", "runner": process, "guardian": process, "changes": {}}
    key = data.draw(st.sampled_from(list(whole)))
    text = json.dumps({**whole, key: data.draw(JSON)})
    path.write_bytes(damaged(text.encode(), data) if data.draw(st.booleans()) else text.encode())
    try:
        copy = undo_copies.parsed(path.read_bytes(), folder)
    except Damaged as damage:
        assert str(path) in str(damage)
    else:
        assert isinstance(copy.run, str) and me != copy.runner
        assert all(isinstance(change, Change) for change in copy.changes.values())


@fuzzed(ci=50, long=8_000)
@given(lines=st.lists(st.one_of(st.binary(max_size=40), JSON.map(lambda data: json.dumps(data).encode())), max_size=6))
def test_any_journal_is_read_as_far_as_it_goes(folder: Path, lines: list[bytes]) -> None:
    count("journal")
    path = folder / "journal.jsonl"
    path.write_bytes(b"\n".join(lines))
    try:
        record = journal.read(path)
    except Damaged as damage:
        assert str(path) in str(damage)
    else:
        written = [line for line in b"\n".join(lines).split(b"\n") if line]  # an empty line says nothing
        assert len(record.events) <= len(written)
        assert record.damage or not written

"""What `chaos.heal --from` carries out is what it has shown, all of it, and nothing else; whatever is in the copy."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.codec import to_data
from blackstart.base.errors import Refused
from blackstart.base.state import state_dir
from blackstart.commands import healing
from blackstart.model.change import Change
from blackstart.model.step import Command
from blackstart.probes.tcp import Tcp
from blackstart.safety.heal import heal, strange_copy
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.processes.identity import Process, boot_id
from blackstart.safety.processes.namespaces import Place

DEAD = Process(boot_id(), 2**22 - 1, "1")
NEVER = [to_data(Tcp("s", "127.0.0.1:1", "x").is_("listening"))]


def copied(tmp_path: Path, *argv: str, run: Any = "r_1", what: str = "w", runner: Process = DEAD, **more: Any) -> Path:
    """A folder from elsewhere, whose undo is this command."""
    made = to_data(Change(what, "s", (), (Command(argv or ("true",)),), (), ()))
    folder = tmp_path / "from elsewhere"
    folder.mkdir(exist_ok=True)
    data = {"run": run, "runner": to_data(runner), "guardian": to_data(DEAD), "changes": {f"{run}#0": made | more}}
    (folder / undo_copies.NAME).write_text(json.dumps(data))
    (folder / "HEAL.sh").write_text(f"touch {tmp_path / 'planted'}\n")
    return folder


@pytest.fixture(autouse=True)
def unattended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NONINTERACTIVE", "1")
    monkeypatch.setenv("REPORTS", str(tmp_path / "reports"))
    monkeypatch.setattr(heal, "UNDO_WITHIN_S", 0.1)


@pytest.mark.parametrize("run", ["{tmp}/kept", "../ledger.db", "..", "", "a/b", "a\nb", 5, None])
def test_a_run_s_name_that_is_a_path_removes_nothing(
    tmp_path: Path, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").touch()
    Ledger()._make()
    name = run.format(tmp=tmp_path) if isinstance(run, str) else run
    assert healing.heal(path=str(copied(tmp_path, run=name)), agreed=True) == 40
    assert "no run's name" in capsys.readouterr().err
    assert (tmp_path / "kept").exists() and Ledger().path.exists()


def test_the_receipt_of_another_folder_stays(tmp_path: Path) -> None:
    undo_copies.claim("r_1", tmp_path / "reports" / "r_1")
    assert healing.heal(path=str(copied(tmp_path)), agreed=True) == 0
    assert (state_dir() / "runs" / "r_1").exists()


def test_a_file_of_another_name_is_not_taken(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "kept.json").write_text((folder / undo_copies.NAME).read_text())
    assert healing.heal(path=str(folder / "kept.json"), agreed=True) == 40
    assert (folder / undo_copies.NAME).exists()


@pytest.mark.parametrize("hidden", ["\x1b[2K\x1b[1A", "\r", "\x9b2J", "\u202e", "\u2028", "\u200b"])
def test_nothing_of_a_command_is_hidden_from_a_terminal(
    tmp_path: Path, hidden: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert healing.heal(path=str(copied(tmp_path, "touch", f"x{hidden}y", what=f"a{hidden}b"))) == 40
    out = capsys.readouterr().out
    assert hidden[0] not in out and ascii(hidden)[1:-1] in out


def test_what_looks_like_a_secret_is_shown_and_lines_of_its_own_are_marked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(tmp_path, "sh", "-c", "token=$(touch${IFS}/x)\n  proved by: nothing")
    assert healing.heal(path=str(folder)) == 40
    out = capsys.readouterr().out
    assert "token=$(touch${IFS}/x)" in out and "\n      |   proved by: nothing'\n  proved by: nothing\n" in out


def test_a_command_out_of_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.toml").write_text(f'a = "touch {tmp_path / "trace"}"\n')
    folder = copied(tmp_path, "sh", "-c", f"{{{{secret:0:file:{tmp_path}/x.toml:a}}}}")
    assert healing.heal(path=str(folder), agreed=True) == 40
    assert "out of a file, a in" in capsys.readouterr().err and not (tmp_path / "trace").exists()


def test_another_copy_of_a_run_that_the_ledger_knows_is_not_shown_in_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert healing.heal(path=str(copied(tmp_path, "false", gone=NEVER)), agreed=True) == 50
    assert healing.heal(path=str(copied(tmp_path, "true")), agreed=True) == 40
    assert "its word counts" in capsys.readouterr().err


@pytest.mark.parametrize(
    "place", [Place(), Place(machine="another", host="far"), Place(network="net:[1]", named="a;b")]
)
def test_the_script_beside_it_is_never_proposed_nor_run(
    tmp_path: Path, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(tmp_path, "false", runner=Process(boot_id(), 2**22 - 1, "1", place), gone=NEVER)
    assert healing.heal(path=str(folder), agreed=True) == 50
    assert [entry.run for entry in Ledger().outstanding()] == ["r_1"]
    assert healing.heal() == 50 and healing.status() == 50
    heal.leftovers(print, tmp_path)
    with Ledger()._open() as connection:
        connection.execute("UPDATE entries SET change = '{'")
    assert healing.heal() == 50
    out = capsys.readouterr().out
    assert "HEAL.sh" not in out and "exec a;b" not in out and not (tmp_path / "planted").exists()


WRONG: dict[str, Any] = {
    "undo": ["x", 5, {}, [1], [to_data(DEAD)], [{"is": "step.command", "argv": []}], [{"is": "blackstart.x:os"}]],
    "gone": [[1], [{"is": "condition", "probe": "x", "op": "is"}], [{"is": "condition", "probe": {}, "op": "silent"}]],
    "what": [5, [], None, "[" * 3000],
    "lease_s": ["x", {}, 10**400],
    "undo_is_noop": [1, "yes"],
}
COMMAND = {"is": "step.command", "argv": ["true"]}
FIELDS = {"argv": 5, "host": 5, "timeout_s": "x", "env": [1], "cwd": 5, "ok_codes": ["0"], "accepts": "x", "log": {}}
CALL = {"is": "step.http_call", "method": "GET", "url": "http://127.0.0.1:1"}
CASES = [(field, value) for field, values in WRONG.items() for value in values]
CASES += [("undo", [COMMAND | {field: value}]) for field, value in FIELDS.items()]
CASES += [("undo", [CALL | wrong]) for wrong in ({"url": 5}, {"headers": {"a": 1}}, {"ok_statuses": 5})]


@pytest.mark.parametrize(("field", "value"), CASES)
def test_wrong_types_are_told_in_one_line(
    tmp_path: Path, field: str, value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(tmp_path, **{field: value})
    if isinstance(value, str) and value.startswith("["):
        path = folder / undo_copies.NAME
        path.write_text(path.read_text().replace(json.dumps(value), value + "]" * len(value)))
    assert healing.heal(path=str(folder), agreed=True) == 40
    err = capsys.readouterr().err
    assert err.startswith("Not started: ") and err.count("\n") == 1


def test_a_link_to_something_endless_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / undo_copies.NAME)
    with pytest.raises(Refused, match=r"there is no undo\.json"):
        heal.heal(print, take=partial(strange_copy.take, tmp_path, print, lambda: True))

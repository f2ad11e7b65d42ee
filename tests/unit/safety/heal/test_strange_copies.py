"""An undo.json that this user's state folder does not vouch for is named, and nothing of it is carried out."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from blackstart.base.codec import to_data
from blackstart.base.errors import Refused
from blackstart.base.state import state_dir
from blackstart.commands import healing
from blackstart.safety.heal import heal, strange_copy
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.ledger.repair import entry_of
from blackstart.safety.ledger.undo_copies import Copy
from blackstart.safety.processes.identity import Process, boot_id, myself
from tests.unit.safety.file_fault import without

DEAD = Process(boot_id(), 2**22 - 1, "1")
RUN = "r_2026"


def genuine(tmp_path: Path) -> Path:
    """The evidence of a dead run of ours, whose undo puts the file `a` back."""
    evidence = tmp_path / "reports" / RUN
    evidence.mkdir(parents=True)
    undo_copies.write(Copy(RUN, evidence, DEAD, DEAD, {f"{RUN}#0": without(tmp_path / "a")}))
    return evidence


def planted(tmp_path: Path, runner: Process = DEAD) -> Path:
    """A folder that somebody has put into the reports, with an undo that would leave a trace."""
    evidence = tmp_path / "reports" / "leader_lock_2026"
    evidence.mkdir(parents=True)
    change = without(tmp_path / "trace")
    data = {"run": "leader_lock_2026", "runner": to_data(runner), "guardian": to_data(DEAD)}
    (evidence / undo_copies.NAME).write_text(json.dumps({**data, "changes": {"leader_lock_2026#0": to_data(change)}}))
    (evidence / "HEAL.sh").write_text(f"touch {tmp_path / 'trace'}\n")
    return evidence


def receipt(evidence: Path, **changed: object) -> None:
    path = state_dir() / "runs" / evidence.name
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def edited(evidence: Path) -> None:
    path = evidence / undo_copies.NAME
    path.write_text(path.read_text().replace("/a", "/trace"))


def a_pipe(evidence: Path) -> None:
    (evidence / undo_copies.NAME).unlink()
    os.mkfifo(evidence / undo_copies.NAME)


def a_link(evidence: Path) -> None:
    (evidence / undo_copies.NAME).rename(evidence / "kept")
    (evidence / undo_copies.NAME).symlink_to(evidence / "kept")


def moved(evidence: Path) -> None:
    evidence.rename(evidence.with_name("elsewhere"))


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed after it was written": (edited, "was changed"),
    "of another machine": (lambda evidence: receipt(evidence, machine="another"), "on another machine"),
    "of another owner": (lambda evidence: receipt(evidence, owner=os.geteuid() + 1), "not the file that its run wrote"),
    "without its receipt": (lambda evidence: (state_dir() / "runs" / RUN).unlink(), "no receipt"),
    "with a receipt of rubbish": (lambda evidence: (state_dir() / "runs" / RUN).write_text("{"), "no receipt"),
    "with an empty receipt": (lambda evidence: receipt(evidence, sha256=""), "no hash"),
    "moved": (moved, "no receipt"),
    "a link": (a_link, "not the file that its run wrote"),
    "a pipe that would be waited for": (a_pipe, "not the file that its run wrote"),
}


def told_and_untouched(tmp_path: Path, why: str) -> None:
    """At the start of a drill, by status and by heal alike: one line, nothing done, nothing not restored."""
    reports = tmp_path / "reports"
    before = sorted(path.name for path in reports.rglob("*"))
    for act in (partial(heal.leftovers, reports=reports), heal.status, heal.heal):
        said: list[str] = []
        code = act(said.append, reports=reports)
        named = [line for line in said if "NOT carried out: " in line]
        assert code in (0, None) and len(named) == 1, said
        assert why in named[0] and f"/{undo_copies.NAME}" in named[0] and "chaos.heal --from /" in named[0]
        assert "HEAL.sh" not in "".join(said)
    assert not (tmp_path / "a").exists() and not (tmp_path / "trace").exists()
    assert before == sorted(path.name for path in reports.rglob("*")) and Ledger().outstanding() == []


@pytest.mark.parametrize("spoil", SPOILT)
def test_one_of_ours_that_is_not_as_it_was_is_not_carried_out(tmp_path: Path, spoil: str) -> None:
    act, why = SPOILT[spoil]
    act(genuine(tmp_path))
    told_and_untouched(tmp_path, why)


@pytest.mark.parametrize("runner", [DEAD, replace(DEAD, boot="the last one"), replace(myself(), pid=1)])
def test_a_planted_one_is_not_carried_out(tmp_path: Path, runner: Process) -> None:
    planted(tmp_path, runner)
    told_and_untouched(tmp_path, "no receipt")


def test_a_planted_one_that_says_no_place_is_not_taken_to_be_of_here(tmp_path: Path) -> None:
    path = planted(tmp_path) / undo_copies.NAME
    data = json.loads(path.read_text())
    for process in ("runner", "guardian"):
        del data[process]["place"]
    path.write_text(json.dumps(data))
    told_and_untouched(tmp_path, "no receipt")


def test_one_of_ours_is_mended_with_a_planted_one_beside_it(tmp_path: Path) -> None:
    genuine(tmp_path)
    planted(tmp_path)
    assert heal.heal(lambda text: None, tmp_path / "reports") == 0
    assert (tmp_path / "a").exists() and not (tmp_path / "trace").exists()


def test_the_ledger_alone_may_be_lost(tmp_path: Path) -> None:
    genuine(tmp_path)
    Ledger()._make()
    Ledger().path.unlink()
    assert heal.heal(lambda text: None, tmp_path / "nowhere") == 0
    assert (tmp_path / "a").exists() and not (state_dir() / "runs" / RUN).exists()


# ---------------------------------------------------------------- chaos.heal --from


def test_unattended_it_shows_the_commands_and_needs_to_be_agreed_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = planted(tmp_path)
    monkeypatch.setenv("NONINTERACTIVE", "1")
    monkeypatch.setenv("REPORTS", str(tmp_path / "reports"))
    assert healing.heal(path=str(evidence)) == 40
    out = capsys.readouterr()
    assert f"sh -c 'touch {tmp_path / 'trace'}'" in out.out and "remove trace" in out.out and "FileThere" in out.out
    assert "--agree" in out.err and out.err.startswith("Not started:") and not (tmp_path / "trace").exists()
    assert healing.heal(agreed=True) == 40
    assert healing.heal(path=str(evidence), agreed=True) == 0
    assert (tmp_path / "trace").exists() and not (evidence / undo_copies.NAME).exists()


@pytest.mark.parametrize("answer", [True, False])
def test_on_a_terminal_it_asks(tmp_path: Path, answer: bool) -> None:
    evidence, said = planted(tmp_path), list[str]()
    taking = partial(strange_copy.take, evidence / undo_copies.NAME, said.append, lambda: answer)
    if answer:
        assert heal.heal(said.append, tmp_path / "reports", take=taking) == 0
    else:
        with pytest.raises(Refused, match="nothing was carried out"):
            heal.heal(said.append, tmp_path / "reports", take=taking)
    assert (tmp_path / "trace").exists() is answer


def test_a_secret_that_it_refers_to_is_shown_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, said = planted(tmp_path), list[str]()
    monkeypatch.setenv("OPS_KEY", "hunter2-and-more")
    text = (evidence / undo_copies.NAME).read_text().replace("touch ", "echo {{secret:0:env:OPS_KEY}}; touch ")
    (evidence / undo_copies.NAME).write_text(text)
    with pytest.raises(Refused):
        heal.heal(said.append, take=partial(strange_copy.take, evidence, said.append, lambda: False))
    assert "echo [the environment variable OPS_KEY]; touch" in "".join(said) and "hunter2" not in "".join(said)


def test_one_whose_run_is_alive_or_that_is_none_is_refused(tmp_path: Path) -> None:
    evidence = planted(tmp_path, myself())
    for path, why in (
        (evidence, "is alive"),
        (tmp_path, "there is no undo.json"),
        (evidence / "HEAL.sh", "there is no undo.json"),
    ):
        with pytest.raises(Refused, match=why):
            heal.heal(lambda text: None, take=partial(strange_copy.take, path, print, lambda: True))


def test_it_does_not_take_the_place_of_an_entry_of_ours(tmp_path: Path) -> None:
    evidence = planted(tmp_path)
    Ledger().intend(
        entry_id="leader_lock_2026#0", run="leader_lock_2026", experiment="e", target="t",
        change=without(tmp_path / "ours"), evidence=tmp_path, lease_s=600.0,
    )  # fmt: skip
    with pytest.raises(Refused, match="the ledger has what the run leader_lock_2026 broke"):
        heal.heal(lambda text: None, take=partial(strange_copy.take, evidence, print, lambda: True))
    (entry,) = Ledger().outstanding()  # its run, this test, is alive
    assert entry.change.what == "remove ours" and not (tmp_path / "trace").exists()


def scripted(tmp_path: Path) -> Path:
    """The evidence of a dead run of ours, with a HEAL.sh that the receipt vouches for."""
    evidence = genuine(tmp_path)
    (evidence / "HEAL.sh").write_text("#!/bin/sh\ntrue\n")
    undo_copies.bind_script(RUN, evidence / "HEAL.sh")
    return evidence


def unreadable(evidence: Path) -> None:
    """An entry of the ledger of which only the name can be read."""
    ledger = Ledger()
    ledger.put(entry_of(undo_copies.read(evidence), f"{RUN}#0"))
    with contextlib.closing(sqlite3.connect(ledger.path)) as connection, connection:
        connection.execute("UPDATE entries SET change = 'rubbish'")
    (evidence / undo_copies.NAME).unlink()


@pytest.mark.parametrize("how", ["edited", "a link", "removed", "as it was"])
def test_a_script_of_ours_is_run_and_proposed_only_as_its_run_wrote_it(tmp_path: Path, how: str) -> None:
    evidence = scripted(tmp_path)
    unreadable(evidence)
    script = evidence / "HEAL.sh"
    match how:
        case "edited":
            script.write_text(f"touch {tmp_path / 'trace'}\n")
        case "a link":
            (tmp_path / "theirs").write_text(f"touch {tmp_path / 'trace'}\n")
            script.unlink()
            script.symlink_to(tmp_path / "theirs")
        case "removed":
            script.unlink()
    said: list[str] = []
    heal.heal(said.append, tmp_path / "reports")
    assert not (tmp_path / "trace").exists()
    assert any("running" in line and "HEAL.sh" in line for line in said) == (how == "as it was"), said
    if how != "as it was":
        assert not any("by hand: sh" in line for line in said) and undo_copies.script_changed(script)

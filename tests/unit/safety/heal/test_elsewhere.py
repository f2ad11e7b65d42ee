"""What was broken on another machine, or in another network namespace, is never mended from here by mistake."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.safety.heal import heal, heal_script
from blackstart.safety.heal.elsewhere import heal_command
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import Entry, Ledger
from blackstart.safety.ledger.undo_copies import Copy
from blackstart.safety.processes import namespaces
from blackstart.safety.processes.identity import Process, boot_id, myself
from blackstart.safety.processes.namespaces import Place, here
from tests.requirements import require
from tests.unit.safety.file_fault import without

NOBODY = 2**22 - 1
NO_SUCH_NETWORK = "net:[17]"


def broken(tmp_path: Path, runner: Process, ends_with_network: bool = False) -> Entry:
    """An entry of a run that was there, in this ledger."""
    change = replace(without(tmp_path / "x"), ends_with_network=ends_with_network)
    Ledger().intend(
        entry_id="r#0", run="r", experiment="e", target="t", change=change, evidence=tmp_path, lease_s=600.0
    )
    (made,) = Ledger().outstanding()
    there = replace(made, runner=runner, boot=runner.boot, state="done")
    Ledger().put(there)
    return there


def healed(tmp_path: Path, here: bool = False) -> tuple[int, list[str]]:
    said: list[str] = []
    code = heal.heal(said.append, tmp_path / "reports", here)
    return code, "\n".join(said).splitlines()


def dead(where: Place, boot: str = "") -> Process:
    return Process(boot or boot_id(), NOBODY, "1", where)


def test_what_another_machine_has_broken_is_listed_and_not_mended(tmp_path: Path) -> None:
    far = dead(replace(here(), machine="another", host="db7"), boot="its own")
    broken(tmp_path, far)
    code, said = healed(tmp_path)
    assert code == 50 and not (tmp_path / "x").exists()
    assert [entry.runner for entry in Ledger().outstanding()] == [far]
    assert "on the machine db7" in said[0] and said[-1] == f"on db7: {heal_command()}"


def test_a_start_on_another_machine_leaves_a_live_run_and_its_copy_alone(tmp_path: Path) -> None:
    far = dead(replace(here(), machine="another", host="db7"), boot="its own")
    broken(tmp_path, far)
    evidence = tmp_path / "reports" / "r_2026"
    evidence.mkdir(parents=True)
    undo_copies.write(Copy("r_2026", evidence, far, far, {"r_2026#0": without(tmp_path / "y")}))
    (evidence / "guardian.jsonl").write_text("")
    said: list[str] = []
    heal.leftovers(said.append, tmp_path / "reports")
    assert len(said) == 1 and "db7" in said[0]
    assert healed(tmp_path)[0] == 50
    assert not (tmp_path / "x").exists() and not (tmp_path / "y").exists()
    assert (evidence / undo_copies.NAME).exists() and len(Ledger().outstanding()) == 1


def test_what_is_known_to_be_mendable_from_here_is_mended_when_told_so(tmp_path: Path) -> None:
    broken(tmp_path, dead(replace(here(), machine="another", host="db7"), boot="its own"))
    assert healed(tmp_path, here=True)[0] == 0
    assert (tmp_path / "x").exists() and Ledger().outstanding() == []


def test_after_a_start_of_the_same_machine_what_was_broken_is_mended(tmp_path: Path) -> None:
    broken(tmp_path, dead(replace(here(), network=NO_SUCH_NETWORK), boot="the last one"))
    assert healed(tmp_path)[0] == 0
    assert (tmp_path / "x").exists() and Ledger().outstanding() == []


def test_an_old_record_without_a_place_is_mended(tmp_path: Path) -> None:
    old = {key: value for key, value in to_data(dead(Place())).items() if key != "place"}
    broken(tmp_path, from_data(old))
    assert healed(tmp_path)[0] == 0
    assert (tmp_path / "x").exists()


@pytest.mark.parametrize(("rule", "code"), [(True, 0), (False, 50)], ids=["a rule is gone with it", "a service is not"])
@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees that a namespace is nowhere")
def test_a_namespace_that_is_nowhere_has_taken_its_rules_along_and_nothing_else(
    tmp_path: Path, rule: bool, code: int
) -> None:
    require("ptrace")
    broken(tmp_path, dead(replace(here(), network=NO_SUCH_NETWORK, named="shop")), ends_with_network=rule)
    found, said = healed(tmp_path)
    assert found == code and not (tmp_path / "x").exists()
    assert bool(Ledger().outstanding()) is not rule
    assert "shop" in said[0] and (rule or said[-1] == heal_command("--here"))


@pytest.mark.skipif(not here().cookie, reason="this kernel has no cookies of network namespaces (Linux 5.14)")
@pytest.mark.parametrize(("rule", "code"), [(True, 0), (False, 50)], ids=["a rule is gone with it", "a service is not"])
def test_a_namespace_whose_number_another_has_got_is_gone(tmp_path: Path, rule: bool, code: int) -> None:
    broken(tmp_path, dead(replace(here(), cookie="1")), ends_with_network=rule)
    found, said = healed(tmp_path)
    assert found == code and not (tmp_path / "x").exists()
    assert bool(Ledger().outstanding()) is not rule
    assert ("gone with its network" if rule else "another one has its number") in said[0]


def test_a_namespace_that_may_still_be_somewhere_keeps_its_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespaces, "_ways_into", lambda network: ([], {4}))
    broken(tmp_path, dead(replace(here(), network=NO_SUCH_NETWORK)), ends_with_network=True)
    code, said = healed(tmp_path)
    assert code == 50 and len(Ledger().outstanding()) == 1
    assert "lsns" in said[-1] and said[-1].endswith("chaos.heal")


def test_a_way_into_it_by_a_process_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = here().network
    monkeypatch.setattr(namespaces, "here", lambda: replace(here(), network=NO_SUCH_NETWORK))
    broken(tmp_path, dead(replace(here(), network=network, named="")))
    code, said = healed(tmp_path)
    assert code == 50 and "nsenter --net=/proc/" in said[-1] and "BLACKSTART_STATE=" in said[-1].split("nsenter")[0]


def test_status_says_where_it_was_broken(tmp_path: Path) -> None:
    broken(tmp_path, dead(replace(here(), machine="another", host="db7"), boot="its own"))
    said: list[str] = []
    assert heal.status(said.append) == 50
    assert "on the machine db7" in "\n".join(said) and said[-1] == f"on db7: {heal_command()}"


@pytest.mark.parametrize(
    ("there", "code"),
    [
        (lambda me: me, 0),
        (lambda me: replace(me, place=replace(me.place, network=NO_SUCH_NETWORK, named="it's $HOME")), 1),
        (lambda me: replace(me, boot="another", place=replace(me.place, network=NO_SUCH_NETWORK)), 0),
        (lambda me: replace(me, boot="another", place=replace(me.place, host="db7")), 1),
        (lambda me: replace(me, place=Place()), 0),
    ],
    ids=["here", "another namespace", "before the machine's last start", "another machine", "an old one, or macOS"],
)
def test_heal_sh_undoes_nothing_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: Callable[[Process], Process], code: int
) -> None:
    made = there(myself())
    monkeypatch.setattr(heal_script, "myself", lambda: made)
    heal_script.write(tmp_path / "HEAL.sh", "r", [without(tmp_path / "x")])
    argv = ["sh", str(tmp_path / "HEAL.sh")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code and (tmp_path / "x").exists() is (code == 0), done.stderr
    if code:
        assert "NOTHING was undone" in done.stderr and str(tmp_path / "HEAL.sh") in done.stderr
        assert (made.place.named or "db7") in done.stderr
        forced = subprocess.run(argv, env={**os.environ, "BLACKSTART_HERE": "1"}, timeout=30, check=False)
        assert forced.returncode == 0 and (tmp_path / "x").exists()


@pytest.mark.parametrize("rubbish", ["nowhere", {"is": "place", "network": 7}, None])
def test_an_entry_whose_place_is_rubbish_is_left_to_heal_sh(tmp_path: Path, rubbish: object) -> None:
    broken(tmp_path, dead(here()))
    runner = json.dumps({**to_data(dead(here())), "place": rubbish})
    with contextlib.closing(sqlite3.connect(Ledger().path)) as raw, raw:
        raw.execute("UPDATE entries SET runner = ?", (runner,))
    heal_script.write(tmp_path / "HEAL.sh", "r", [without(tmp_path / "x")])
    assert healed(tmp_path)[0] == 50 and (tmp_path / "x").exists()

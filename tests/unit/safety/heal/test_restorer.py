"""Restore, mend, repair, HEAL.sh: on the smallest change there is, with real commands."""

import os
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Damaged
from blackstart.base.secrets import references
from blackstart.base.secrets.placeholders import SecretPlaceholders
from blackstart.model.change import Change
from blackstart.model.step import Ask
from blackstart.probes.redis_ping import RedisPing
from blackstart.safety.heal import heal, heal_script, strange_copy
from blackstart.safety.heal.restore import restore, unproved
from blackstart.safety.heal.restorer import Restorer
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.ledger.repair import entry_of, repair
from blackstart.safety.ledger.undo_copies import Copy
from blackstart.safety.processes.identity import Process, boot_id, myself
from tests.unit.safety.file_fault import without
from tests.unit.stage import raising

DEAD = Process(boot_id(), 2**22 - 1, "1")


class Notes(list[str]):
    def __call__(self, event: str, *, sync: bool = False, **fields: Any) -> None:
        self.append(event)
        self.fields = fields


class BreaksAgain(Notes):
    """Removes the file once its undo is proved and noted, which a process of its own may be too late for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, event: str, *, sync: bool = False, **fields: Any) -> None:
        super().__call__(event, sync=sync, **fields)
        if event == "undone":
            self.path.unlink()


def restorer(say: list[str], within_s: float = 3.0, note: Notes | None = None) -> Restorer:
    return Restorer(Ledger(), say.append, Notes() if note is None else note, within_s)


def test_changes_are_undone_newest_first_and_closed_when_they_stay(tmp_path: Path) -> None:
    log = tmp_path / "log"
    changes = {
        f"r#{n}": without(tmp_path / name, undo=f"echo {name} >>{log}; touch {{}}") for n, name in enumerate("abc")
    }
    for name, change in changes.items():
        Ledger().intend(
            entry_id=name, run="r", experiment="e", target="t", change=change, evidence=tmp_path, lease_s=60.0
        )
    assert restorer([]).mend(changes) == ["r#2", "r#1", "r#0"]
    assert log.read_text().split() == ["c", "b", "a"]
    assert Ledger().outstanding() == []


def test_one_that_fails_does_not_keep_the_others_from_being_mended(tmp_path: Path) -> None:
    said: list[str] = []
    changes = {"r#0": without(tmp_path / "a"), "r#1": without(tmp_path / "b", undo="echo no such luck; false {}")}
    assert restorer(said, 0.5).mend(changes) == ["r#0"]
    assert any("no such luck" in line for line in said)


def test_whoever_waits_is_told_again_and_again_in_which_try_an_undo_is(tmp_path: Path) -> None:
    tries: list[int] = []
    change = without(tmp_path / "a", undo="test $(wc -c <{0}.tries 2>/dev/null || echo 0) -ge 1 && touch {0}; "
                     "printf x >>{0}.tries; true")  # fmt: skip
    assert restore(change, print, 10.0, trying=tries.append)
    assert sorted(set(tries)) == [1, 2] and tries == sorted(tries)
    assert tries.count(1) > 2  # not at its beginning alone


def test_what_is_gone_already_is_left_alone_unless_its_do_may_still_come(tmp_path: Path) -> None:
    mark = tmp_path / "undone"
    change = replace(without(tmp_path / "a", undo=f"touch {mark} {{}}"), undo_is_noop=False)
    (tmp_path / "a").touch()
    assert restorer([]).mend({"r#0": change}) == ["r#0"] and not mark.exists()
    assert restorer([]).mend({"r#0": change}, midway=["r#0"]) == ["r#0"] and mark.exists()


def test_an_undo_that_does_not_last_is_not_closed(tmp_path: Path) -> None:
    said: list[str] = []
    # One second after its proof nobody looks any more, while a proof that comes too late is tried for again.
    change = without(tmp_path / "a", undo="touch {0}; (sleep 0.4; rm {0}) >/dev/null 2>&1 &")
    assert restorer(said).mend({"r#0": change}) == []
    assert said[-2:] == ["came back after its undo: remove a", "remove a: no proof that it was undone: a was False"]


def test_what_comes_back_is_undone_again_and_closed_where_it_stays_then(tmp_path: Path) -> None:
    said: list[str] = []
    made = restorer(said, note=BreaksAgain(tmp_path / "a"))
    assert made.mend({"r#0": without(tmp_path / "a")}) == ["r#0"] and (tmp_path / "a").exists()
    assert "came back after its undo: remove a; undoing it again" in said
    assert "undone, and proved: remove a" in said


def test_what_came_back_is_left_alone_where_somebody_else_has_closed_it(tmp_path: Path) -> None:
    said: list[str] = []
    given_up = restorer(said, note=BreaksAgain(tmp_path / "a"))
    given_up.over = lambda entry, change: True
    assert given_up.mend({"r#0": without(tmp_path / "a")}) == [] and said[-1] == "undoing: remove a"


def test_a_lost_undo_is_repeated(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    undo = f'echo x >>{tries}; [ "$(wc -l <{tries})" -lt 3 ] && exit 1; touch {{}}'
    assert restore(without(tmp_path / "a", undo=undo), lambda text: None, 20.0)


def test_what_a_hand_has_done_already_is_not_asked_for(tmp_path: Path) -> None:
    change = replace(without(tmp_path / "a"), undo=(Ask("put it back", 1.0),), undo_is_noop=False, undo_by_hand=True)
    said: list[str] = []
    assert not restore(change, said.append, 0.3)
    assert said == ["PLEASE DO NOW, by hand: put it back"]
    (tmp_path / "a").touch()
    said.clear()
    assert restore(change, said.append, 0.3) and said == []


def test_what_is_last_read_of_each_missing_proof_is_said_and_recorded(tmp_path: Path) -> None:
    said: list[str] = []
    notes = Notes()
    change = without(tmp_path / "a", undo="false {}")
    change = replace(change, gone=(*change.gone, *without(tmp_path).gone))  # the folder is there
    assert Restorer(Ledger(), said.append, notes, 0.3).mend({"r#0": change}) == []
    assert said[-1] == "remove a: no proof that it was undone: a was False"
    assert notes[-1] == "undone" and notes.fields["unproved"] == ["a was False"]


def test_status_and_heal_say_what_is_last_read_of_what_is_not_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heal, "UNDO_WITHIN_S", 0.3)
    change = without(tmp_path / "a", undo="false {}")
    Ledger().put(entry_of(Copy("r", tmp_path, DEAD, DEAD, {"r#0": change}), "r#0"))
    told: list[str] = []
    assert (heal.status(told.append, tmp_path), heal.heal(told.append, tmp_path)) == (50, 50)
    assert told.count("remove a: no proof that it was undone: a was False") == 2
    (tmp_path / "a").touch()
    assert heal.status(told.append, tmp_path) == 50
    assert "remove a: looks undone; chaos.heal proves it" in told


def test_heal_says_which_try_it_is_while_an_undo_that_goes_well_is_not_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heal, "UNDO_WITHIN_S", 3.0)  # the first try takes a good second, and the last may be late
    monkeypatch.setattr(heal, "_STILL_EVERY_S", 0.0)
    change = without(tmp_path / "a", undo="true {}")
    Ledger().put(entry_of(Copy("r", tmp_path, DEAD, DEAD, {"r#0": change}), "r#0"))
    told: list[str] = []
    assert heal.heal(told.append, tmp_path) == 50
    assert "still undoing it, try 2" in told and "still undoing it, try 1" not in told


def test_a_proof_whose_secret_has_lost_its_place_names_the_variable_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "t.toml"
    target.write_text('[services.cache]\ndsn = "redis://drill:dr1ll-pass@127.0.0.1:1/0"\n')
    reference = references.file(str(target), ("services", "cache", "dsn"), "password")
    asked = RedisPing(name="cache_ping", dsn="redis://drill:dr1ll-pass@127.0.0.1:1/0").is_("PONG")
    hidden = SecretPlaceholders({reference: "dr1ll-pass"}).conceal(
        to_data(replace(without(tmp_path / "a"), gone=(asked,)))
    )
    target.unlink()
    (told,) = unproved(from_data(SecretPlaceholders().reveal(hidden)))
    place = (
        f"services.cache.dsn in {target}, or else the secret itself in the variable SECRET_SERVICES_CACHE_DSN_PASSWORD"
    )
    assert told.startswith(f"cache_ping can't be read: a secret that it needs can't be found: {place}")
    monkeypatch.setenv("SECRET_SERVICES_CACHE_DSN_PASSWORD", "dr1ll-pass")
    (told,) = unproved(from_data(SecretPlaceholders().reveal(hidden)))
    assert told.startswith("cache_ping was unreachable (")


# ---------------------------------------------------------------- HEAL.sh


def script(tmp_path: Path, *changes: Change) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "HEAL.sh"
    heal_script.write(path, "r", changes)
    return subprocess.run(["sh", path], capture_output=True, text=True, timeout=60, check=False)


def test_heal_sh_undoes_newest_first_whatever_the_names_contain(tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = replace(without(tmp_path / "a b", undo=f"echo a >>{log}; touch '{{}}'"), what="it's `id` $HOME\nand more")
    second = without(tmp_path / "c", undo=f"echo c >>{log}; touch {{}}")
    done = script(tmp_path, first, second)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a b").exists() and (tmp_path / "c").exists()
    assert log.read_text().split() == ["c", "a", "c", "a"]
    assert r"it's `id` $HOME\nand more" in done.stdout


def test_heal_sh_tries_again_and_does_the_rest_where_one_step_fails_for_good(tmp_path: Path) -> None:
    done = script(tmp_path, without(tmp_path / "a"), without(tmp_path / "b", undo="false {}"))
    assert done.returncode == 1 and "NOT everything" in done.stderr
    assert (tmp_path / "a").exists()


def test_heal_sh_says_what_fails_at_the_first_and_at_the_last_try_and_counts_the_others(tmp_path: Path) -> None:
    done = script(tmp_path, without(tmp_path / "b", undo="echo no such luck >&2; false {}"))
    assert done.returncode == 1 and done.stderr.count("no such luck") == 2, done.stderr
    assert done.stderr.count("failed ×5 in ") == 2


# ---------------------------------------------------------------- repair


def copy(tmp_path: Path, runner: Process, *names: str) -> Copy:
    evidence = tmp_path / "reports" / "r_2026"
    evidence.mkdir(parents=True)
    made = Copy("r_2026", evidence, runner, DEAD, {f"r_2026#{n}": without(tmp_path / f) for n, f in enumerate(names)})
    undo_copies.write(made)
    return made


def test_a_ruined_ledger_is_rebuilt_from_what_can_be_read_and_from_the_copies(tmp_path: Path) -> None:
    ledger = Ledger()
    made = copy(tmp_path, DEAD, "a", "b")
    ledger.intend(
        entry_id="old#0", run="old", experiment="e", target="t", change=without(tmp_path / "c"), evidence=tmp_path,
        lease_s=60.0,
    )  # fmt: skip
    os.truncate(ledger.path, 100)
    said: list[str] = []
    assert repair(ledger, tmp_path / "nowhere", said.append) == []
    assert {entry.id for entry in ledger.outstanding()} == set(made.changes)
    assert list(ledger.path.parent.glob("ledger.damaged-*.db")) and "set aside" in said[0]


def test_a_whole_ledger_decides_what_is_open_and_old_copies_are_removed(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.intend(
        entry_id="x#0", run="x", experiment="e", target="t", change=without(tmp_path / "x"), evidence=tmp_path,
        lease_s=60.0,
    )  # fmt: skip
    made = copy(tmp_path, DEAD, "a")
    (made.evidence / "guardian.jsonl").write_text("")
    repair(ledger, tmp_path / "reports", lambda text: None)
    assert [entry.id for entry in ledger.outstanding()] == ["x#0"]
    assert not (made.evidence / undo_copies.NAME).exists() and undo_copies.known(tmp_path / "reports") == []


def test_when_the_whole_state_folder_is_gone_a_copy_is_mended_from_once_it_is_agreed_to(tmp_path: Path) -> None:
    made = copy(tmp_path, DEAD, "a")
    (Ledger().path.parent / "runs" / made.run).unlink()
    said: list[str] = []
    assert heal.heal(said.append, tmp_path / "reports") == 0
    assert not (tmp_path / "a").exists() and f"chaos.heal --from {made.evidence}" in said[0]
    said.clear()
    taking = partial(strange_copy.take, made.evidence, print, lambda: True)
    assert heal.heal(said.append, tmp_path / "reports", take=taking) == 0, said
    assert (tmp_path / "a").exists() and Ledger().outstanding() == []
    assert not (made.evidence / undo_copies.NAME).exists()


def test_status_shows_what_only_the_copies_know(tmp_path: Path) -> None:
    made = copy(tmp_path, DEAD, "a", "b")
    said: list[str] = []
    assert heal.status(said.append, tmp_path / "reports") == 50
    told = "\n".join(said)
    assert told.count("not in the ledger") == 2 and str(made.evidence) in told and made.run in told
    assert said[-1].splitlines()[-1] == heal.heal_command()
    assert not (tmp_path / "a").exists() and not Ledger().path.exists()  # a look changes nothing
    assert heal.heal(lambda text: None, tmp_path / "reports") == 0
    assert heal.status(lambda text: None, tmp_path / "reports") == 0


def test_status_does_not_take_a_closed_or_a_living_runs_copy_for_broken(tmp_path: Path) -> None:
    made = copy(tmp_path, myself(), "a")
    assert heal.status(lambda text: None, tmp_path / "reports") == 0
    undo_copies.write(replace(made, runner=DEAD))
    (made.evidence / "guardian.jsonl").write_text("")
    Ledger()._make()
    assert heal.status(lambda text: None, tmp_path / "reports") == 0


def test_where_nothing_can_be_written_the_newest_change_is_undone_first_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, evidence = tmp_path / "log", tmp_path / "reports" / "r_2026"
    evidence.mkdir(parents=True)
    changes = {
        f"r_2026#{n}": without(tmp_path / name, undo=f"echo {name} >>{log}; touch {{}}") for n, name in enumerate("abc")
    }
    undo_copies.write(Copy("r_2026", evidence, DEAD, DEAD, changes))
    monkeypatch.setattr(Ledger, "put", raising(Damaged("the disk is full")))
    assert heal.heal(lambda text: None, tmp_path / "reports") == 0
    assert log.read_text().split() == ["c", "b", "a"]


def test_a_start_mends_what_was_left_and_says_nothing_where_nothing_was(tmp_path: Path) -> None:
    said: list[str] = []
    heal.leftovers(said.append, tmp_path / "reports")
    assert said == []
    copy(tmp_path, DEAD, "a")
    heal.leftovers(said.append, tmp_path / "reports")
    assert "left something behind" in said[0] and (tmp_path / "a").exists()
    said.clear()
    heal.leftovers(said.append, tmp_path / "reports")
    assert said == []


def test_a_living_runs_copy_is_not_taken_for_broken(tmp_path: Path) -> None:
    made = copy(tmp_path, myself(), "a")
    (made.evidence / "guardian.jsonl").write_text("")
    assert heal.heal(lambda text: None, tmp_path / "reports") == 0
    assert not (tmp_path / "a").exists()
    assert Ledger().outstanding() == []


@pytest.mark.parametrize("script_works", [True, False])
def test_an_entry_that_cannot_be_read_is_left_to_heal_sh(tmp_path: Path, script_works: bool) -> None:
    ledger = Ledger()
    ledger.intend(
        entry_id="x#0", run="x", experiment="e", target="t", change=without(tmp_path / "x"), evidence=tmp_path,
        lease_s=60.0,
    )  # fmt: skip
    with ledger._open() as raw:
        raw.execute("UPDATE entries SET change = 'rubbish'")
    if script_works:
        heal_script.write(tmp_path / "HEAL.sh", "x", [without(tmp_path / "x")])
    said: list[str] = []
    assert heal.heal(said.append, tmp_path / "reports") == 50
    assert said[-1].splitlines()[-1] == heal.heal_command()
    assert (tmp_path / "x").exists() is script_works
    assert bool(ledger.unreadable()) is not script_works


def test_a_run_that_outlived_its_lease_is_ended_before_it_is_healed(tmp_path: Path) -> None:
    hung = subprocess.Popen(["sleep", "60"])
    ledger = Ledger()
    ledger.intend(
        entry_id="x#0", run="x", experiment="e", target="t", change=without(tmp_path / "x"), evidence=tmp_path,
        lease_s=-1.0,
    )  # fmt: skip
    (entry,) = ledger.outstanding()
    mark = Path(f"/proc/{hung.pid}/stat").read_text().rpartition(")")[2].split()[19]
    ledger.put(replace(entry, runner=Process(boot_id(), hung.pid, mark)))
    assert heal.heal(lambda text: None, tmp_path / "reports") == 0
    assert hung.wait(timeout=5) == -9 and (tmp_path / "x").exists()

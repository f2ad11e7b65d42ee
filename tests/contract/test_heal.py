"""`chaos.heal` and HEAL.sh, when runner and guardian are both dead; and what they leave alone."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blackstart.evidence import journal
from blackstart.safety.heal import heal
from blackstart.safety.ledger.ledger import Ledger
from tests.contract.guarded_run import SmallRun, hidden
from tests.contract.test_guardian import nothing_left_running  # noqa: F401  (a fixture)
from tests.services import Supervised, connects, pings, supervised_redis

Ruin = Callable[[Path], object]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("supervised")) as made:
        yield made


def both_killed(lab: Supervised, reports: Path) -> SmallRun:
    """A run with Redis stopped, then its guardian and itself killed at once."""
    run = SmallRun(lab, reports)
    run.wait_for("done")
    guardian = run.guardian
    run.process.send_signal(signal.SIGSTOP)  # it must not see its guardian's death, and restore
    os.kill(guardian, signal.SIGKILL)
    assert run.guardian_gone()  # what it looks after is nobody else's to mend, until it has ended
    run.kill()
    assert not connects(lab.port)
    return run


def healed(reports: Path) -> tuple[int, list[str]]:
    said: list[str] = []
    return heal.heal(said.append, reports), said


def test_heal_mends_what_two_dead_left_broken_and_empties_the_ledger(lab: Supervised, tmp_path: Path) -> None:
    run = both_killed(lab, tmp_path)
    assert heal.status(lambda text: None) == 50
    code, said = healed(tmp_path)
    assert code == 0 and pings(lab.port), said
    assert Ledger().outstanding() == []
    assert not (run.evidence / "undo.json").exists()
    record = journal.read(run.evidence / "heal.jsonl")
    assert not record.damage and record.of("gone")[0]["ok"]
    assert not journal.read(run.evidence / "guardian.jsonl").damage


def test_heal_sh_mends_the_same_without_our_python(lab: Supervised, tmp_path: Path) -> None:
    run = both_killed(lab, tmp_path)
    script = subprocess.run(["sh", run.evidence / "HEAL.sh"], capture_output=True, text=True, timeout=60, check=False)
    assert script.returncode == 0, script.stdout + script.stderr
    assert pings(lab.port)
    code, said = healed(tmp_path)
    assert code == 0 and Ledger().outstanding() == [], said


@pytest.mark.parametrize(
    "ruin",
    [
        lambda path: os.truncate(path, 0),
        lambda path: os.truncate(path, path.stat().st_size // 2),
        lambda path: path.write_bytes(os.urandom(20_000)),
        lambda path: path.write_text("rubbish"),
        lambda path: path.unlink(),
    ],
    ids=["truncated", "halved", "overwritten", "rubbish", "removed"],
)
def test_a_ruined_ledger_is_set_aside_and_loses_nothing(lab: Supervised, tmp_path: Path, ruin: Ruin) -> None:
    both_killed(lab, tmp_path)
    ruin(Ledger().path)
    code, said = healed(tmp_path)
    assert code == 0 and pings(lab.port), said
    assert Ledger().outstanding() == []
    assert any("set aside" in line or "copy" in line for line in said)


def test_a_ledger_that_is_ruined_under_a_living_run_does_not_keep_its_guardian_from_mending(
    lab: Supervised, tmp_path: Path
) -> None:
    run = SmallRun(lab, tmp_path)
    run.wait_for("done")
    Ledger().path.write_bytes(os.urandom(8192))
    run.kill()
    assert run.guardian_gone() and pings(lab.port)
    code, said = healed(tmp_path)
    assert code == 0 and Ledger().outstanding() == [], said


def test_what_a_living_run_holds_is_left_alone(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path)
    run.wait_for("done")
    code, said = healed(tmp_path)
    assert code == 0 and "left alone: stop redis" in said[0]
    assert not connects(lab.port) and len(Ledger().outstanding()) == 1
    assert heal.status(lambda text: None) == 0
    run.kill()
    assert run.guardian_gone() and pings(lab.port)


def test_what_cannot_be_mended_stays_listed_with_the_heal_command_last_until_it_can(
    lab: Supervised, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = both_killed(lab, tmp_path)
    monkeypatch.setattr(heal, "UNDO_WITHIN_S", 1.0)
    with hidden(lab):
        code, said = healed(tmp_path)
    assert code == 50 and "\n".join(said).splitlines()[-1] == heal.heal_command()
    assert [entry.run for entry in Ledger().outstanding()] == [run.evidence.name]
    code, said = healed(tmp_path)
    assert code == 0 and pings(lab.port) and Ledger().outstanding() == []

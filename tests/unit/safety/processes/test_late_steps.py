"""A step that was given up may still take effect: engine, guardian and `chaos.heal` all watch for it as long again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base import clock
from blackstart.evidence import journal
from blackstart.model.change import Change
from blackstart.model.step import Command
from blackstart.safety.guardian.takeover import RunnerState, Takeover
from blackstart.safety.heal import heal
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.processes.identity import Process, boot_id
from blackstart.safety.processes.runner import Runner
from tests.unit.safety.file_fault import without
from tests.unit.safety.processes.test_steps_in_flight import SLEEP

DEAD = Process(boot_id(), 2**22 - 1, "1")
LIMIT_S = 7.0
TAKES_EFFECT_AFTER_S = 4.0  # well after the second for which an undo must stay, on a busy machine, too
Mend = Callable[[Path, Change, str, list[Process], float], list[str]]


def removed_late(path: Path) -> Change:
    """A stop that nobody's death ends: it takes effect when its undo was proved, and had stayed for a second."""
    step = Command(SLEEP, timeout_s=LIMIT_S)
    return replace(without(path), do=(step,))


def late_server(path: Path) -> subprocess.Popen[bytes]:
    """What a step asked of a server goes on there, whatever becomes of who asked, and takes effect after the undo."""
    once_undone = f'until [ -e "{path}" ]; do sleep 0.05; done; sleep {TAKES_EFFECT_AFTER_S}; rm -f "{path}"'
    return subprocess.Popen(["sh", "-c", once_undone], start_new_session=True)


def by_heal(tmp_path: Path, change: Change, state: str, children: list[Process], since_s: float) -> list[str]:
    ledger = Ledger()
    ledger.intend(entry_id="r#0", run="r", experiment="e", target="t", change=change, evidence=tmp_path, lease_s=60.0)
    (made,) = ledger.outstanding()
    ledger.put(replace(made, runner=DEAD, state=state, lease_until_s=since_s + change.lease_s))
    said: list[str] = []
    assert heal.heal(said.append, tmp_path / "reports") == 0, said
    return said


def by_guardian(tmp_path: Path, change: Change, state: str, children: list[Process], since_s: float) -> list[str]:
    takeover = Takeover("r", tmp_path, {"r#0": change}, "", {})
    heard = RunnerState({"r#0": state}, {"r#0": since_s}, children)
    assert takeover.mend("the run has died", heard, Runner(DEAD), os.open(os.devnull, os.O_RDONLY))
    takeover.end("test")
    record = journal.read(tmp_path / "guardian.jsonl")
    return [str(event["message"]) for event in record.of("said")]


@pytest.mark.parametrize("mend", [by_heal, by_guardian])
def test_a_step_that_had_to_be_ended_and_takes_effect_later_is_undone_again(tmp_path: Path, mend: Mend) -> None:
    path = tmp_path / "x"
    since_s = clock.now_s()  # the entry is there before its step
    step = subprocess.Popen(SLEEP, start_new_session=True)
    server = late_server(path)
    mark = Path(f"/proc/{step.pid}/stat").read_text().rpartition(")")[2].split()[19]
    try:
        said = mend(tmp_path, removed_late(path), "doing", [Process(boot_id(), step.pid, mark)], since_s)
    finally:
        server.wait(timeout=10)
        step.kill()
        step.wait(timeout=10)
    assert path.exists() and "came after its undo: remove x" in said


@pytest.mark.parametrize("mend", [by_heal, by_guardian])
def test_a_step_that_the_run_had_given_up_before_it_died_is_watched_for_too(tmp_path: Path, mend: Mend) -> None:
    path = tmp_path / "x"
    server = late_server(path)
    try:
        said = mend(tmp_path, removed_late(path), "late", [], clock.now_s())
    finally:
        server.wait(timeout=10)
    assert path.exists() and "came after its undo: remove x" in said


def test_the_ledger_says_late_from_a_given_up_step_on_until_it_is_closed(tmp_path: Path) -> None:
    said = by_heal(tmp_path, removed_late(tmp_path / "x"), "late", [], clock.now_s())
    assert any(line.endswith(f"may still take effect; watched for {LIMIT_S:g} s") for line in said)
    assert Ledger().outstanding() == []

"""Which process carries out which step, and how long an undo waits for it."""

import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blackstart.base import clock
from blackstart.model.step import Ask, Command, HttpCall
from blackstart.safety.processes import steps_in_flight
from blackstart.safety.processes.identity import Process, boot_id, started
from blackstart.safety.processes.steps_in_flight import Beginning, executes, settle, words_of
from tests.unit.safety.file_fault import without

# Steps are looked for on the whole machine, by what they execute: nothing that runs beside this has these words.
SLEEP = ("sleep", f"60.{os.getpid()}")


def forget(event: str, *, sync: bool = False, **fields: Any) -> None:
    """What is noted does not matter here."""


def beginning(tmp_path: Path, *argv: str, **more: Any) -> Beginning:
    change = replace(without(tmp_path / "a"), do=(Command(argv, **more),))
    return Beginning(change, clock.now_s())


@pytest.mark.parametrize(
    ("words", "step", "answer"),
    [
        (["rm", "-f", "x"], Command(("rm", "-f", "x")), True),
        (["/bin/rm", "-f", "x"], Command(("rm", "-f", "x")), True),
        (["/usr/bin/python3", "/bin/ctl", "stop", "r"], Command(("/bin/ctl", "stop", "r")), True),
        (["rm", "-f", "y"], Command(("rm", "-f", "x")), False),
        (["rmdir", "-f", "x"], Command(("rm", "-f", "x")), False),
        (["true"], Command(("true",)), True),
        ([], Command(("true",)), False),
        (["true"], Ask("do it"), False),
        (["true"], HttpCall("POST", "http://localhost/"), False),
        (["ssh", "-o", "x", "ops@db", "true"], Command(("true",), host="ssh://ops@db"), True),
        (["bash", "-c", "true"], Command(("true",), host="ssh://ops@db"), False),
    ],
)  # fmt: skip
def test_a_step_is_recognized_by_its_words(words: list[str], step: Any, answer: bool) -> None:
    assert executes(words, step) is answer


def test_it_waits_for_a_child_that_was_told_of(tmp_path: Path) -> None:
    begun = beginning(tmp_path, "sleep", "9")
    child = subprocess.Popen(["sleep", "0.6"], start_new_session=True)
    told = [Process(boot_id(), child.pid, started(child.pid) or "")]
    settle([begun], told, [], forget)
    assert child.poll() is not None or started(child.pid) is None
    child.wait(timeout=5)


def test_it_finds_a_child_that_nobody_could_tell_of_by_what_it_executes(tmp_path: Path) -> None:
    begun = beginning(tmp_path, "sleep", "0.7")
    child = subprocess.Popen(["sleep", "0.7"], start_new_session=True)
    settle([begun], [], [], forget)
    assert started(child.pid) is None
    child.wait(timeout=5)


def test_it_finds_a_child_in_the_midst_of_its_exec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What a busy machine shows: the parent of a child has been told that it executes, and its words are not there yet.
    looks = iter(range(3))
    child = subprocess.Popen(["sleep", "2"], start_new_session=True)

    def words(pid: int) -> list[str]:
        return [] if pid == child.pid and next(looks, None) is not None else words_of(pid)

    monkeypatch.setattr(steps_in_flight, "words_of", words)
    settle([Beginning(beginning(tmp_path, "sleep", "2").change, clock.now_s() - 1)], [], [], forget)
    assert next(looks, None) is None and started(child.pid) is None
    child.wait(timeout=5)


def test_past_its_time_limit_a_step_is_ended(tmp_path: Path) -> None:
    begun = beginning(tmp_path, *SLEEP, timeout_s=0.5)
    child = subprocess.Popen(SLEEP, start_new_session=True)
    began_s = time.monotonic()
    settle([begun], [], [], forget)
    assert child.wait(timeout=5) == -9 and time.monotonic() - began_s < 20


@pytest.mark.parametrize("older", [True, False])
def test_processes_of_others_and_lasting_steps_are_not_waited_for(tmp_path: Path, older: bool) -> None:
    child = subprocess.Popen(SLEEP, start_new_session=True)
    try:
        if older:  # the same words, begun before the change
            time.sleep(0.1)
        begun = beginning(tmp_path, *SLEEP, detach=not older)
        began_s = time.monotonic()
        settle([begun], [], [], forget)
        assert time.monotonic() - began_s < 10 and child.poll() is None
    finally:
        child.kill()
        child.wait(timeout=5)

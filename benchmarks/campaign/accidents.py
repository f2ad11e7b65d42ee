"""What can happen to a run, one function each: they do it at the instant, and mend by hand what is meant to need it."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.campaign.facts import marked, words_of
from benchmarks.campaign.observer import now_s
from benchmarks.campaign.shot import AIMS, Range, Result, Runner, end, settle, task, wait_for, where

LEASE_S = 10.0  # the guardian's own figure: how long a run may show no sign of life
Accident = Callable[[Runner, Result, random.Random], None]


class Missed(Exception):
    """What was to be hit was not there: a shot that shows nothing."""


def shoot(place: Range, experiment: str, accident: str, aim: str, chance: random.Random) -> Result | None:
    """One shot; None where the run had ended before its instant came, or what was to be hit was not there."""
    result = Result(place.system.name, experiment, accident, aim)
    if aim == AIMS[0]:
        place.measure_length(experiment)
    place.observer.begin()
    runner = Runner(place, experiment)
    if not wait_for(aim, runner, chance):
        runner.process.wait(timeout=300)
        return None
    try:
        ACCIDENTS[accident](runner, result, chance)
    except Missed:
        return None
    return result


def _kill_runner(runner: Runner) -> float:
    end(runner.process.pid)
    at_s = now_s()
    runner.process.wait(timeout=10)
    return at_s


def runner_killed(runner: Runner, result: Result, chance: random.Random) -> None:
    """SIGKILL to the runner."""
    end(runner.process.pid)  # at once: a look at anything would take longer than some of the instants last
    at_s = now_s()
    guardian, entries = runner.guardian(), runner.place.traces.ledger()
    runner.process.wait(timeout=10)
    result.fell = where(runner, at_s, guardian, entries)
    settle(runner, result, at_s)


def guardian_killed(runner: Runner, result: Result, chance: random.Random) -> None:
    """SIGKILL to the guardian: the run has to stop and restore by itself, and must not claim to have held."""
    guardian, entries = runner.guardian(), runner.place.traces.ledger()
    if not guardian:
        runner.process.wait(timeout=300)
        raise Missed
    end(guardian)
    at_s = now_s()
    result.fell = where(runner, at_s, guardian, entries)
    code = runner.process.wait(timeout=200)
    if code == 0 and result.fell in ("in force", "between ledger and fault", "guardian starting"):
        result.faults.append("the run says that it held")
    settle(runner, result, at_s)


def both_killed(runner: Runner, result: Result, chance: random.Random) -> None:
    """SIGKILL to both within 50 ms, in either order; then `chaos.heal`."""
    at_s = _kill_both(runner, result, chance)
    code = task(runner.place, "chaos.heal")
    if code:
        result.faults.append(f"chaos.heal ended with {code}")
    settle(runner, result, at_s)


def both_killed_heal_sh(runner: Runner, result: Result, chance: random.Random) -> None:
    """SIGKILL to both within 50 ms; then HEAL.sh alone restores, and `chaos.heal` afterwards only closes the books."""
    at_s = _kill_both(runner, result, chance)
    folder = runner.evidence()
    script = folder / "HEAL.sh" if folder else Path("none")
    if script.exists():
        done = subprocess.run(
            [*runner.place.system.prefix, "sh", script], capture_output=True, timeout=180, check=False
        )
        if done.returncode:
            result.faults.append(f"HEAL.sh ended with {done.returncode}: {done.stderr.decode()[-200:]}")
        if not runner.place.observer.well_for(1.0, 20.0):
            result.faults.append("HEAL.sh did not restore it")
    elif result.fell in ("in force", "between ledger and fault", "inside undo"):
        result.faults.append("there was no HEAL.sh")
    if code := task(runner.place, "chaos.heal"):
        result.faults.append(f"chaos.heal ended with {code}")
    settle(runner, result, at_s)


def _kill_both(runner: Runner, result: Result, chance: random.Random) -> float:
    guardian, entries = runner.guardian(), runner.place.traces.ledger()
    victims = [runner.process.pid, guardian]
    chance.shuffle(victims)
    at_s = now_s()
    end(victims[0] or victims[1])
    time.sleep(chance.uniform(0, 0.05))
    for pid in {victims[1], guardian, runner.guardian()} - {0}:
        end(pid)
    runner.process.wait(timeout=10)
    result.fell = where(runner, at_s, guardian, entries)
    return at_s


def stopped(runner: Runner, result: Result, chance: random.Random) -> None:
    """SIGSTOP for longer than the lease, then SIGCONT: it must be dead by then, and the system restored."""
    guardian, entries = runner.guardian(), runner.place.traces.ledger()
    end(runner.process.pid, 19)
    at_s = now_s()
    result.fell = where(runner, at_s, guardian, entries)
    time.sleep(LEASE_S + 3)
    in_time = runner.process.poll() is not None or result.fell in ("before anything", "guardian starting")
    end(runner.process.pid, 18)
    if not in_time:
        result.faults.append("the runner outlived its lease")
    runner.process.wait(timeout=200)
    settle(runner, result, at_s)


def ledger_ruined(runner: Runner, result: Result, chance: random.Random) -> None:
    """The ledger is truncated or overwritten with rubbish, then the runner is killed; then the guardian, or heal."""
    ledger = runner.place.traces.state / "ledger.db"
    guardian, entries = runner.guardian(), runner.place.traces.ledger()
    if ledger.exists():
        size = chance.choice([0, 100, ledger.stat().st_size // 2])
        if chance.random() < 0.5:
            os.truncate(ledger, size)
        else:
            ledger.write_bytes(chance.randbytes(8192))
    with_guardian = chance.random() < 0.5
    if not with_guardian and guardian:
        end(guardian)
    at_s = _kill_runner(runner)
    result.fell = where(runner, at_s, guardian, entries)
    _wait_for_guardians(runner)
    if code := task(runner.place, "chaos.heal"):
        result.faults.append(f"chaos.heal ended with {code}")
    settle(runner, result, at_s)


def disk_full(runner: Runner, result: Result, chance: random.Random) -> None:
    """The disk of state and evidence fills up at the instant; half of the runs are killed soon after."""
    filler = runner.place.traces.state / "filler"
    guardian, entries = runner.guardian(), runner.place.traces.ledger()
    fill(filler)
    at_s = now_s()
    result.fell = where(runner, at_s, guardian, entries)
    if chance.random() < 0.5:
        time.sleep(chance.uniform(0, 0.5))
        _kill_runner(runner)
    runner.process.wait(timeout=200)
    _wait_for_guardians(runner)
    if not runner.place.observer.well_for(1.0, 40.0):
        result.faults.append("NOT RESTORED while the disk was full")
    filler.unlink()
    if code := task(runner.place, "chaos.heal"):  # closes what could not be closed
        result.faults.append(f"chaos.heal ended with {code}")
    settle(runner, result, at_s)


def start_in_stop(runner: Runner, result: Result, chance: random.Random) -> None:
    """Redis is frozen, so that its stop takes long; who carries out the stop is killed with the runner.

    Then nobody can know that a stop is under way, and the undo's start comes in the middle of it. Redis goes on, and
    ends, a second later.
    """
    pid = runner.place.system.freeze()
    if not pid:  # it has ended already
        runner.process.wait(timeout=300)
        raise Missed
    time.sleep(chance.uniform(0.25, 0.4))
    guardian, entries = runner.guardian(), runner.place.traces.ledger()
    runner_at_s = _kill_runner(runner)
    young = marked(runner.place.traces.mark) - runner.relatives
    messengers = [one for one in young if "stop" in words_of(one)]
    for messenger in messengers:
        end(messenger)
    result.fell = where(runner, runner_at_s, guardian, entries)
    time.sleep(1.0)
    end(pid, 18)
    settle(runner, result, runner_at_s)
    if not messengers and not result.faults:  # the stop was over, or not yet begun: no start came into it
        raise Missed


def fill(path: Path) -> None:
    """Write until nothing more can be written."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def _wait_for_guardians(runner: Runner) -> None:
    until_s = now_s() + 60
    while runner.place.traces.guardians() and now_s() < until_s:
        time.sleep(0.02)


ACCIDENTS: dict[str, Accident] = {
    "runner killed": runner_killed,
    "runner killed, start in a stop": start_in_stop,
    "guardian killed": guardian_killed,
    "both killed, then chaos.heal": both_killed,
    "both killed, then HEAL.sh": both_killed_heal_sh,
    "runner stopped beyond its lease": stopped,
    "ledger ruined": ledger_ruined,
    "disk full": disk_full,
}

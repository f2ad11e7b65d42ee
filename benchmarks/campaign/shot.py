"""One shot: start a run, wait for an instant, do the accident, and see what became of the system."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.campaign.facts import Traces, belongs_to, events, is_stopped, marked, parent_of, pids, words_of
from benchmarks.campaign.observer import Observer, journal_fault, now_s
from benchmarks.campaign.systems import FAULTLESS, ROOT, Missing, System, invoke

_NO_LATER_THAN_S = 20.0  # the lease of a run that hangs is 10 s
_RESTORED_WITHIN_S = 60.0
_STAYS_S = 1.2
_LOADED = 2  # so many phases have begun: baseline and fault
_ENDS_WITHIN_S = 10.0  # a look that was under way at the kill comes to its own end
_AGREES_WITHIN_S = 40.0  # what waits in a queue is worked off by then
AIMS = ("at any time", "guardian starting", "between ledger and fault", "in force", "inside undo")
UNDER_LOAD = "under load"  # of an experiment without a fault: what it has instead


@dataclass
class Result:
    """What one shot came to. `fell` is where it hit, `faults` what is wrong (empty: all is well)."""

    system: str
    experiment: str
    accident: str
    aim: str
    fell: str = ""
    restored_s: float | None = None
    faults: list[str] = field(default_factory=list)


@dataclass
class Range:
    """Where shots are fired: the system, who watches it, and where the runs leave their traces."""

    system: System
    observer: Observer
    traces: Traces
    lengths: dict[str, float] = field(default_factory=dict)

    def measure_length(self, experiment: str) -> None:
        """Run it once to its end, if its length is not known yet (s). Raises Missing where it does not come to one.

        A busy machine may break what it promises in time: that says nothing of who restores.
        """
        if experiment in self.lengths:
            return
        self.observer.begin()
        runner = Runner(self, experiment)
        code = runner.process.wait(timeout=300)
        if code not in (0, 20):
            raise Missing(
                f"{experiment} does not come to a verdict when it is left alone (exit {code}): {runner.last_line()}"
            )
        self.lengths[experiment] = now_s() - runner.began_s

    @property
    def environment(self) -> dict[str, str]:
        """For the runs."""
        return {
            **os.environ,
            "BLACKSTART_STATE": str(self.traces.state),
            "REPORTS": str(self.traces.reports),
            "PYTHONPATH": f"{ROOT / 'lib'}{os.pathsep}{ROOT}",
            "TARGET": str(self.system.target),
            "ASSUME_LINK": self.system.assume_link,
            "NONINTERACTIVE": "1",
        }


class Runner:
    """A run as a process, and what can be seen of it from outside."""

    def __init__(self, place: Range, experiment: str) -> None:
        self.place, self.experiment = place, experiment
        self.before = {path.name for path in place.traces.runs()}
        self.relatives = marked(place.traces.mark)
        self.out = place.traces.state / "out.txt"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [*place.system.prefix, *place.system.runs[experiment]], env=place.environment, cwd=place.traces.state,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        self.began_s, self.wall_s = now_s(), time.time()

    def evidence(self) -> Path | None:
        """Its evidence folder, once there is one."""
        new = [path for path in self.place.traces.runs() if path.name not in self.before]
        return new[-1] if new else None

    def said(self, text: str) -> bool:
        """Whether it has printed that."""
        return text.encode() in self.out.read_bytes()

    def last_line(self) -> str:
        """The last that it has printed."""
        return (self.out.read_text("utf-8", "replace").strip().splitlines() or ["it printed nothing"])[-1]

    def guardian(self) -> int:
        """The pid of its guardian, also of one that is only starting; 0 where there is none.

        Only this campaign's processes have its state folder in their environment.
        """
        for pid in marked(self.place.traces.mark):
            words = words_of(pid)
            if (
                "blackstart.safety.guardian" in words
                and words[-1] not in self.before
                and parent_of(pid) != self.process.pid
            ):
                return pid
        return 0

    def wait(self, fact: Callable[[], bool], within_s: float = 40.0) -> bool:
        """Whether it became so while the run was alive."""
        until_s = now_s() + within_s
        while now_s() < until_s and self.process.poll() is None:
            if fact():
                return True
            time.sleep(0.001)
        return False


def wait_for(aim: str, runner: Runner, chance: random.Random) -> bool:
    """Wait for the seeded instant; False where the run has ended before it."""
    place = runner.place
    if aim == "at any time":
        at_s = runner.began_s + chance.uniform(0, place.lengths[runner.experiment])
        hit, delay_s = runner.wait(lambda: now_s() >= at_s, 300.0), 0.0
    elif aim == "guardian starting":
        hit = runner.wait(lambda: _guardian_begun(runner))
        delay_s = chance.uniform(0, 0.12)
    elif aim == "between ledger and fault":
        hit = runner.wait(lambda: _opened(runner))
        delay_s = chance.uniform(0, place.system.gap_s)
    elif aim == UNDER_LOAD:
        hit = runner.wait(lambda: _under_load(runner))
        delay_s = chance.uniform(0, place.system.load_s)
    elif aim == "in force":
        hit = runner.wait(place.observer.first_bad.is_set)
        delay_s = chance.uniform(0, 0.9)
    else:
        hit = runner.wait(lambda: runner.said("undoing:"))
        delay_s = chance.uniform(0, place.system.undo_s)
    until_s = now_s() + delay_s
    while hit and now_s() < until_s:
        time.sleep(0.0005)
    return hit and runner.process.poll() is None


def _guardian_begun(runner: Runner) -> bool:
    """Whether its process is there, however young."""
    folder = runner.evidence()
    return folder is not None and any(words_of(pid)[-1:] == [folder.name] for pid in marked(runner.place.traces.mark))


def _under_load(runner: Runner) -> bool:
    """Whether its baseline is over and its recovery has not begun."""
    folder = runner.evidence()
    return folder is not None and events(folder / "journal.jsonl").count("phase") == _LOADED


def _opened(runner: Runner) -> bool:
    """Whether the run has written to the ledger."""
    with contextlib.suppress(FileNotFoundError):
        written_s = (runner.place.traces.state / "ledger.db").stat().st_mtime
        return written_s > runner.wall_s
    return False


def where(runner: Runner, at_s: float, guardian: int, entries: list[tuple[str, str]]) -> str:
    """Where a kill at that time fell, from what the run had written by then and what the observer saw."""
    folder = runner.evidence()
    told = events(folder / "guardian.jsonl", at_s) if folder else []
    wrote = events(folder / "journal.jsonl", at_s) if folder else []
    if "gone" in wrote or "undone" in wrote:
        return "after the undo"
    if "undo" in wrote or "undoing" in told:
        return "inside undo"
    if "did" in wrote or ((entries or "intent" in told) and not runner.place.observer.well_at(at_s)):
        return "in force"
    if entries or "intent" in told or "do" in wrote:
        return "between ledger and fault"
    if runner.experiment in FAULTLESS and wrote.count("phase") == _LOADED:
        return UNDER_LOAD
    if folder and "guarding" not in told and (guardian or not runner.said("baseline:")):
        return "guardian starting"
    return "before anything"


def settle(runner: Runner, result: Result, since_s: float) -> None:
    """Wait until nobody works at it any more, then look whether everything is as it was."""
    place, state = runner.place, runner.place.traces
    until_s = now_s() + _RESTORED_WITHIN_S
    while state.guardians() and now_s() < until_s:
        time.sleep(0.01)
    if not place.observer.well_for(_STAYS_S, max(1.0, until_s - now_s())):
        result.faults.append(
            "NOT RESTORED: " + ", ".join(look.name for look in place.observer.looks if not look.well())
        )
    result.restored_s = place.observer.restored_s(since_s)
    if result.restored_s and result.restored_s > _NO_LATER_THAN_S:  # by a last lease of its own, and not by the undo
        result.faults.append(f"restored only after {result.restored_s:.0f} s")
    if frozen := [pid for pid in pids() if is_stopped(pid) and belongs_to(pid, place.system.elders)]:
        result.faults.append(f"left frozen: {[' '.join(words_of(pid))[:90] for pid in frozen]}")
    # One that was only being started when its runner was killed comes after the first look, and ends by itself.
    ended_s = now_s() + _ENDS_WITHIN_S
    while state.guardians() and now_s() < ended_s:
        time.sleep(0.01)
    if state.guardians():
        result.faults.append("a guardian is still there")
    if state.ledger():
        result.faults.append(f"in the ledger: {state.ledger()}")
    if state.open_copies():
        result.faults.append(f"copies left: {state.open_copies()}")
    folder = runner.evidence()
    # The attestation of a run that ended by itself is in lines, too, but none of them follows from the one before.
    for path in (one for one in folder.glob("*.jsonl") if ".intoto." not in one.name) if folder else ():
        if fault := journal_fault(str(path), torn_allowed=result.accident == "disk full"):
            result.faults.append(f"{path.name}: {fault}")
    _rest(runner, result)


def _rest(runner: Runner, result: Result) -> None:
    """What ends, or comes to agree, by itself soon after: processes, and stores with a queue between them."""
    until_s = now_s() + _ENDS_WITHIN_S
    while (left := _left(runner)) and now_s() < until_s:
        time.sleep(0.05)
    if left:
        result.faults.append(f"left running: {[' '.join(words_of(pid))[:90] for pid in left]}")
    until_s = now_s() + _AGREES_WITHIN_S
    while (gap := runner.place.system.agrees()) and now_s() < until_s:
        time.sleep(0.2)
    if gap:
        result.faults.append(gap)


def _left(runner: Runner) -> list[int]:
    """Processes of the run, or of its relatives, that were not there before and are no part of the system."""
    new = marked(runner.place.traces.mark) - runner.relatives
    return [pid for pid in new if not belongs_to(pid, runner.place.system.elders) and pid != os.getpid()]


def end(pid: int, signum: int = signal.SIGKILL) -> None:
    """Send a signal to a process that may have ended; 0 stands for none, and would be all of our own group."""
    if pid <= 0:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signum)


def task(place: Range, *words: str) -> int:
    """Run one of our tasks, as an operator would; returns its exit code."""
    done = subprocess.run(
        [*place.system.prefix, *invoke(*words)], env=place.environment, cwd=place.traces.state, capture_output=True,
        timeout=180, check=False,
    )  # fmt: skip
    return done.returncode

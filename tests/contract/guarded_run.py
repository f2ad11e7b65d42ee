"""A small run with its guardian, watched from outside, for the tests of guardians."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blackstart.evidence import journal
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.preflight.service_lock import Locks
from blackstart.safety.processes.identity import started
from tests.services import Supervised, eventually, pings


class SmallRun:
    """tests/contract/small_run.py as a process of its own."""

    def __init__(self, lab: Supervised, reports: Path, hold_s: float = 30.0, *more: object, **env: str) -> None:
        self.process = subprocess.Popen(
            small_run(lab, reports, hold_s, *more), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": "lib:.", **env},
        )  # fmt: skip
        self.said: list[str] = []

    def wait_for(self, word: str) -> str:
        """Read on until it says this; returns the rest of that line."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)
            _, _, text = line.strip().partition(" ")
            if text.partition(" ")[0] == word:
                return text.partition(" ")[2]
        raise AssertionError("".join(self.said))

    def go_on(self) -> None:
        """End the wait that it is in, or the next one."""
        assert self.process.stdin
        self.process.stdin.write(".")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)

    def _word(self, word: str) -> str:
        return next((line.split()[2] for line in self.said if line.split()[1] == word), "") or self.wait_for(word)

    @property
    def guardian(self) -> int:
        return int(self._word("up"))

    @property
    def evidence(self) -> Path:
        return Path(self._word("evidence"))

    def guardian_gone(self, within_s: float = 20.0) -> bool:
        pid = self.guardian
        return eventually(lambda: started(pid) is None, within_s)

    def guarded(self) -> list[str]:
        """What the guardian wrote down, as the names of its events; the chain must be whole."""
        record = journal.read(self.evidence / "guardian.jsonl")
        assert not record.damage
        return [str(event["event"]) for event in record.events]


def small_run(lab: Supervised, reports: Path, hold_s: float, *more: object) -> list[str]:
    return list(
        map(str, (sys.executable, "-m", "tests.contract.small_run", reports, lab.config, lab.port, hold_s, *more))
    )


def restored(run: SmallRun, port: int) -> bool:
    return run.guardian_gone() and pings(port) and Ledger().outstanding() == []


@contextmanager
def hidden(lab: Supervised) -> Iterator[None]:
    """Nobody can reach the lab's supervisor meanwhile."""
    away = lab.config.with_suffix(".hidden")
    lab.config.rename(away)
    try:
        yield
    finally:
        away.rename(lab.config)


def take_lock(lab: Supervised) -> None:
    """As a run of the same Redis would; Refused where somebody holds it."""
    locks = Locks([f"supervisor:{lab.config}:redis"])
    locks.take("another", "test")
    locks.release()

"""A lab of the benchmark's own, and `invoke` in it as a user types it: wall time, CPU time, exit code, what is left.

What stands here asks Redis through a socket of its own and reads the app's own log; nothing of it believes the tool.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
INVOKE = str(Path(sys.executable).with_name("invoke"))
_TICK_HZ = os.sysconf("SC_CLK_TCK")


def now_s() -> float:
    """The clock of the app's log and of the journals."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def wait_for(fact: Callable[[], object], within_s: float, what: str, every_s: float = 0.02) -> float:
    """Poll until it is so; returns how long it took. RuntimeError where it never was."""
    began_s = now_s()
    while not fact():
        if now_s() - began_s > within_s:
            raise RuntimeError(f"not within {within_s:g} s: {what}")
        time.sleep(every_s)
    return now_s() - began_s


@dataclass
class Ran:
    """A process that has ended. `cpu` are its own user and system seconds over time, its children's not counted."""

    code: int
    spawned_s: float
    exited_s: float
    output: str
    cpu: list[tuple[float, float]] = field(default_factory=list)

    @property
    def wall_s(self) -> float:
        """From the start of the process to its end."""
        return self.exited_s - self.spawned_s

    def cpu_at(self, at_s: float) -> float:
        """The CPU seconds used by then, on the line between the last look before and the first one after."""
        before_s, used_s = max((look for look in self.cpu if look[0] <= at_s), default=(self.spawned_s, 0.0))
        after_s, later_s = min((look for look in self.cpu if look[0] > at_s), default=(at_s, used_s))
        return used_s + (later_s - used_s) * (at_s - before_s) / max(after_s - before_s, 1e-9)


@dataclass(frozen=True)
class Lab:
    """One running trader."""

    state: Path

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.state / "labs" / "trader"

    @property
    def target(self) -> dict[str, Any]:
        """Its target file."""
        return tomllib.loads((self.folder / "target.toml").read_text(encoding="utf-8"))

    @property
    def api(self) -> str:
        """The base URL of its API."""
        return str(self.target["api"])

    def environment(self, reports: Path) -> dict[str, str]:
        """What CI would have."""
        keep = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
        words = {"PATH": path, "BLACKSTART_STATE": str(self.state), "REPORTS": str(reports)}
        return {**keep, **words, "NONINTERACTIVE": "1", "TARGET": "lab", "NO_COLOR": "1"}

    def supervisor(self, verb: str) -> list[str]:
        """The command that does so with its Redis."""
        program = str(Path(sys.executable).with_name("supervisorctl"))
        return [program, "-c", str(self.folder / "supervisord.conf"), verb, "redis"]

    def redis_up(self) -> bool:
        """Whether Redis answers PING with PONG."""
        host, _, port = str(self.target["services"]["redis"]["address"]).rpartition(":")
        try:
            with socket.create_connection((host, int(port)), 1) as client:
                client.settimeout(1)
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def ready(self) -> bool:
        """Whether /ready is 200."""
        try:
            with urlopen(f"{self.api}/ready", timeout=2) as answer:
                return int(answer.status) == 200
        except (URLError, OSError):
            return False

    def events(self, since_s: float) -> list[dict[str, Any]]:
        """The app's own log from then on."""
        text = Path(self.target["services"]["api"]["events"]).read_text(encoding="utf-8")
        events = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
        return [event for event in events if event["at"] >= since_s]

    def settle(self) -> None:
        """Bring it back to where a drill may begin, whoever left it how."""
        if not self.redis_up():
            subprocess.run(self.supervisor("start"), capture_output=True, timeout=30, check=False)
        # A guardian that still sees to it that its undo stays would undo the next tool's fault as well.
        wait_for(lambda: not self.watched_over(), 60, "whatever a killed run left is mended and closed")
        wait_for(lambda: self.redis_up() and self.ready(), 60, "the lab is ready again")

    def watched_over(self) -> bool:
        """Whether the ledger still has an entry."""
        file = self.state / "ledger.db"
        if not file.exists():
            return False
        with contextlib.closing(sqlite3.connect(file, timeout=5)) as ledger:
            return bool(ledger.execute("SELECT count(*) FROM entries").fetchone()[0])


def bring(state: Path, verb: str, *words: str) -> float:
    """`invoke lab.up` or `lab.down`; the wall time. RuntimeError with its output where it fails."""
    began_s = now_s()
    environment = {**os.environ, "BLACKSTART_STATE": str(state)}
    done = subprocess.run(
        [INVOKE, f"lab.{verb}", *words], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"lab.{verb} {' '.join(words)}: exit {done.returncode}\n{done.stdout}")
    return now_s() - began_s


@contextmanager
def lab(*words: str) -> Iterator[Lab]:
    """A trader with a state folder of its own, taken down at the end."""
    with tempfile.TemporaryDirectory(prefix="bs-bench-") as folder:
        state = Path(folder)
        bring(state, "up", "trader", *words)
        try:
            made = Lab(state)
            made.settle()
            yield made
        finally:
            bring(state, "down")


def run(
    argv: list[str], environment: dict[str, str], within_s: float = 120, meanwhile: Callable[[int], None] | None = None
) -> Ran:
    """Run it to its end. `meanwhile` gets the pid every 50 ms. What runs too long is ended: RuntimeError."""
    with tempfile.TemporaryFile("w+") as output:
        began_s = now_s()
        child = subprocess.Popen(
            argv, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        ran = Ran(0, began_s, 0.0, "")
        try:
            while child.poll() is None:
                ran.cpu.append((now_s(), _cpu_s(child.pid)))
                if meanwhile is not None:
                    meanwhile(child.pid)
                if now_s() - began_s > within_s:
                    raise RuntimeError(f"{argv[0]} did not end within {within_s:g} s")
                time.sleep(0.02)
        finally:
            ran.exited_s = now_s()
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            ran.code = child.wait()
        output.seek(0)
        ran.output = output.read()
        return ran


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK_HZ


def drill(place: Lab, reports: Path, meanwhile: Callable[[int], None] | None = None) -> Ran:
    """`invoke chaos.leader-lock`."""
    return run([INVOKE, "chaos.leader-lock"], place.environment(reports), meanwhile=meanwhile)


def journal(reports: Path) -> list[dict[str, Any]]:
    """The events of the one run in that folder."""
    (file,) = reports.glob("*/journal.jsonl")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def phase_s(events: list[dict[str, Any]], name: str) -> float:
    """When that phase began."""
    return float(next(event["began"] for event in events if event["event"] == "phase" and event["phase"] == name))

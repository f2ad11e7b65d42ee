"""(e) The same drill driven by Chaos Toolkit from the package index, side by side.

Chaos Toolkit gets what its users write: a hypothesis that must hold before and after (/ready 200, leading, not paused,
healthy), a method that stops the lab's Redis through its supervisor, holds, asks for what must have changed (503, not
leading, paused: probes with tolerances), starts Redis and waits for the recovery, and a rollback that starts it once
more. It runs with its default, and with `--rollback-strategy always`. Blackstart runs `invoke chaos.leader-lock`.

A signal is sent one second after Redis is seen down, by a socket of our own; "restored" is how long after the end of
the tool Redis answers again (below 0: before it ended), looked for during 15 s. After each case the lab is mended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.drilling import place
from benchmarks.drilling.place import Lab, Ran, now_s, wait_for
from tabulate import tabulate

HOLD_S = 3.0
# It has no "until": its pause must cover the longest step of the backoff (3 s) and the first heartbeats after it.
RECOVERY_S = 4.0
LOOKED_FOR_S = 15.0
MUTANT = "ready-lies"
_PROBES = '''"""Readings of the trader for Chaos Toolkit."""

from urllib.request import urlopen


def leader(api: str) -> int:
    """The sum of the leader gauge."""
    with urlopen(f"{api}/metrics", timeout=2) as answer:
        lines = answer.read().decode().splitlines()
    return sum(int(float(line.rpartition(" ")[2])) for line in lines if line.startswith("trader_is_leader{"))
'''

Command = Callable[[Lab, Path], tuple[list[str], dict[str, str]]]


@dataclass(frozen=True)
class Case:
    """What is done to the tool, on which lab."""

    name: str
    mutant: str = ""
    signum: int = 0


CASES = (
    Case("healthy lab"),
    Case(f"mutant {MUTANT}", mutant=MUTANT),
    Case("SIGTERM mid-fault", signum=signal.SIGTERM),
    Case("SIGKILL mid-fault", signum=signal.SIGKILL),
)


def table() -> str:
    """Install Chaos Toolkit, run every case with every tool, and print how they ended."""
    with tempfile.TemporaryDirectory(prefix="bs-bench-") as folder:
        chaos = _install(Path(folder) / "chaostoolkit")
        version = subprocess.run([chaos, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
        tools: dict[str, Command] = {
            "blackstart": _ours,
            "chaostoolkit": lambda lab, where: _theirs(lab, where, chaos, "default"),
            "chaostoolkit, rollback always": lambda lab, where: _theirs(lab, where, chaos, "always"),
        }
        rows = _rows(tools, Path(folder))
    return f"(e) {version.strip()}\n" + tabulate(rows, headers=("case", *tools), disable_numparse=True)


def _install(folder: Path) -> str:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "chaostoolkit", "chaostoolkit-lib[jsonpath]"], check=True, timeout=300)
    return str(folder / "bin" / "chaos")


def _rows(tools: dict[str, Command], folder: Path) -> list[tuple[str, ...]]:
    cells: dict[str, list[str]] = {case.name: [] for case in CASES}
    for mutant in dict.fromkeys(case.mutant for case in CASES):
        with place.lab(*(["--mutant", mutant] if mutant else [])) as lab:
            for case in (one for one in CASES if one.mutant == mutant):
                for number, command in enumerate(tools.values()):
                    lab.settle()
                    where = folder / f"{case.name.replace(' ', '-')}-{number}"
                    where.mkdir()
                    cells[case.name].append(_one(case, lab, command, where))
    return [(name, *told) for name, told in cells.items()]


def _one(case: Case, lab: Lab, command: Command, where: Path) -> str:
    argv, environment = command(lab, where)
    watch = _Watch(lab, case.signum)
    ran = place.run(argv, environment, meanwhile=watch.look)
    restored = watch.restored(ran)
    return f"{ran.wall_s:.1f} s, exit {ran.code}, {restored}"


class _Watch:
    """Looks at Redis every few milliseconds beside the run, and sends the signal when its time has come.

    Only a Redis that is silent without a break counts: on a busy machine one that runs may miss a look.
    """

    def __init__(self, lab: Lab, signum: int) -> None:
        self._lab, self._signum = lab, signum
        self._silent_since_s: float | None = None
        self._went_down = self._sent = False

    def look(self, pid: int) -> None:
        """One look, and the signal if it is time."""
        if self._lab.redis_up():
            self._silent_since_s = None
            return
        self._silent_since_s = self._silent_since_s or now_s()
        if now_s() - self._silent_since_s > 1.0:
            self._went_down = True
            if self._signum and not self._sent:
                self._sent = True
                os.kill(pid, self._signum)

    def restored(self, ran: Ran) -> str:
        """How Redis is after the end of the tool."""
        if not self._went_down:
            return "Redis never went down"
        if not self._lab.redis_up():
            try:
                wait_for(self._lab.redis_up, LOOKED_FOR_S, "Redis is back")
            except RuntimeError:
                return "NOT RESTORED"
            return f"restored {now_s() - ran.exited_s:.1f} s after its end"
        return "restored before its end"


def _ours(lab: Lab, where: Path) -> tuple[list[str], dict[str, str]]:
    return [place.INVOKE, "chaos.leader-lock"], lab.environment(where)


def _theirs(lab: Lab, where: Path, chaos: str, strategy: str) -> tuple[list[str], dict[str, str]]:
    (where / "lab_probes.py").write_text(_PROBES, encoding="utf-8")
    (where / "experiment.json").write_text(json.dumps(experiment(lab)), encoding="utf-8")
    journal, log = where / "journal.json", where / "chaos.log"
    words = ["--no-version-check", "--log-file", str(log), "run", "--journal-path", str(journal)]
    argv = [chaos, *words, "--rollback-strategy", strategy, str(where / "experiment.json")]
    return argv, {**lab.environment(where), "PYTHONPATH": str(where)}


def experiment(lab: Lab) -> dict[str, Any]:
    """The drill as Chaos Toolkit reads it."""

    def http(name: str, route: str, **more: Any) -> dict[str, Any]:
        url = f"{lab.api}{route}"
        return {"type": "probe", "name": name, "provider": {"type": "http", "url": url, "timeout": 3}, **more}

    def json_path(expect: object, path: str) -> dict[str, Any]:
        return {"type": "jsonpath", "path": path, "expect": [expect], "target": "body"}

    def supervisor(name: str, verb: str, after_s: float = 0.0) -> dict[str, Any]:
        path, *arguments = lab.supervisor(verb)
        provider = {"type": "process", "path": path, "arguments": arguments, "timeout": 30}
        return {"type": "action", "name": name, "provider": provider, "pauses": {"after": after_s}}

    def readings(status: int, leads: int, paused: bool) -> list[dict[str, Any]]:
        python = {"type": "python", "module": "lab_probes", "func": "leader", "arguments": {"api": lab.api}}
        return [
            http("ready", "/ready", tolerance=status),
            {"type": "probe", "name": "leader", "provider": python, "tolerance": leads},
            http("paused", "/state", tolerance=json_path(paused, "$.is_paused")),
            http("health", "/health", tolerance=json_path("healthy", "$.status")),
        ]

    return {
        "version": "1.0.0",
        "title": "Redis goes away under the leader",
        "description": "Trading must pause at once, and resume without a human.",
        "steady-state-hypothesis": {"title": "it leads and trades", "probes": readings(200, 1, False)},
        "method": [
            supervisor("stop redis", "stop", HOLD_S),
            *readings(503, 0, True),
            supervisor("start redis", "start", RECOVERY_S),
            *readings(200, 1, False),
        ],
        "rollbacks": [supervisor("start redis", "start")],
    }

"""Whole runs of one network fault on a real Redis, as processes of their own, with their real guardians."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from blackstart.base.codec import to_data
from blackstart.evidence import journal
from blackstart.model.change import Fault
from tests.contract.fault_proxies import FaultProxy
from tests.processes import guardians, running
from tests.services import eventually

DRILL = Path(__file__).with_name("network_drill.py")
ROOT = DRILL.parents[2]
_RUN = (
    "import json, sys; from blackstart.commands import run as command; "
    "sys.exit(command.run(sys.argv[1], {'target': sys.argv[2], 'noninteractive': True, 'assume_link': True, "
    "'reports': sys.argv[3], 'allow': sys.argv[4] or None, **json.loads(sys.argv[5])}))"
)


def toml(**parts: Any) -> str:
    """Nested tables as TOML: enough for a target."""

    def inline(value: Any) -> str:
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{key} = {inline(one)}" for key, one in value.items()) + " }"
        return json.dumps(value)

    return "\n".join(f"{key} = {inline(value)}" for key, value in parts.items()) + "\n"


_HEAL = "import sys; from blackstart.commands import healing; sys.exit(healing.heal())"


class NetworkRun:
    """One run: `invoke chaos.run` without Invoke."""

    def __init__(
        self, folder: Path, fault: Fault, target: dict[str, Any], hold_s: float = 0.5, allow: str = "",
        way: tuple[str, ...] = (), drill: Path = DRILL, **options: str,
    ) -> None:  # fmt: skip
        """`way` leads to the place where it runs, as in `ip netns exec NAME`; `drill` is the file of its experiment."""
        self.folder, self.reports, self.way = folder, folder / "reports", way
        file = folder / "target.toml"
        file.write_text(toml(**{"name": "test", "max_rate_hz": 50.0, **target}))
        env = {**os.environ, "PYTHONPATH": f"{ROOT / 'lib'}{os.pathsep}{ROOT}", "NETWORK_HOLD": str(hold_s)}
        env |= {"NETWORK_FAULT": json.dumps(to_data(fault)), "BLACKSTART_LOCKS": str(folder / "locks")}
        env.pop("SSH_CONNECTION", None)
        self.process = subprocess.Popen(
            [*way, sys.executable, "-c", _RUN, str(drill), str(file), str(self.reports), allow,
             json.dumps(options)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env, start_new_session=True, cwd=ROOT,
        )  # fmt: skip
        self.said: list[str] = []

    def wait_for(self, words: str) -> None:
        """Read on until it says this."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)
            if words in line:
                return
        raise AssertionError("".join(self.said))

    def end(self, within_s: float = 90.0) -> int:
        """Its exit code."""
        out, _ = self.process.communicate(timeout=within_s)
        self.said.append(out)
        return self.process.returncode

    @property
    def text(self) -> str:
        """All that it said so far."""
        return "".join(self.said)

    def kill(self) -> float:
        """SIGKILL; the time of it."""
        self.process.kill()
        at_s = time.monotonic()
        self.process.wait(timeout=10)
        return at_s

    def orphan(self) -> None:
        """SIGKILL to its guardian, then to itself, before it can see that."""
        (guardian,) = guardians()
        self.process.send_signal(signal.SIGSTOP)
        os.kill(guardian, signal.SIGKILL)
        self.kill()

    def mend(self, way: str) -> None:
        """What a dead run left, by chaos.heal or, in an empty environment, by HEAL.sh."""
        if way == "HEAL.sh":
            (script,) = self.reports.glob("*/HEAL.sh")
            argv, env = ["sh", str(script)], {"PATH": "/usr/bin:/bin"}
        else:
            argv = [*self.way, sys.executable, "-c", _HEAL]
            env = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
        mended = subprocess.run(
            argv, env=env, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )
        assert mended.returncode == 0, mended.stdout + mended.stderr

    def guardian_gone(self, within_s: float = 40.0) -> bool:
        """Whether every guardian of this run has ended; by what its command line says."""
        return eventually(lambda: not left_running(), within_s)

    def guarded(self) -> list[str]:
        """The names of the events in the guardian's record, whose chain must be whole."""
        (file,) = self.reports.glob("*/guardian.jsonl")
        record = journal.read(file)
        assert not record.damage
        return [str(event["event"]) for event in record.events]


def through(proxy: FaultProxy, port: int, upstream: int) -> dict[str, Any]:
    service = {"address": f"127.0.0.1:{port}", "proxy_name": "redis"}
    return {"proxy": proxy.url, "services": {"redis": service}}


def untouched(proxy: FaultProxy) -> bool:
    told = proxy.call("GET", "/proxies/redis").json()
    return told["enabled"] is True and told["toxics"] == []


def left_running() -> list[str]:
    """Processes that belong to the runs of this test: their guardians, and what their faults started."""
    modules = ("blackstart.safety.guardian", "blackstart.faults._flapper")
    return [" ".join(words) for module in modules for words in running(module).values()]

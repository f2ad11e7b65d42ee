"""The same kill against two others that stop a service and start it again: a bash script with a trap, Chaos Toolkit."""

from __future__ import annotations

import json
import random
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.campaign.observer import now_s
from benchmarks.campaign.shot import Range, Result, end

_LOOKED_FOR_S = 10.0
_HOLD_S = 3.0


def bash_with_a_trap(place: Range, folder: Path) -> list[str]:
    """`trap … EXIT`, as most drills are written."""
    start, stop = shlex.join(place.system.start_words), shlex.join(place.system.stop_words)
    return ["bash", "-c", f"trap {shlex.quote(start)} EXIT INT TERM HUP; {stop}; sleep {_HOLD_S:g}"]


def chaos_toolkit(place: Range, folder: Path, chaos: str) -> list[str]:
    """An experiment with a rollback, and the strategy that always rolls back."""

    def action(name: str, words: tuple[str, ...], **more: object) -> dict[str, object]:
        provider = {"type": "process", "path": words[0], "arguments": list(words[1:]), "timeout": 30}
        return {"type": "action", "name": name, "provider": provider, **more}

    experiment = {
        "version": "1.0.0",
        "title": "Redis goes away",
        "description": "It is stopped, and started again by the rollback.",
        "method": [action("stop", place.system.stop_words, pauses={"after": _HOLD_S})],
        "rollbacks": [action("start", place.system.start_words)],
    }
    path = folder / "experiment.json"
    path.write_text(json.dumps(experiment))
    return [chaos, "--no-version-check", "run", "--rollback-strategy", "always", str(path)]


def shoot(
    place: Range, name: str, command: Callable[[Range, Path], list[str]], folder: Path, chance: random.Random
) -> Result:
    """SIGKILL while the service is away; how long until it is back, if it comes back at all."""
    result = Result(place.system.name, "stop redis", f"{name}: killed", "in force", "in force")
    place.observer.begin()
    rival = subprocess.Popen(
        command(place, folder), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    if not place.observer.first_bad.wait(30):
        result.faults.append("it never stopped the service")
    delay_s = chance.uniform(0.0, 0.9)
    until_s = now_s() + delay_s
    place.observer.well_for(60.0, delay_s)
    end(rival.pid)
    at_s = max(now_s(), until_s)
    rival.wait(timeout=10)
    if not place.observer.well_for(1.0, _LOOKED_FOR_S):
        result.faults.append(f"NOT RESTORED after {_LOOKED_FOR_S:g} s")
        subprocess.run(place.system.start_words, capture_output=True, timeout=60, check=True)
        place.observer.well_for(0.5, 20.0)
    else:
        result.restored_s = place.observer.restored_s(at_s)
    return result

"""A fault that a process of ours holds, as data: started by the do, ended by the undo with plain shell.

The engine holds nothing by itself. What such a process does at the other end is in `_lifetime`.
"""

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import blackstart
from blackstart.base.errors import Refused
from blackstart.base.state import state_dir
from blackstart.controls.process import Process
from blackstart.model.step import Command
from blackstart.safety.processes.identity import myself

LEASE_S = 600.0
"""So long a child lives at most."""
_NO_PROCESS = 66


def child(kind: str, service: str, place: str, brief: Mapping[str, Any], **env: str) -> Process:
    """The process `blackstart.faults._<kind>`, told `brief`; one for each `place` that it works at.

    Its words can be read by everybody: what is secret goes into `env`. Raises Refused where it could not be found again
    by its words.
    """
    runner = myself()
    told = {**brief, "longest_s": LEASE_S, "pid": runner.pid, "started": runner.started}
    text = json.dumps(told, separators=(",", ":"))
    tag = hashlib.sha256(place.encode()).hexdigest()[:12]
    pidfile = str(state_dir() / f"{kind}s" / f"{quote(service, safe='')}-{tag}.pid")
    argv = (sys.executable, "-m", f"blackstart.faults._{kind}", pidfile, text)
    line = " ".join(argv)
    if line != " ".join(line.split()):
        raise Refused(f"{service}: a name or a path with blank space in it, by which no process is found again: {line}")
    given = {"PYTHONPATH": str(Path(blackstart.__file__).parents[1]), **env}
    return Process(
        line, argv, pidfile, cwd="/", env=tuple(sorted(given.items())), log=os.devnull, announces=True,
    )  # fmt: skip


def end(process: Process) -> tuple[Command, ...]:
    """Kill it; that there is none is fine."""
    return tuple(replace(step, ok_codes=(0, _NO_PROCESS)) for step in process.kill())

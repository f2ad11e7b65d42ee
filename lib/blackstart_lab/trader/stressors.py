"""Whether a stressor runs beside the app, for the mutants that give way under one."""

import os
from pathlib import Path

from blackstart_lab.workspace import MARKER


def running(kind: str = "*") -> bool:
    """Whether one of that kind does (cpu, memory; otherwise any), by the record that each has in the state folder.

    How much a service really suffers depends on the machine and on what else it does; a mutant must show everywhere.
    """
    lab = Path(os.environ.get(MARKER, ""))
    return any((lab.parent.parent / "stress").glob(f"{kind}-*"))

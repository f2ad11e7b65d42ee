"""HEAL.sh: the undo of a run as plain shell, for when our Python does not work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from blackstart.machines import to_shell
from blackstart.model import Change


def write(path: Path, run: str, changes: Sequence[Change]) -> None:
    """Write the script, durable before anything is broken. The newest change is undone first."""
    lines = [
        "#!/bin/sh",
        f"# Undoes what the run {run} did. Safe to run at any time, and more than once.",
        "failed=0",
    ]
    for change in reversed(changes):
        lines.append(f"echo 'undoing: {change.what}'".replace("\n", " "))
        lines += [f"{{ {to_shell(step)}\n}} || failed=1" for step in change.undo]
    lines += ['[ "$failed" = 0 ] || echo "NOT everything was undone: see the messages above" >&2', 'exit "$failed"']
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())

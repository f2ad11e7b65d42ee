"""HEAL.sh: the undo of a run as plain shell, for when our Python does not work."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from blackstart.machines import to_shell
from blackstart.model import Ask, Change

# A start that is asked for while a stop is still under way can fail, or be lost: what failed is tried again, and all
# of it is done twice.
_HEAD = """#!/bin/sh
# Undoes what the run {run} did. Safe to run at any time, and more than once.
failed=0
undo() {{
  tries=5
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || {{ failed=1; return 0; }}
    sleep 1
  done
}}
"""
_TAIL = """
everything
sleep 1
failed=0
everything
[ "$failed" = 0 ] || echo 'NOT everything was undone: see the messages above' >&2
exit "$failed"
"""


def write(path: Path, run: str, changes: Sequence[Change]) -> None:
    """Write the script, durable before anything is broken. The newest change is undone first. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text(run, changes))
        file.flush()
        os.fsync(file.fileno())


def text(run: str, changes: Sequence[Change]) -> str:
    """The script itself: one function per step, so that each can be tried again."""
    functions: list[str] = []
    calls: list[str] = []
    for change in reversed(changes):
        calls.append(f"  printf '%s\\n' {shlex.quote(f'undoing: {change.what}'.replace(chr(10), ' '))}")
        for step in change.undo:
            name = f"step_{len(functions)}"
            functions.append(f"{name}() {{\n{to_shell(step)}\n}}")
            calls.append(f"  {name}" if isinstance(step, Ask) else f"  undo {name}")
    steps = "\n".join((*functions, "everything() {", *calls, "  :", "}"))
    return _HEAD.format(run=run) + steps + _TAIL

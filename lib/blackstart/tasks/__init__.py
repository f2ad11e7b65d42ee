"""The Invoke collections. Importing this package imports Invoke and little else: listing the tasks must be quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from invoke import Collection, Program

from blackstart import __version__, outlet

_HERE = Path(__file__).parent
_READER_GONE = 141  # as a shell tells of SIGPIPE: no verdict
_TELL_THEMSELVES = ("chaos.heal", "chaos.status")


def namespace() -> Any:
    """All collections: ours, those of this folder, and those that installed packages add (`blackstart.tasks`)."""
    root = Collection()
    for path in sorted(_HERE.glob("*.py")):
        if not path.name.startswith("_"):
            _add(root, f"blackstart.tasks.{path.stem}")
    for point in sorted(entry_points(group="blackstart.tasks"), key=lambda point: point.name):
        _add(root, point.value)
    return root


def _add(root: Any, module: str) -> None:
    made = importlib.import_module(module).namespace
    for collection in made if isinstance(made, tuple) else (made,):
        root.add_collection(collection)
        for name, task in collection.tasks.items():
            if f"{collection.name}.{name}" not in _TELL_THEMSELVES and not getattr(task.body, "mends_first", False):
                task.body = _noticing(task.body)


def _noticing(body: Callable[..., Any]) -> Callable[..., Any]:
    """The task's body, which first says whether something is broken that nobody looks after."""
    if getattr(body, "notices", False):
        return body

    @wraps(body)
    def told(*arguments: Any, **options: Any) -> Any:
        from blackstart.safety import notice  # noqa: PLC0415  (listing needs none of it)

        notice.say()
        return body(*arguments, **options)

    told.notices = True  # type: ignore[attr-defined]
    return told


def main(argv: Sequence[str] | None = None) -> None:
    """The console script `blackstart`: the same tasks as `invoke` in this project."""
    program = Program(name="blackstart", binary="blackstart", namespace=namespace(), version=__version__)
    try:
        program.run(argv)
    except BrokenPipeError:  # `blackstart --list | head`
        sys.exit(_READER_GONE)
    finally:  # whose reader has gone by now has lost its last words, not its exit code
        outlet.flush()

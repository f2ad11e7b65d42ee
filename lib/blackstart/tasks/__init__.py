"""The Invoke collections. Importing this package imports Invoke and little else: listing the tasks must be quick."""

import importlib
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from invoke import Collection, Program

from blackstart import __version__
from blackstart.base import writer
from blackstart.tasks import _suites

_HERE = Path(__file__).parent
_READER_GONE = 141  # as a shell tells of SIGPIPE: no verdict
_TELL_THEMSELVES = ("chaos.heal", "chaos.status")


def namespace() -> Any:
    """All collections: those of this folder, of the suites, and those that installed packages add
    (`blackstart.tasks`)."""
    root = Collection()
    ours = [f"blackstart.tasks.{path.stem}" for path in sorted(_HERE.glob("*.py")) if not path.name.startswith("_")]
    added = [point.value for point in sorted(entry_points(group="blackstart.tasks"), key=lambda point: point.name)]
    for module in (*ours, *added):
        made = importlib.import_module(module).namespace
        for collection in made if isinstance(made, tuple) else (made,):
            _add(root, collection)
    for collection in _suites.collections():
        _add(root, collection)
    return root


def _add(root: Any, collection: Any) -> None:
    """Add it. A suite whose collection is there already gives its tasks to that one, which keeps its own."""
    for name, task in collection.tasks.items():
        if f"{collection.name}.{name}" not in _TELL_THEMSELVES and not getattr(task.body, "mends_first", False):
            task.body = _noticing(task.body)
    there = root.collections.get(collection.name)
    if there is None:
        root.add_collection(collection)
        return
    for name, task in collection.tasks.items():
        if name not in there.tasks:
            there.add_task(task)


def _noticing(body: Callable[..., Any]) -> Callable[..., Any]:
    """The task's body, which first says whether something is broken that nobody looks after."""
    if getattr(body, "notices", False):
        return body

    @wraps(body)
    def told(*arguments: Any, **options: Any) -> Any:
        from blackstart.safety.heal import notice  # noqa: PLC0415  (listing needs none of it)

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
        writer.flush()

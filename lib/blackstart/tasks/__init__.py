"""The Invoke collections. Importing this package imports Invoke and little else: listing the tasks must be quick."""

import importlib
import sys
from collections.abc import Callable, Sequence
from copy import copy
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


def namespace(words: Sequence[str] | None = None) -> Any:
    """All collections: those of this folder, of the suites, and those that installed packages add
    (`blackstart.tasks`). `words` is the command line that they are made for, if any: tasks that it does not name get no
    options, since Invoke makes and copies the options of all tasks before it reads a word."""
    root = Collection()
    ours = [f"blackstart.tasks.{path.stem}" for path in sorted(_HERE.glob("*.py")) if not path.name.startswith("_")]
    added = [point.value for point in sorted(entry_points(group="blackstart.tasks"), key=lambda point: point.name)]
    for module in (*ours, *added):
        made = importlib.import_module(module).namespace
        for collection in made if isinstance(made, tuple) else (made,):
            _add(root, collection, words)
    for collection in _suites.collections():
        _add(root, collection, words)
    return root


def _add(root: Any, collection: Any, words: Sequence[str] | None) -> None:
    """Add its tasks. A suite whose collection is there already gives its own to that one, which keeps what it has."""
    if collection.name not in root.collections:
        root.add_collection(Collection(collection.name))
    there = root.collections[collection.name]
    for name, task in collection.tasks.items():
        if name in there.tasks:
            continue
        full, made = f"{collection.name}.{name}", copy(task)
        # A part of a word is enough: `--help=NAME`, and the one word that some shells make of a line to be completed.
        made.named = words is None or any(full in word for word in words)
        if full not in _TELL_THEMSELVES and not getattr(made.body, "mends_first", False):
            made.body = _noticing(made.body)
        there.add_task(made)


def _noticing(body: Callable[..., Any]) -> Callable[..., Any]:
    """The task's body, which first says whether something is broken that nobody looks after."""

    @wraps(body)
    def told(*arguments: Any, **options: Any) -> Any:
        from blackstart.safety.heal import notice  # noqa: PLC0415  (listing needs none of it)

        notice.say()
        return body(*arguments, **options)

    told.notices = True  # type: ignore[attr-defined]
    return told


def main(argv: Sequence[str] | None = None) -> None:
    """The console script `blackstart`: the same tasks as `invoke` in this project."""
    program = Program(
        name="blackstart",
        binary="blackstart",
        namespace=namespace(sys.argv if argv is None else argv),
        version=__version__,
    )
    try:
        program.run(argv)
    except BrokenPipeError:  # `blackstart --list | head`
        sys.exit(_READER_GONE)
    finally:  # whose reader has gone by now has lost its last words, not its exit code
        writer.flush()

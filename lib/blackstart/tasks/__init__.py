"""The Invoke collections. Importing this package imports Invoke and little else: listing the tasks must be quick."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from invoke import Collection, Program

from blackstart import __version__

_HERE = Path(__file__).parent


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


def main(argv: Sequence[str] | None = None) -> None:
    """The console script `blackstart`: the same tasks as `invoke` in this project."""
    Program(name="blackstart", binary="blackstart", namespace=namespace(), version=__version__).run(argv)

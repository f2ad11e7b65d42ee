"""Makes the tasks of a suite from its files: one file, one task. Reads names and first lines, imports none of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from invoke import Collection

from blackstart import source
from blackstart.tasks._options import experiment_task

about = cache(source.about)  # two collections ask for the same files
_SUITES = Path(__file__).parent.parent / "suites"


def collection(name: str, suite: str) -> Any:
    """The collection `name` with a task for every experiment of the suite and `suite` for all of them in order."""
    made = Collection(name)
    for path in sorted((_SUITES / suite).glob("*.py")):
        if not path.name.startswith("_"):
            made.add_task(_task(suite, path))
    made.add_task(_suite_task(suite))
    return made


def _task(suite: str, path: Path) -> Any:
    name = path.stem.replace("_", "-")
    told = about(path)

    def act(options: dict[str, Any]) -> int:
        from blackstart import command  # noqa: PLC0415  (listing imports no libraries)

        return command.run(f"{suite.replace('_', '-')}/{name}", options, told.variants)

    return experiment_task(name, told.doc, act, told.variants)


def _suite_task(suite: str) -> Any:
    def act(options: dict[str, Any]) -> int:
        from blackstart import command  # noqa: PLC0415  (listing imports no libraries)

        return command.suite(suite.replace("_", "-"), options, keep_going=bool(options.pop("keep_going", False)))

    return experiment_task(
        "suite", "All experiments of the suite in order, with one summary table.", act, ("keep-going",)
    )


def variants() -> list[str]:
    """The variants of all shipped experiments, each once."""
    paths = [path for path in sorted(_SUITES.glob("*/*.py")) if not path.name.startswith("_")]
    return list(dict.fromkeys(variant for path in paths for variant in about(path).variants))

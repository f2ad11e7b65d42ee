"""The last lines of the services' own logs, for a run that did not hold."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from blackstart import controls
from blackstart.base.errors import BlackstartError
from blackstart.controls.steps.local import run
from blackstart.model.target import Service, Target

_LINES = 8
_TAIL_BYTES = 16 * 1024


def sizes(target: Target) -> dict[str, int]:
    """How long each service's log file is now, in bytes: what stands there already does not tell of what comes."""
    return {name: _size(Path(service.log)) for name, service in target.services.items() if service.log}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def tails(target: Target, before: Mapping[str, int] | None = None) -> Iterator[tuple[str, list[str]]]:
    """Each service's last log lines, where they can be had; a service without a log is left out.

    Of a file, only lines beyond its size `before` (see `sizes`); one that is shorter than that was begun anew.
    """
    for name, service in target.services.items():
        known = (before or {}).get(name, 0)
        lines = _of_file(Path(service.log), known) if service.log else _of_control(service)
        if lines:
            yield name, lines


def _of_file(path: Path, before: int) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(before if before <= size else 0, size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()[-_LINES:]
    except OSError as error:
        return [f"({path} can't be read: {error.strerror})"]


def _of_control(service: Service) -> list[str]:
    if not service.control:
        return []
    try:
        step = controls.of(service).resolve().log_tail(_LINES)
        if step is None:
            return []
        outcome = run(step)
    except BlackstartError as error:
        return [f"(no log: {error})"]
    return f"{outcome.stdout}\n{outcome.stderr}".strip().splitlines()[-_LINES:]

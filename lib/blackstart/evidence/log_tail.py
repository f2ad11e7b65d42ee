"""The last lines of the services' own logs, for a run that did not hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from blackstart import controls
from blackstart.errors import BlackstartError
from blackstart.machines import run
from blackstart.target import Service, Target

_LINES = 8
_TAIL_BYTES = 16 * 1024


def tails(target: Target) -> Iterator[tuple[str, list[str]]]:
    """Each service's last log lines, where they can be had; a service without a log is left out."""
    for name, service in target.services.items():
        lines = _of_file(Path(service.log)) if service.log else _of_control(service)
        if lines:
            yield name, lines


def _of_file(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
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

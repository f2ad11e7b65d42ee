"""The last lines of the services' own logs, for a run that did not hold: of its time, and without our own reads."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from blackstart import controls
from blackstart.base import clock
from blackstart.base.errors import BlackstartError
from blackstart.base.urls import http
from blackstart.controls.steps.local import carry_out
from blackstart.controls.steps.outcome import Outcome
from blackstart.model.control import Control
from blackstart.model.plan import Plan
from blackstart.model.target import Service, Target

_LINES = 8
_READ_LINES = 400  # among which most may be of our own reads
_TAIL_BYTES = 64 * 1024
_API = "api"
_OURS = re.compile(r"\bblackstart/\d")  # the agent that our reads name


@dataclass(frozen=True)
class Mark:
    """When a run began (UTC), and how long each service's log file was then, in bytes: what stands there already does
    not tell of what comes."""

    since: str
    sizes: Mapping[str, int] = field(default_factory=dict)


def mark(target: Target) -> Mark:
    """Now."""
    sizes = {name: _size(Path(service.log)) for name, service in target.services.items() if service.log}
    return Mark(f"{clock.utc_now():%Y-%m-%dT%H:%M:%SZ}", sizes)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read_paths(plan: Plan) -> set[str]:
    """The paths that our own probes read of the API again and again, as an access log has them."""
    urls = [str(path) for probe in plan.probes() if "://" in str(path := getattr(probe, "path", ""))]
    return {http.read(url, whole_path=True).path for url in urls} - {"", "/"}


def tails(target: Target, begun: Mark, ours: Collection[str] = ()) -> Iterator[tuple[str, list[str]]]:
    """Each service's last log lines since then, where they can be had; a service without a log is left out. Lines of an
    access log that tell of a GET of `ours` are, too. The API's own, where no service has it, are those of the container
    that publishes its port.

    Of a file, only lines beyond its size then; one that is shorter than that was begun anew.
    """
    found: list[Control] = []
    for name, service in target.services.items():
        lines = _of_file(Path(service.log), begun.sizes.get(name, 0)) if service.log else []
        if not service.log and service.control:
            lines = _of_control(service, begun.since, found)
        if lines := _without(lines, ours):
            yield name, lines
    if _API not in target.services and (lines := _without(_of_api(target, begun.since, found), ours)):
        yield _API, lines


def _without(lines: list[str], ours: Collection[str]) -> list[str]:
    paths = "|".join(map(re.escape, ours))
    reads = re.compile(rf"\b(?:GET|HEAD) (?:https?://[^/\s]+)?(?:{paths})(?:[?\s\"']|$)") if paths else _OURS
    return [line for line in lines if not reads.search(line) and not _OURS.search(line)][-_LINES:]


def _of_file(path: Path, before: int) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(before if before <= size else 0, size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError as error:
        return [f"({path} can't be read: {error.strerror})"]


def _of_control(service: Service, since: str, found: list[Control]) -> list[str]:
    try:
        control = controls.of(service).resolve()
        found.append(control)
        step = control.log_tail(_READ_LINES, since)
        return _printed(carry_out(step)) if step else []
    except BlackstartError as error:
        return [f"(no log: {error})"]


def _of_api(target: Target, since: str, found: list[Control]) -> list[str]:
    try:
        port = http.read(target.api).place.port if target.api else 0
        steps = filter(None, (one.log_of_port(port, _READ_LINES, since) for one in found if port))
        return next((lines for step in steps if (lines := _printed(carry_out(step)))), [])
    except (BlackstartError, ValueError):  # nobody said that it is a container
        return []


def _printed(outcome: Outcome) -> list[str]:
    """A server's log may be on either stream."""
    return f"{outcome.stdout}\n{outcome.stderr}".strip().splitlines()

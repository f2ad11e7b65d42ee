"""Brings a lab up and down, and says what is there. The only file that knows the order."""

import json
import shlex
import shutil
import subprocess
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from blackstart_lab import discover, processes
from blackstart_lab.lab_error import NotEnded, NotStarted
from blackstart_lab.model import Lab, Layout, Service
from blackstart_lab.servers import supervisord
from blackstart_lab.workspace import Workspace, exclusive

_POLL_S = 0.02
_LAST_LINES = 15
_LEAVE_LIMIT_S = 120.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Standing:
    """What is there of a lab: `state` is "up", "down" or "half-dead"."""

    name: str
    state: str
    services: dict[str, str]
    target_file: Path


def up(lab: Lab, options: Namespace, say: Say, within_s: float = 90.0) -> Layout:
    """Start the lab and return when every service answers. On any failure nothing is left behind.

    Raises NotStarted: already running, something missing, or a service that did not answer in time (with its log).
    """
    workspace = Workspace(lab.name)
    with exclusive():
        _make_room(workspace, say)
        started = time.monotonic()
        try:
            workspace.create()
            layout = lab.lay_out(workspace, options)
            if layout.leave:
                workspace.leaving.write_text(json.dumps(layout.leave), encoding="utf-8")
            layout.enter()
            supervisord.start(workspace, layout.services)
            _await_answers(workspace, layout.services, within_s)
            _write_target(workspace, layout)
        except BaseException:
            _clear(workspace)
            raise
    _announce(workspace, layout, time.monotonic() - started, say)
    return layout


def down(name: str, say: Say) -> bool:
    """Stop the lab and delete its files; False where there was none. Mends a half-dead one in the same way."""
    workspace = Workspace(name)
    with exclusive():
        there = standing(name).state != "down"
        _clear(workspace)
    say(f"lab {name} is down, nothing of it is left" if there else f"lab {name} was not up")
    return there


def standing(name: str) -> Standing:
    """What is there of the lab, from its files, its supervisor and its processes."""
    workspace = Workspace(name)
    services = supervisord.states(workspace) if workspace.folder.exists() else None
    if services is not None and workspace.target_file.exists():
        return Standing(name, "up", services, workspace.target_file)
    left = workspace.folder.exists() or workspace.outside.exists() or bool(processes.of(workspace))
    return Standing(name, "half-dead" if left else "down", services or {}, workspace.target_file)


def names_up() -> list[str]:
    """The labs of which something is there."""
    return [name for name in sorted(discover.packages()) if standing(name).state != "down"]


def last_lines(path: Path, count: int) -> list[str]:
    """The end of a log, read from its last 64 kB."""
    try:
        with path.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - 65536))
            return log.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def _make_room(workspace: Workspace, say: Say) -> None:
    now = standing(workspace.name)
    if now.state == "up":
        raise NotStarted(
            f"lab {workspace.name} is already up (target {now.target_file}); "
            f"`invoke lab.down` ends it, `invoke lab.status` shows it"
        )
    if now.state == "half-dead":
        say(f"cleared away what an earlier lab {workspace.name} had left behind")
        _clear(workspace)


def _clear(workspace: Workspace) -> None:
    """Stop what runs and delete the files; target.toml goes first."""
    workspace.target_file.unlink(missing_ok=True)
    members = processes.of(workspace)
    processes.wake(members)
    if members:
        supervisord.shut_down(workspace)
        members = processes.wait_gone(members, within_s=12.0 if supervisord.states(workspace) is not None else 0.5)
        survivors = processes.end([*members, *processes.of(workspace)])
        if survivors:
            listed = ", ".join(f"{process.pid} {process.name()}" for process in survivors)
            raise NotEnded(f"processes of lab {workspace.name} could not be ended: {listed}; end them by hand")
    _leave(workspace)
    try:
        workspace.remove()
    except OSError as error:
        raise NotEnded(f"files of lab {workspace.name} could not be deleted: {error}") from error


def _leave(workspace: Workspace) -> None:
    """Remove what there is beyond the lab's processes. The files stay where that fails: they say how it is done."""
    commands = json.loads(workspace.leaving.read_text(encoding="utf-8")) if workspace.leaving.exists() else ()
    for command in commands:
        try:
            subprocess.run(command, capture_output=True, text=True, timeout=_LEAVE_LIMIT_S, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", "") or error
            hint = f"where what it removes is gone already, delete {workspace.leaving}"
            raise NotEnded(f"`{shlex.join(command)}` failed: {str(said).strip()}; {hint}") from error


def _await_answers(workspace: Workspace, services: tuple[Service, ...], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    waiting = list(services)
    while True:
        # Asking supervisord also wakes its loop, which otherwise starts and reaps processes once a second.
        states = supervisord.states(workspace)
        if states is None:
            raise NotStarted("supervisord ended while starting" + _log_tail(workspace, "supervisord"))
        for service in services:
            # Also one that answers: it may be somebody else, who took the port just before ours did.
            if states.get(service.name) in ("FATAL", "EXITED", "BACKOFF"):
                raise NotStarted(f"{service.name} ended while starting" + _log_tail(workspace, service.name))
        if not waiting:
            return
        for service in list(waiting):
            lack = service.lacks()
            if lack is None:
                waiting.remove(service)
            elif time.monotonic() > deadline:
                reason = f"{service.name} was not ready within {within_s:g} s: {lack}"
                raise NotStarted(reason + _log_tail(workspace, service.name))
        time.sleep(_POLL_S)


def _log_tail(workspace: Workspace, service: str) -> str:
    lines = last_lines(workspace.log(service), _LAST_LINES)
    return "".join(f"\n  {service}: {line}" for line in lines) or f"\n  {service}: (its log is empty)"


def _write_target(workspace: Workspace, layout: Layout) -> None:
    services = {
        service.name: {
            "address": service.address,
            "control": {"supervisor": service.name, "config": str(workspace.supervisor_config)},
            "log": str(workspace.log(service.name)),
            **service.target,
        }
        for service in layout.services
    }
    written = workspace.target_file.with_suffix(".new")
    written.write_text(
        tomli_w.dumps({**layout.target, "services": {**layout.target.get("services", {}), **services}}),
        encoding="utf-8",
    )
    written.rename(workspace.target_file)


def _announce(workspace: Workspace, layout: Layout, took_s: float, say: Say) -> None:
    head: dict[str, Any] = dict(layout.target)
    say(f"lab {workspace.name} is up after {took_s:.1f} s" + (f", mutant {head['mutant']}" if "mutant" in head else ""))
    width = max(len(service.name) for service in layout.services)
    for service in layout.services:
        program = shutil.which(service.program.command[0]) or service.program.command[0]
        say(f"  {service.name:<{width}}  {service.address}  {program}")
    say(f"  target {workspace.target_file}")

"""Who holds a process that runs: the supervisord or the unit that would start it again, else a hand."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xmlrpc.client import Fault

import psutil
import tomlkit

from blackstart.base.errors import BlackstartError
from blackstart.controls import supervisor_rpc
from blackstart.controls.supervisor import full_name

_UNIT = re.compile(r"/([^/]+)\.service(?:/|$)")
# A command line with such a word may have a secret in it, and is not written into a file.
_SECRET = re.compile(r"pass|secret|token|credential|key|://[^/]*@", re.IGNORECASE)
_SUPERVISORD = ("supervisord", "supervisor.supervisord")  # its script, or `python -m`
_ASKED_WITHIN_S = 3.0
# In this order supervisord itself looks for its configuration, where it is given none.
_CONFIGS = (
    "{exe}/../etc/supervisord.conf", "{exe}/../supervisord.conf",
    "{cwd}/supervisord.conf", "{cwd}/etc/supervisord.conf",
    "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf",
)  # fmt: skip


class Held(NamedTuple):
    """`control` is the table of a target file, `told` where that is from. `open` are lines for what only the operator
    can decide."""

    control: dict[str, str]
    told: str
    open: tuple[str, ...] = ()


def held_by(pid: int | None, program: str, address: str) -> Held:
    """How a process is controlled. A program of a supervisord is none of the unit that supervisord is."""
    what = f"{program or 'a process of another user'}{f', process {pid}' if pid else ''}, listening at {address}"
    try:
        line = [psutil.Process(pid), *psutil.Process(pid).parents()] if pid else []
        supervisord = next((each for each in line[1:] if _is_supervisord(each)), None)
        if supervisord:
            return _supervised(supervisord, [each.pid for each in line], what, f"{program} at {address}")
    except psutil.Error:
        line = []
    if pid and (unit := _unit(pid)):
        return Held({"unit": unit}, f"unit {unit} ({what})")
    told = f"{what}, in no container, no unit and no supervisord"
    return Held({"manual": f"{program or 'a process'} at {address}"}, told, tuple(_by_itself(line[:1])))


def _supervised(supervisord: psutil.Process, pids: Sequence[int], what: str, called: str) -> Held:
    """The program of it that one of these processes is."""
    config = _config_of(supervisord)
    where = f"supervisord (process {supervisord.pid}{f', {config}' if config else ''})"
    if not config:
        return Held({"manual": called}, f"{what}, of a {where} whose configuration is found nowhere")
    try:
        known = supervisor_rpc.ask(
            supervisor_rpc.read_settings(config), "getAllProcessInfo", timeout_s=_ASKED_WITHIN_S
        )  # fmt: skip
    except (BlackstartError, Fault) as error:
        why = str(error).removeprefix("Not started: ").splitlines()[0]
        return Held({"manual": called}, f"{what}, of a {where} that can't be asked: {why}")
    for info in known:
        if info["pid"] in pids:
            name = full_name(info)
            return Held({"supervisor": name, "config": config}, f"program {name} of {where} ({what})")
    return Held({"manual": called}, f"{what}, of a {where} that has no such program")


def _is_supervisord(process: psutil.Process) -> bool:
    try:
        return any(os.path.basename(word) in _SUPERVISORD for word in process.cmdline()[:3])
    except psutil.Error:
        return False


def _config_of(supervisord: psutil.Process) -> str:
    """The configuration file that it was started with; "" where that can't be told."""
    words, cwd = supervisord.cmdline(), supervisord.cwd()
    for number, word in enumerate(words):
        given = re.match(r"(?:-c|--configuration=)(.+)", word)
        if given or word in ("-c", "--configuration"):
            named = given[1] if given else "".join(words[number + 1 : number + 2])
            return os.path.normpath(os.path.join(cwd, named)) if named else ""
    script = next((word for word in words[:3] if os.path.basename(word) in _SUPERVISORD), "")
    places = [place.format(exe=os.path.dirname(os.path.join(cwd, script)), cwd=cwd) for place in _CONFIGS]
    return next((os.path.normpath(place) for place in places if os.path.exists(place)), "")


def _by_itself(line: Sequence[psutil.Process]) -> list[str]:
    """How a machine could stop and start it, where its command line is that which it was started with. Only the
    operator knows whether that, without its environment, would start the same again."""
    for process in line:
        try:
            words, cwd, exe = process.cmdline(), process.cwd(), process.exe()
        except psutil.Error:
            return []
        if len(words) < 2 or os.path.basename(words[0]) != os.path.basename(exe) or _SECRET.search(" ".join(words)):
            return []
        table = tomlkit.inline_table()
        table.update({"process": " ".join(words), "start": words, "cwd": cwd})
        why = "for drills without a person, if this starts it as it was, in place of the control above:"
        return [why, f"control = {table.as_string()}"]
    return []


def _unit(pid: int) -> str:
    try:
        found = _UNIT.findall(Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8"))
    except OSError:
        return ""
    return found[-1] if found and not found[-1].startswith(("user@", "docker", "containerd")) else ""

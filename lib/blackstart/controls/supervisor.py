"""Services run by supervisord: `control = { supervisor = "redis", config = "/etc/supervisor/supervisord.conf" }`.

supervisord brings a program back unless it was told to stop it. So *stop* goes through it; *kill* first freezes the
program, asks for the stop, and sends SIGKILL when supervisord knows of the stop: dead without a word, and not revived.
*crash* signals the process behind supervisord's back.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from xmlrpc.client import Fault

from blackstart.base.clock import utc_iso
from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget, StepFailed, did_you_mean
from blackstart.base.printable import shortened
from blackstart.controls import process_tree, read_table, supervisor_rpc
from blackstart.controls.steps.local import carry_out, run
from blackstart.model.control import Control, State, Status, life_of
from blackstart.model.step import Command

_STATUS: dict[str, Status] = {
    "STOPPED": "stopped", "STARTING": "starting", "RUNNING": "running", "BACKOFF": "starting", "STOPPING": "stopping",
    "EXITED": "stopped", "FATAL": "failed", "UNKNOWN": "failed",
}  # fmt: skip
# A start waits for the program's `startsecs`, a stop for its `stopwaitsecs`; both are the user's to choose.
_COMMAND_TIMEOUT_S = 60.0
_CRASH = (
    'now=$("$1" -c "$2" pid "$3"); [ "$now" = "$4" ] || { '
    'echo "$3 now is process $now, not $4: somebody restarted it meanwhile" >&2; exit 75; }; kill -s "$5" "$4"'
)
_KILL = (
    'record=$1; ctl=$2; conf=$3; name=$4; root_of "$ctl" -c "$conf" pid "$name"; freeze "$root" "$record"; '
    '"$ctl" -c "$conf" stop "$name" & tries=100; '
    'until "$ctl" -c "$conf" status "$name" | grep -q "STOPPING"; do tries=$((tries - 1)); '
    '[ $tries -gt 0 ] || { thaw "$record"; echo "supervisord did not take the stop" >&2; exit 1; }; done; '
    'for one in $frozen; do signal KILL "$one" || exit 1; done; rm -f "$record"; wait'
)


@plain("control.supervisor")
class Supervisor(Control):
    """One program of one supervisord. `name` is the program's, with its group where it has one: `group:name`."""

    kind: ClassVar[str] = "supervisor"
    # It answers at once, where other controls start a program for each look.
    least_tick_s: ClassVar[float] = 0.02
    name: str
    config: str
    ctl: str = ""
    host: str | None = None
    revives: bool = True

    def identity(self) -> str:
        """supervisord's configuration and the program."""
        return f"supervisor:{self.host or ''}{self.config}:{self.name}"

    def lock_name(self) -> str:
        """The configuration itself, where links lead to it."""
        return self.identity() if self.host else replace(self, config=os.path.realpath(self.config)).identity()

    def names(self) -> Mapping[str, str]:
        """The program's."""
        return {"supervisor": self.name}

    def folder(self) -> str:
        """The one of supervisord's configuration."""
        return super().folder() if self.host else os.path.dirname(self.config)

    def resolve(self) -> Control:
        """With supervisorctl's own path, the full name of exactly one program, and whether it is revived."""
        if self.host:
            ctl = self.ctl or "supervisorctl"
            told = carry_out(Command((ctl, "-c", self.config, "avail"), host=self.host)).stdout
            known = [line.split()[0] for line in told.splitlines() if line.strip()]
            return Supervisor(self._one_of(known), self.config, ctl, self.host)
        settings = supervisor_rpc.read_settings(self.config)
        try:
            known = supervisor_rpc.ask(settings, "getAllProcessInfo")
        except Fault as error:  # as it ends itself
            raise StepFailed(f"supervisord at {settings.url} says {error.faultString}") from error
        name = self._one_of([full_name(info) for info in known])
        return Supervisor(name, self.config, self.ctl or _supervisorctl(), None, _revives(settings, name))

    def read_state(self, timeout_s: float = 10.0) -> State:
        """What supervisord says of the program, and whether its process is stopped."""
        return self._read_state_there(timeout_s) if self.host else self._read_state_here(timeout_s)

    def start(self) -> tuple[Command, ...]:
        """`supervisorctl start`; a start that falls into a stop under way is an error, to be tried again."""
        return (self._ctl("start", self.name, accepts=("already started",), timeout_s=_COMMAND_TIMEOUT_S),)

    def stop(self) -> tuple[Command, ...]:
        """`supervisorctl stop`."""
        return (self._ctl("stop", self.name, timeout_s=_COMMAND_TIMEOUT_S),)

    def kill(self) -> tuple[Command, ...]:
        """SIGKILL to the whole tree once supervisord holds it for being stopped."""
        record = process_tree.record(self.identity(), self.host)
        text = process_tree.script(_KILL)
        argv = ("sh", "-c", text, "kill", record, self.ctl, self.config, self.name)
        return (Command(argv, self.host, _COMMAND_TIMEOUT_S),)

    def crash(self, seen: State, signal: str) -> tuple[Command, ...]:
        """The signal to the process that was seen, and to no other."""
        words = ("sh", "-c", _CRASH, "crash", self.ctl, self.config, self.name, str(seen.pid), signal)
        return (Command(words, self.host),)

    def pause(self) -> tuple[Command, ...]:
        """SIGSTOP to the whole tree."""
        return (process_tree.freeze(self.identity(), self._find, self.host),)

    def resume(self) -> tuple[Command, ...]:
        """SIGCONT to what was stopped."""
        return (process_tree.thaw(self.identity(), self._find, self.host),)

    def rights(self) -> tuple[Command, ...]:
        """Whether supervisord talks to us, and whether its program may be signalled."""
        # supervisorctl says on its output what is wrong, and 7 where the program does not run.
        probe = 'pid=$("$1" -c "$2" pid "$3"); code=$?; case $code in 0|7) ;; *) echo "$pid" >&2; exit $code ;; esac; '
        probe += 'case $pid in ""|0|*[!0-9]*) ;; *) kill -0 "$pid" ;; esac'
        return (Command(("sh", "-c", probe, "rights", self.ctl, self.config, self.name), self.host),)

    def log_tail(self, lines: int, since: str = "") -> Command | None:
        """`supervisorctl tail`: about `lines` lines of what the program printed."""
        return self._ctl("tail", f"-{lines * 120}", self.name)

    @property
    def _find(self) -> tuple[str, ...]:
        return (self.ctl, "-c", self.config, "pid", self.name)

    def _ctl(self, *words: str, **more: Any) -> Command:
        return Command((self.ctl, "-c", self.config, *words), host=self.host, **more)

    def _one_of(self, known: list[str]) -> str:
        matches = [full for full in known if self.name in (full, full.partition(":")[2])]
        if self.name in known:
            matches = [self.name]
        if len(matches) == 1:
            return matches[0]
        why = f"matches {', '.join(matches)}; give the group too" if matches else "is none of its programs."
        hint = "" if matches else did_you_mean(self.name, known)
        raise BadTarget(f'"{self.name}" in supervisor ({self.config}) {why}{hint}')

    def _read_state_here(self, timeout_s: float) -> State:
        try:
            settings = supervisor_rpc.remembered_settings(self.config)
            info = supervisor_rpc.ask(settings, "getProcessInfo", self.name, timeout_s=timeout_s)
        except Fault as error:
            return State("absent", revives=self.revives, detail=error.faultString)
        process = process_tree.look(info["pid"]) if info["pid"] else None
        status = "paused" if process and process.state == "T" else _STATUS.get(info["statename"], "failed")
        detail = f"{info['statename']} {info['spawnerr']}".strip()
        instance = life_of(info["pid"], process.start if process else "")
        # supervisord's clock has whole seconds: by the end of that one.
        ended = utc_iso(datetime.fromtimestamp(info["stop"] + 1, UTC)) if not info["pid"] and info.get("stop") else ""
        return State(status, instance, info["pid"] or None, self.revives, detail, ended=ended)

    def _read_state_there(self, timeout_s: float) -> State:
        look = 'told=$("$1" -c "$2" status "$3"); echo "$told"; set -- $told; [ "$3" = pid ] && look "${4%,}" || true'
        words = ("sh", "-c", process_tree.script(look), "facts", self.ctl, self.config, self.name)
        outcome = run(Command(words, self.host, timeout_s))
        return parse_status(outcome.stdout, self.revives)


def parse_status(text: str, revives: bool) -> State:
    """The state in `supervisorctl status NAME` followed by a line "state ppid start" of its process, if it has one.

    Raises StepFailed where it says nothing of the program, as when no supervisord answers.
    """
    lines = [line.split() for line in text.splitlines() if line.strip()]
    told = shortened(text.strip(), 200)
    if "no such process" in text:
        return State("absent", revives=revives, detail=told)
    if not lines or len(lines[0]) < 2 or lines[0][1] not in _STATUS:
        raise StepFailed(f"supervisorctl says nothing of the program: {told or 'it printed nothing'}")
    words = lines[0]
    status = _STATUS[words[1]]
    pid = int(words[3].rstrip(",")) if words[2:3] == ["pid"] else None
    seen = lines[1] if pid and len(lines) > 1 and len(lines[1]) == 3 else None
    if seen and seen[0].startswith("T"):
        status = "paused"
    return State(status, life_of(pid, seen[2] if seen else ""), pid, revives, " ".join(words[1:]))


def full_name(info: Mapping[str, Any]) -> str:
    """A program as its control names it: with its group, where that has another name."""
    return str(info["name"] if info["group"] == info["name"] else f"{info['group']}:{info['name']}")


def _supervisorctl() -> str:
    beside = Path(sys.executable).with_name("supervisorctl")
    found = str(beside) if beside.exists() else shutil.which("supervisorctl")
    if not found:
        raise StepFailed(f"there is no supervisorctl beside {sys.executable} or on PATH")
    return found


def _revives(settings: supervisor_rpc.Settings, name: str) -> bool:
    group, _, program = name.rpartition(":")
    return settings.revived.get(program, settings.revived.get(group, True))


def _read(where: str, table: Mapping[str, Any]) -> Control:
    values = read_table(where, table, {"supervisor": str, "config": str, "ctl": str, "host": str})
    if "config" not in values:
        raise BadTarget(f'{where}: supervisor needs "config", the path of its supervisord.conf')
    config = values["config"] if "host" in values else os.path.abspath(os.path.expanduser(values["config"]))
    return Supervisor(values["supervisor"], config, values.get("ctl", ""), values.get("host"))


KINDS = {"supervisor": _read}

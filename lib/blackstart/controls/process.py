"""Services that are plain processes: `{ process = "redis-server *:6379", start = ["redis-server", "redis.conf"] }`.

The process is the one whose whole command line, as `ps -o args` shows it, is exactly that; or the one whose pid stands
in `pidfile`, as long as it has the command line that it had. A process is signalled only while pid *and* start time
are still those that were seen. Nothing revives it, so `start` says how: run in a session of its own, in the folder
`cwd`, with `env` added, its output appended to `log`.
"""

import os
import re
import shlex
import shutil
import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget, StepFailed, did_you_mean
from blackstart.controls import process_tree, read_table
from blackstart.controls.steps.local import run
from blackstart.controls.steps.outcome import Outcome, complaint
from blackstart.controls.steps.shell import command_line, remote_line
from blackstart.model.control import Control, State, life_of
from blackstart.model.step import Command

# `args PID` prints a command line as ps does, `named LINE` "pid ppid" of all that have it; on Linux both are read from
# /proc, without starting a program for each process. Of several processes with one command line the one is meant that
# is no child of another (a server and its workers).
_FIND = r"""
args() {
  if [ -r /proc/self/stat ]; then
    line=$({ tr '\000\012\001-\011\013-\037\177' '  ?' <"/proc/$1/cmdline"; } 2>/dev/null | sed 's/ *$//');
    [ -n "$line" ] || { read -r line <"/proc/$1/comm" && line="[$line]"; } 2>/dev/null; printf '%s\n' "$line";
  else ps -ww -o args= -p "$1" | sed 's/ *$//'; fi; };
named() {
  if grep -qa . /proc/self/stat 2>/dev/null; then
    grep -sHa '' /proc/[0-9]*/cmdline | tr '\000\001-\011\013-\037\177' ' ?' | LINE=$1 awk '
      { pid = substr($0, 7); sub(/\/.*/, "", pid); text = substr($0, length(pid) + 16);
        if (pid in of) text = of[pid] " " text; of[pid] = text }
      END { for (pid in of) { sub(/ +$/, "", of[pid]); if (of[pid] == ENVIRON["LINE"]) print pid } }
    ' | while read -r pid; do set -- $(look "$pid"); [ $# -lt 2 ] || echo "$pid $2"; done;
  else
    ps -A -ww -o pid= -o ppid= -o args= | LINE=$1 awk '
      { pid = $1; parent = $2; sub(/^ *[0-9]+ +[0-9]+ /, ""); sub(/ +$/, "");
        if ($0 == ENVIRON["LINE"]) print pid, parent }';
  fi; };
find_process() {
  if [ -n "$1" ]; then
    found=; { read -r found <"$1"; } 2>/dev/null; case $found in ""|*[!0-9]*) return 1 ;; esac;
    [ -n "$2" ] && [ "$(args "$found")" != "$2" ] && return 1;
    look "$found" >/dev/null && echo "$found";
  else
    found=$(named "$2" | awk '{ of[$1] = $2 } END { for (pid in of) if (!(of[pid] in of)) print pid }');
    case $found in "") return 1 ;; *[!0-9]*) echo "more than one process is: $2" >&2; exit 67 ;; esac; echo "$found";
  fi; };
"""
_LOOK = 'root=$(find_process "$1" "$2"); code=$?; [ $code -lt 2 ] || exit $code; [ $code = 0 ] || exit 0; '
_STATE = _LOOK + 'echo "$root $(look "$root")"; args "$root"'
_START = 'root=$(find_process "$1" "$2"); code=$?; [ $code -lt 2 ] || exit $code; [ $code = 1 ] || { '
_START += 'echo "already running as process $root"; exit 0; }; '
_SEEN = (
    ' && { left=200; until find_process "$1" "$2" >/dev/null; do left=$((left - 1)); [ $left -gt 0 ] || '
    '{ echo "it was started, and not found within 10 s: $2" >&2; exit 70; }; sleep 0.05 2>/dev/null || sleep 1; done; }'
)
_STOP = (
    'root_of find_process "$1" "$2"; set -- "$3" $(look "$root"); one=$root:$4; signal "$1" "$one" || exit 1; '
    + process_tree.ENDED
)
_RIGHTS = _LOOK + 'kill -s 0 "$root"'
_STOP_TIMEOUT_S = 60.0
# What would change what the script itself finds and reads.
_STEERS_SHELL = re.compile(r"(?:PATH|IFS|ENV|LANG|LANGUAGE|LC_.*|LD_.*|DYLD_.*|POSIXLY_CORRECT)\Z")


@plain("control.process")
class Process(Control):
    """One process and how it is started again. `line` is its whole command line.

    With `announces` a start ends only when the process can be found: what writes its pid file itself can't be stopped
    before, and would go on after a stop that came too early.
    """

    kind: ClassVar[str] = "process"
    line: str
    start_argv: tuple[str, ...]
    pidfile: str = ""
    cwd: str = ""
    env: tuple[tuple[str, str], ...] = ()
    log: str = ""
    stop_signal: str = "TERM"
    host: str | None = None
    announces: bool = False

    def identity(self) -> str:
        """The machine, and what the process is found by."""
        return f"process:{self.host or 'local'}:{self.pidfile or self.line}"

    def lock_name(self) -> str:
        """The pid file itself, where links lead to it."""
        found = self.pidfile and not self.host
        return replace(self, pidfile=os.path.realpath(self.pidfile)).identity() if found else self.identity()

    def names(self) -> Mapping[str, str]:
        """Its command line, its pid file and the command that starts it."""
        return {"process": self.line, "pidfile": self.pidfile, "start": " ".join(self.start_argv)}

    def resolve(self) -> Control:
        """With the start's program where it is found now, and with the command line of what the pid file names now."""
        outcome = self._look(10.0)
        line = self.line or (outcome.stdout.split("\n")[1] if outcome.stdout else "")
        if self.host:
            return replace(self, line=line)
        # The folder that we are in now is not the one that a later `chaos.heal` is in.
        cwd = self.cwd or os.getcwd()
        asked = self.start_argv[0]
        program = shutil.which(os.path.join(cwd, asked) if os.path.dirname(asked) else asked)
        if program is None:
            raise BadTarget(f'start = "{asked} …" can\'t work: there is no such program on this machine')
        if os.path.dirname(asked) or "PATH" in dict(self.env):
            return replace(self, line=line, cwd=cwd, start_argv=(os.path.abspath(program), *self.start_argv[1:]))
        # By its name, as it was started: many a server shows that in its command line, by which it is found again.
        path = f"{os.path.dirname(os.path.abspath(program))}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return replace(self, line=line, cwd=cwd, env=tuple(sorted((*self.env, ("PATH", path)))))

    def read_state(self, timeout_s: float = 10.0) -> State:
        """Whether the process is there, its pid and start time, and whether it is stopped."""
        words = self._look(timeout_s).stdout.split("\n")[0].split()
        if len(words) != 4 or words[1].startswith(("Z", "X")):
            return State("stopped", detail=f"no process: {self.pidfile or self.line}")
        pid = int(words[0])
        return State("paused" if words[1].startswith("T") else "running", life_of(pid, words[3]), pid)

    def start(self) -> tuple[Command, ...]:
        """Start it in a session of its own, unless it runs."""
        seen = _SEEN if self.announces else ""
        name = shlex.join(self.start_argv)  # what a person would type
        name = f"cd {shlex.quote(self.cwd)} && {name}" if self.cwd else name
        detached = Command(
            self.start_argv, cwd=self.cwd or None, env=dict(self.env), detach=True, log=self.log or "/dev/null"
        )
        if self.host:
            return (self._script(name, _START + remote_line(replace(detached, host=self.host)) + seen),)
        # A password in the script's text could be read by everybody, in its environment it can't.
        inherited = {name: value for name, value in self.env if not _STEERS_SHELL.match(name)}
        line = command_line(replace(detached, env={n: v for n, v in self.env if n not in inherited}))
        return (replace(self._script(name, _START + line + seen), env=inherited),)

    def stop(self) -> tuple[Command, ...]:
        """The stop signal, and wait until it has ended."""
        return (self._script("stop", _STOP, self.stop_signal, timeout_s=_STOP_TIMEOUT_S),)

    def with_environment(self, env: Mapping[str, str]) -> Control:
        """Its start has them, too; they go before its own."""
        return replace(self, env=tuple(sorted({**dict(self.env), **env}.items())))

    def orderly_signal(self) -> str:
        """`stop_signal`."""
        return self.stop_signal

    def kill(self) -> tuple[Command, ...]:
        """SIGKILL to the whole tree."""
        return (process_tree.kill(self.identity(), self._find, self.host, _FIND),)

    def crash(self, seen: State, signal: str) -> tuple[Command, ...]:
        """The signal to the process that was seen."""
        text = 'is "$2" || { echo "process $2 is gone: somebody restarted it" >&2; exit 75; }; signal "$1" "$2"'
        argv = ("sh", "-c", process_tree.script(text), "crash", signal, seen.instance)
        return (Command(argv, host=self.host),)

    def pause(self) -> tuple[Command, ...]:
        """SIGSTOP to the whole tree."""
        return (process_tree.freeze(self.identity(), self._find, self.host, _FIND),)

    def resume(self) -> tuple[Command, ...]:
        """SIGCONT to what was stopped."""
        return (process_tree.thaw(self.identity(), self._find, self.host, _FIND),)

    def rights(self) -> tuple[Command, ...]:
        """Whether the process may be signalled."""
        return (self._script("rights", _RIGHTS),)

    def log_tail(self, lines: int, since: str = "") -> Command | None:
        """The end of its log, where the target names one."""
        return Command(("tail", "-n", str(lines), self.log), host=self.host) if self.log else None

    @property
    def _find(self) -> tuple[str, ...]:
        return ("find_process", self.pidfile, self.line)

    def _script(self, name: str, text: str, *words: str, timeout_s: float = 30.0) -> Command:
        argv = ("sh", "-c", process_tree.script(text, _FIND), name, self.pidfile, self.line, *words)
        return Command(argv, host=self.host, timeout_s=timeout_s)

    def _look(self, timeout_s: float) -> Outcome:
        step = self._script("look", _STATE, timeout_s=timeout_s)
        outcome = run(step)
        if outcome.code == 67:
            raise BadTarget(f"{outcome.stderr.strip()}. Give a pidfile, or a command line that only one has.")
        if not outcome.ok:
            raise StepFailed(complaint(step, outcome))
        return outcome


def _read(where: str, table: Mapping[str, Any]) -> Control:
    words: tuple[type, ...] = (str, list)
    kinds: dict[str, type | tuple[type, ...]] = {"process": words, "start": words, "env": dict}
    values = read_table(where, table, kinds | dict.fromkeys(("pidfile", "cwd", "log", "stop_signal", "host"), str))
    if "start" not in values:
        raise BadTarget(f'{where}: say how the process is started again, as in start = ["redis-server", "redis.conf"]')
    for key in ("pidfile", "cwd", "log"):
        if key in values and "host" not in values:
            values[key] = os.path.abspath(os.path.expanduser(values[key]))
    line, stop_signal = values.get("process", ""), values.get("stop_signal", "TERM").removeprefix("SIG")
    names = [name.removeprefix("SIG") for name in signal.Signals.__members__]
    if stop_signal not in names:
        raise BadTarget(f'{where}: "{stop_signal}" is no signal.{did_you_mean(stop_signal, names)}')
    try:
        start = values["start"] if isinstance(values["start"], list) else shlex.split(values["start"])
    except ValueError as error:
        raise BadTarget(f'{where}: "start" can\'t be read as a command: {error}') from error
    return Process(
        line=" ".join(map(str, line)) if isinstance(line, list) else " ".join(line.split()),
        start_argv=tuple(map(str, start)),
        pidfile=values.get("pidfile", ""),
        cwd=values.get("cwd", ""),
        env=tuple(sorted((str(name), str(value)) for name, value in values.get("env", {}).items())),
        log=values.get("log", ""),
        stop_signal=stop_signal,
        host=values.get("host"),
    )


KINDS = {"process": _read, "pidfile": _read}

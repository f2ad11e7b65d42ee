"""Process trees, as plain shell that works here, over SSH and from HEAL.sh: find, freeze, thaw, kill.

A process is `pid:start`, so that a number that was given to another process meanwhile is never signalled. Freezing
follows parents, not process groups (PostgreSQL's backends leave the group): parents first, again and again until all
that is found is stopped and nothing new turns up. What was frozen is written to a record *before* it is stopped; a
thaw works from the record, since children of a process that somebody killed meanwhile can't be found through it.
What is about to be killed is frozen although nothing can be written: a full disk must not keep anything from its end.
"""

import contextlib
import hashlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from blackstart.base.state import state_dir
from blackstart.model.step import Command

_HAS_PROC = Path("/proc/self/stat").exists()
# Functions shared by the scripts below. `look PID` prints "state ppid start"; Linux is read from /proc without starting
# a program for each process, other systems are asked through ps, whose times would else be in the language and the time
# zone of who asks. What is missing is named before anything is touched.
_PRELUDE = r"""
[ -r /proc/self/stat ] || command -v ps >/dev/null || { echo "no /proc and no ps: no process is seen" >&2; exit 69; };
command -v awk >/dev/null || { echo "there is no awk here, which finds the children of a process" >&2; exit 69; };
look() {
  if [ -r /proc/self/stat ]; then
    { read -r l <"/proc/$1/stat"; } 2>/dev/null || return 1; set -- ${l##*) }; echo "$1 $2 ${20}";
  else
    set -- $(LC_ALL=C TZ=UTC0 ps -o stat= -o ppid= -o lstart= -p "$1"); [ $# -ge 3 ] || return 1;
    s=$1; p=$2; shift 2; echo "$s $p $(echo "$*" | tr ' ' _)";
  fi; };
all() {
  if [ -r /proc/self/stat ]; then
    cat /proc/[0-9]*/stat 2>/dev/null | awk '{ pid = $1; sub(/^.*\) /, ""); print pid, $1, $2, $20 }';
  else
    LC_ALL=C TZ=UTC0 ps -A -o pid= -o stat= -o ppid= -o lstart= | awk '
      { s = $4; for (i = 5; i <= NF; i++) s = s "_" $i; print $1, $2, $3, s }';
  fi; };
tree() { all | awk -v root="$1" '
  { state[$1] = substr($2, 1, 1); start[$1] = $4; kids[$3] = kids[$3] " " $1 }
  END { if (!(root in state)) exit; todo = root;
    while (todo != "") { count = split(todo, now, " "); todo = "";
      for (i = 1; i <= count; i++) {
        print now[i] ":" start[now[i]] ":" state[now[i]]; todo = todo kids[now[i]] } } }'; };
is() { set -- "$1" $(look "${1%%:*}"); [ "$4" = "${1#*:}" ] && case $2 in Z*|X*) false ;; esac; };
is_stopped() { set -- "$1" $(look "${1%%:*}"); [ "$4" = "${1#*:}" ] && case $2 in T*) ;; *) false ;; esac; };
signal() { is "$2" || return 0; kill -s "$1" "${2%%:*}" 2>/dev/null || ! is "$2" || {
  echo "no right to signal process ${2%%:*}" >&2; return 1; }; };
root_of() { root=$("$@") || root=; case $root in ""|0|1|*[!0-9]*) echo "no process runs" >&2; exit 66 ;; esac; };
freeze() {
  case " $(tree "$1" | tr '\n' ' ')" in *" $$:"*)
    echo "Blackstart itself runs among these processes: frozen, it could not undo this" >&2; exit 77 ;; esac;
  umask 077; { mkdir -p "${2%/*}" && { true; } >>"$2"; } || [ -n "$3" ] || exit 73;
  frozen=" "; again=1;
  while [ $again = 1 ]; do
    again=0;
    for one in $(tree "$1"); do
      state=${one##*:}; one=${one%:*};
      case $state in Z|X) continue ;; esac;
      case "$frozen" in *" $one "*) [ "$state" = T ] || again=1; continue ;; esac;
      frozen="$frozen$one "; again=1; [ "$state" = T ] && continue;
      { echo "$one" >>"$2" || [ -n "$3" ]; } && signal STOP "$one" || { thaw "$2"; exit 1; };
    done;
  done; };
thaw() {
  [ -r "$1" ] || return 0; back=; while read -r one; do back="$one $back"; done <"$1";
  for one in $back; do is_stopped "$one" && { signal CONT "$one" || return 1; }; done; rm -f "$1"; };
"""
_FREEZE = 'record=$1; shift; root_of "$@"; freeze "$root" "$record"'
# Where the record is lost and the service still is stopped, all that is stopped of its tree goes on, children first.
_THAW = (
    'record=$1; shift; thaw "$record" || exit 1; root=$("$@") || exit 0; back=; '
    'case $(look "$root") in T*) ;; *) exit 0 ;; esac; '
    'for one in $(tree "$root"); do [ "${one##*:}" = T ] && back="${one%:*} $back"; done; '
    'for one in $back; do signal CONT "$one" || exit 1; done'
)
# Until `one` has ended: a start that found it dying would say that it runs already.
ENDED = 'while is "$one"; do sleep 0.05 2>/dev/null || sleep 1; done'
_KILL = (
    'record=$1; shift; root_of "$@"; freeze "$root" "$record" anyway; '
    'for one in $frozen; do signal KILL "$one" || exit 1; done; rm -f "$record"; '
    f"for one in $frozen; do {ENDED}; done"
)


def script(body: str, more: str = "") -> str:
    """A shell script, on one line, with this file's functions, and `more` of them, in front of it."""
    return re.sub(r"\s*\n\s*", " ", _PRELUDE + more + body).strip()


def freeze(service: str, find: tuple[str, ...], host: str | None, more: str = "") -> Command:
    """Stop the tree of the process whose pid `find` prints. `service` names the record, `more` are functions."""
    return Command(("sh", "-c", script(_FREEZE, more), "freeze", record(service, host), *find), host=host)


def thaw(service: str, find: tuple[str, ...], host: str | None, more: str = "") -> Command:
    """Let go on what `freeze` stopped. Nothing stopped is fine, and so is a service that is gone."""
    return Command(("sh", "-c", script(_THAW, more), "thaw", record(service, host), *find), host=host)


def kill(service: str, find: tuple[str, ...], host: str | None, more: str = "") -> Command:
    """End the whole tree with SIGKILL, frozen first so that nothing escapes by forking, and wait until it has ended."""
    return Command(("sh", "-c", script(_KILL, more), "kill", record(service, host), *find), host=host)


def record(service: str, host: str | None) -> str:
    """Where what was frozen is written down: in the state folder, or in the home of the far side's user."""
    name = re.sub(r"[^\w.-]+", "_", service)[-60:] + "-" + hashlib.sha256(service.encode()).hexdigest()[:8]
    folder = Path(".blackstart") if host else state_dir()
    return str(folder / "frozen" / name)


@dataclass(frozen=True, slots=True)
class Process:
    """One process of this machine. `state` is ps's letter: T is stopped, Z is dead and not yet collected."""

    pid: int
    ppid: int
    start: str
    state: str

    @property
    def alive(self) -> bool:
        """Not dead, not a zombie."""
        return self.state not in ("Z", "X")


def look(pid: int) -> Process | None:
    """The process with that number on this machine, or None. The start is in the notation that the scripts use."""
    if _HAS_PROC:
        try:
            with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
                fields = file.read().decode("utf-8", "replace").rpartition(") ")[2].split()
        except OSError:
            return None
        return Process(pid, int(fields[1]), fields[19], fields[0])
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        argv = ["env", "LC_ALL=C", "TZ=UTC0", "ps", "-o", "stat=", "-o", "ppid=", "-o", "lstart=", "-p", str(pid)]
        words = subprocess.run(argv, capture_output=True, text=True, timeout=5, check=False).stdout.split()
        if len(words) >= 3:
            return Process(pid, int(words[1]), "_".join(words[2:]), words[0][0])
    return None

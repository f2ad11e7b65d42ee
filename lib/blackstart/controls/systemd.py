"""Services that are systemd units: `{ unit = "redis-server" }`, or `{ unit = "app", user = true }` of the user's own.

systemd follows all processes of a unit by its control group, so it is systemd that signals them. A unit with
`Restart=` comes back unless systemd was asked to stop it: *kill* is therefore followed by a stop, *crash* is not.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget, StepFailed, did_you_mean
from blackstart.controls import process_tree, read_table
from blackstart.controls.steps.local import carry_out, run
from blackstart.controls.steps.outcome import complaint
from blackstart.model.control import Control, State, Status, life_of
from blackstart.model.step import Command

_STATUS: dict[str, Status] = {
    "active": "running", "reloading": "running", "refreshing": "running", "inactive": "stopped", "failed": "failed",
    "activating": "starting", "deactivating": "stopping", "maintenance": "failed",
}  # fmt: skip
# What the machine suffers when the unit ends: `reboot`, `poweroff-force`, ...
_ACTIONS = ("FailureAction", "SuccessAction")
_SHOWN = ("Id", "LoadState", "ActiveState", "SubState", "Result", "MainPID", "Restart", "Transient",
          *_ACTIONS)  # fmt: skip
# Above systemd's own default of 90 s for a unit to start or stop.
_COMMAND_TIMEOUT_S = 120.0
_KILL = '"$@" kill --signal=KILL "$unit" && "$@" stop "$unit"'
_CRASH = (
    'seen=$1; signal=$2; shift 2; now=$("$@" show --property=MainPID "$unit"); now=${now#MainPID=}; '
    '[ "$now" = "$seen" ] || { echo "$unit now is process $now, not $seen: somebody restarted it" >&2; exit 75; }; '
    '[ "$signal" = 0 ] || "$@" kill --kill-who=main --signal="$signal" "$unit"'
)
# What systemd stops along with it; a target is no service, and nobody misses it.
_DEPENDENTS = (
    'for one in $("$@" show --property=RequiredBy --property=BoundBy --property=ConsistsOf '
    '--property=PropagatesStopTo "$unit" | sed "s/^[^=]*=//"); do case $one in *.target) continue ;; esac; '
    '"$@" is-active --quiet "$one" && echo "$one"; done; true'
)
_RIGHTS = (
    '"$@" show --property=LoadState "$unit" | grep -qx LoadState=loaded || { echo "$unit is not loaded" >&2; exit 66; }'
)


@plain("control.systemd")
class Systemd(Control):
    """One unit. `revives` is whether its `Restart=` brings it back after a signal; known after `resolve`."""

    kind: ClassVar[str] = "unit"
    own_group: ClassVar[bool] = True
    dependents_why: ClassVar[str] = "are stopped with its unit"
    unit: str
    user: bool = False
    host: str | None = None
    revives: bool = False

    def identity(self) -> str:
        """The manager and the unit."""
        return f"systemd:{self.host or 'local'}:{'user:' if self.user else ''}{self.unit}"

    def names(self) -> Mapping[str, str]:
        """The unit's."""
        return {"unit": self.unit}

    def resolve(self) -> Control:
        """With the unit's own name (an alias is followed) and its restart policy. Raises BadTarget."""
        told = parse_show(carry_out(self._show()).stdout)
        load = told.get("LoadState", "")
        if load != "loaded":
            raise BadTarget(f'systemd has no unit "{self.unit}" ({load or "no answer"}).{self._near()}')
        return Systemd(told["Id"], self.user, self.host, _revives(told.get("Restart", "no")))

    def read_state(self, timeout_s: float = 10.0) -> State:
        """What systemd says of the unit, and whether its main process is stopped."""
        look = 'unit=$1; shift; root=$("$@"); echo "$root"; root=${root#*MainPID=}; look "${root%%[!0-9]*}" || true'
        argv = ("sh", "-c", process_tree.script(look), "show", self.unit, *self._show().argv)
        outcome = run(Command(argv, host=self.host, timeout_s=timeout_s))
        if not outcome.stdout.strip():
            raise StepFailed(complaint(self._show(), outcome))
        return parse_state(outcome.stdout)

    def dependents(self) -> tuple[str, ...]:
        """The running units that systemd stops with this one (`Requires=`, `BindsTo=`, `PartOf=`).

        Starting this one again does not start them. Raises StepFailed.
        """
        return tuple(sorted(set(carry_out(self._script("dependents", _DEPENDENTS)).stdout.split())))

    def start(self) -> tuple[Command, ...]:
        """`systemctl start`, which accepts that it runs. Earlier failures must not count against this start."""
        return (self._systemctl("reset-failed", self.unit, ok_codes=(0, 1)), self._systemctl("start", self.unit))

    def stop(self) -> tuple[Command, ...]:
        """`systemctl stop`."""
        return (self._systemctl("stop", self.unit),)

    def kill(self) -> tuple[Command, ...]:
        """SIGKILL to all its processes, and at once a stop, so that `Restart=` does not bring it back."""
        return (self._script("kill", _KILL),)

    def crash(self, seen: State, signal: str) -> tuple[Command, ...]:
        """The signal to the main process, which systemd takes for a failure."""
        return (self._script("crash", _CRASH, str(seen.pid), signal),)

    def pause(self) -> tuple[Command, ...]:
        """SIGSTOP to all processes of its control group."""
        return (self._systemctl("kill", "--signal=STOP", self.unit),)

    def resume(self) -> tuple[Command, ...]:
        """SIGCONT to all of them; one that has no process by now needs none."""
        said = ("No process", "not running", "not loaded")  # in English, whatever the shell's language is
        return (self._systemctl("kill", "--signal=CONT", self.unit, accepts=said, env={"LC_ALL": "C"}),)

    def rights(self) -> tuple[Command, ...]:
        """Whether systemd answers and knows the unit. Whether we may start it shows when the undo is rehearsed."""
        return (self._script("rights", _RIGHTS),)

    def log_tail(self, lines: int, since: str = "") -> Command | None:
        """`journalctl --unit`."""
        scope = ("--user",) if self.user else ()
        argv = ("journalctl", *scope, "--unit", self.unit, "--lines", str(lines), "--no-pager", "--output", "cat")
        when = ("--since", since.replace("T", " ").replace("Z", " UTC")) if since else ()
        return Command((*argv, *when), host=self.host)

    @property
    def _base(self) -> tuple[str, ...]:
        return ("systemctl", *(("--user",) if self.user else ()), "--no-ask-password", "--no-pager")

    def _systemctl(self, *words: str, **more: Any) -> Command:
        return Command((*self._base, *words), host=self.host, timeout_s=_COMMAND_TIMEOUT_S, **more)

    def _script(self, name: str, text: str, *words: str) -> Command:
        argv = ("sh", "-c", "unit=$1; shift; " + text, name, self.unit, *words, *self._base)
        return Command(argv, host=self.host, timeout_s=_COMMAND_TIMEOUT_S)

    def _show(self) -> Command:
        properties = tuple(f"--property={name}" for name in _SHOWN)
        return Command((*self._base, "show", *properties, self.unit), host=self.host)

    def _near(self) -> str:
        listed = run(self._systemctl("list-unit-files", "--type=service", "--no-legend", "--plain"))
        return did_you_mean(self.unit, {line.split()[0] for line in listed.stdout.splitlines() if line.split()})


def parse_show(text: str) -> dict[str, str]:
    """The properties in what `systemctl show` printed."""
    pairs = [line.partition("=") for line in text.splitlines() if "=" in line]
    return {name: value for name, _, value in pairs}


def parse_state(text: str) -> State:
    """The state in `systemctl show` followed by a line "state ppid start" of the main process, if there is one."""
    told = parse_show(text)
    status = _STATUS.get(told.get("ActiveState", ""), "failed")
    if told.get("LoadState") == "not-found":
        status = "absent"
    pid = int(told.get("MainPID") or 0) or None
    last = text.strip().splitlines()[-1].split()
    seen = last if pid and len(last) == 3 and "=" not in last[0] else None
    if seen and status == "running" and seen[0].startswith("T"):
        status = "paused"
    detail = f"{told.get('SubState', '')} {told.get('Result', '')}".strip()
    return State(
        status, life_of(pid, seen[2] if seen else ""), pid, _revives(told.get("Restart", "no")), detail, _lost(told)
    )


def _lost(told: Mapping[str, str]) -> str:
    for name in _ACTIONS:
        if told.get(name, "none") not in ("", "none"):
            return f"its {name}= tells systemd to do a {told[name]} then"
    return (
        "it is transient (systemd-run), and systemd forgets it when it ends" if told.get("Transient") == "yes" else ""
    )


def _revives(policy: str) -> bool:
    # https://www.freedesktop.org/software/systemd/man/systemd.service.html#Restart=: what an unclean signal brings back
    return policy in ("always", "on-failure", "on-abnormal", "on-abort")


def _read(where: str, table: Mapping[str, Any]) -> Control:
    values = read_table(where, table, {"unit": str, "user": bool, "host": str})
    unit = values["unit"]
    if unit.startswith("-") or any(mark in unit for mark in "*?[ /"):
        raise BadTarget(f'{where}: "{unit}" can\'t be the name of one unit')
    full = unit if "." in unit else f"{unit}.service"
    return Systemd(full, values.get("user", False), values.get("host"))


KINDS = {"unit": _read}

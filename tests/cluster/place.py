"""What a cluster takes of the machine beyond its processes: a bridge, a rule for it, control groups.

All of it has names that follow from its folder, so that it can be removed when whoever made it is gone.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.services import eventually

_GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Place:
    """A cluster's own names and addresses, drawn from the path of its folder."""

    bridge: str
    subnet: str
    """Without the last number, as `10.97.12`."""
    group: str

    @classmethod
    def of(cls, folder: Path) -> Place:
        """The same one for the same folder, always."""
        drawn = hashlib.sha256(str(folder).encode()).hexdigest()
        second, third = 64 + int(drawn[:2], 16) % 64, int(drawn[2:4], 16)
        return cls(f"bsk{drawn[:8]}", f"10.{second}.{third}", f"blackstart-cluster-{drawn[:8]}")

    @property
    def address(self) -> str:
        """The machine's own in the pods' network: the node's, and that of pods on the machine's network."""
        return f"{self.subnet}.1"

    def take(self, held: int) -> None:
        """Make it all. `held` is a file that each program that is started for it has open, until it ends.

        The bridge is there before the first pod, so that nothing that is sent to a pod leaves by the default route. The
        rule is for what is bridged from pod to pod: a container engine may have closed that way to all but its own.
        """
        for words in (
            ("ip", "link", "add", self.bridge, "type", "bridge"),
            ("ip", "address", "add", f"{self.address}/24", "dev", self.bridge),
            ("ip", "link", "set", self.bridge, "up"),
            ("iptables", "-w", "-I", *self._rule),
        ):
            _ran(*words, held=[held])
        for group in self._groups():
            group.mkdir()
            for wanted in ("cpuset.cpus", "cpuset.mems"):  # a group of version 1 has none of them to begin with
                if (group / wanted).exists() and not (group / wanted).read_text().strip():
                    (group / wanted).write_text((group.parent / wanted).read_text())

    def leave(self) -> None:
        """Remove what is there of it. Its processes have ended. Raises AssertionError where a control group stays."""
        _ran("ip", "link", "delete", self.bridge, check=False)
        while not _ran("iptables", "-w", "-D", *self._rule, check=False):
            pass
        assert eventually(self._without_groups), f"{self.group} has processes still: {_processes(self._groups())}"

    def left(self) -> list[str]:
        """What is there of it now."""
        found = [str(group) for group in self._groups() if group.exists()]
        found += [f"bridge {self.bridge}"] if Path(f"/sys/class/net/{self.bridge}").exists() else []
        return found + ([] if _ran("iptables", "-w", "-C", *self._rule, check=False) else [f"rule for {self.bridge}"])

    @property
    def _rule(self) -> tuple[str, ...]:
        return ("FORWARD", "-i", self.bridge, "-o", self.bridge, "-j", "ACCEPT")

    def _groups(self) -> list[Path]:
        if (_GROUPS / "cgroup.controllers").exists():
            return [_GROUPS / self.group]
        # Several names may be one folder, as cpu and cpu,cpuacct.
        hierarchies = {path.resolve() for path in _GROUPS.iterdir() if (path / "cgroup.procs").exists()}
        return [path / self.group for path in sorted(hierarchies) if path.name != "unified"]

    def _without_groups(self) -> bool:
        for group in self._groups():
            for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
                _emptied(folder)
            _emptied(group)
        return not any(group.exists() for group in self._groups())


def _emptied(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # gone, or a process of it is about to end
        return


def _processes(groups: list[Path]) -> str:
    found = [path.read_text().split() for group in groups for path in group.rglob("cgroup.procs")]
    return ", ".join(sorted({pid for pids in found for pid in pids})) or "none"


def _ran(*words: str, check: bool = True, held: Sequence[int] = ()) -> int:
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, pass_fds=held)
    assert ran.returncode == 0 or not check, f"{' '.join(words)}: {ran.stderr.strip()}"
    return ran.returncode

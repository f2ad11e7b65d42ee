"""Fill a disk: what a service writes to has no room left but for a margin."""

import os
import zlib
from pathlib import Path

import psutil

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.base.state import state_dir
from blackstart.faults import _cgroups
from blackstart.faults._service import service_under_test
from blackstart.model.change import Change
from blackstart.model.step import Command
from blackstart.model.target import Target
from blackstart.probes.command_state import ABSENT, THERE, CommandState
from blackstart.safety.preflight.service_lock import lock_dir

_MB = 1024 * 1024
_ROOT = "/"
# Whatever else is written or freed meanwhile; df counts in blocks.
_SLACK_MB = 2
# Whose files lie in the memory, and what is left of it, as MemoryStress leaves it.
_IN_MEMORY = ("devtmpfs", "ramfs", "tmpfs")
_MEMORY_MARGIN_MB = 512
_FREE = "free() { df -Pk \"${1%/*}\" | awk 'NR == 2 { print $4 }'; }; "
# A name that is there already is not ours, or a link to somewhere: nothing is written over.
_FILL = _FREE + (
    'left=$(free "$1") && size=$((left - $2)) || exit 74; [ "$size" -gt 0 ] || { echo "only $left KiB are free" >&2; '
    'exit 75; }; ( umask 077; set -C; : >"$1" ) || exit 73; fallocate -l "$((size * 1024))" "$1" 2>/dev/null || '
    'dd if=/dev/zero of="$1" bs=1024 count="$size" 2>/dev/null || { rm -f "$1"; echo "it takes no file" >&2; exit 74; }'
)
_IS_FULL = _FREE + 'left=$(free "$1") || exit 2; [ "$left" -le "$2" ]'
_FILL_TIMEOUT_S = 300.0


@plain("fault.disk_full")
class DiskFull:
    """One file fills the file system that the folder `path` is on until `margin_mb` megabytes are left to those who are
    not root. It bites when no more than that is free. Undone by removing the file."""

    service: str
    path: str
    margin_mb: int = 64

    def __post_init__(self) -> None:
        if self.margin_mb < 1:
            raise ValueError(f"margin_mb must be above 0, not {self.margin_mb}: something must be left to mend it with")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where it is the root's file system and "/" is not allowed by name, where our own
        records or locks are on it, where no more than the margin is free, and where it lies in the memory and would
        leave less than 512 MB of that."""
        tested = service_under_test(target, self.service)
        if tested.control.reach():
            raise Refused(f"{self.service} runs at {tested.control.reach()}: a disk is filled on this machine only")
        folder = self._checked(target)
        mark = zlib.crc32(f"{target.name}/{self.service}".encode())
        file, margin_kb = str(folder / f".blackstart-disk-full-{mark:08x}"), str(self.margin_mb * 1024)
        nearly_kb = str((self.margin_mb + _SLACK_MB) * 1024)
        full = CommandState(("sh", "-c", _IS_FULL, "is full", file, nearly_kb), f"{self.service}_disk_full")
        there = CommandState(("test", "-e", file), f"{self.service}_disk_filler")
        change = Change(
            what=self.describe(),
            service=self.service,
            do=(Command(("sh", "-c", _FILL, "fill", file, margin_kb), timeout_s=_FILL_TIMEOUT_S),),
            # A service may have ended for want of room.
            undo=(Command(("rm", "-f", file)), *tested.control.start()),
            bites=(full.is_(THERE), there.is_(THERE)),
            gone=(*tested.up(), there.is_(ABSENT)),
            rights=(*tested.control.rights(), Command(("test", "-w", str(folder)))),
            undo_is_noop=not tested.control.by_hand,
            undo_by_hand=tested.control.by_hand,
        )
        return (change,)

    def _checked(self, target: Target) -> Path:
        folder = Path(self.path).resolve()
        if not folder.is_dir():
            raise Refused(f"{self.path} is no folder of this machine: name the one that {self.service} writes to")
        device = folder.stat().st_dev
        if device == os.stat(_ROOT).st_dev and _ROOT not in target.allow:
            raise Refused(
                f"{folder} is on the root's file system, which everything here needs. Give the service's data a file "
                'system of its own; or, if that is meant, allow it by name: --allow "/"'
            )
        kept = {"state folder": state_dir(), "folder that reports go to": Path.cwd(), "folder of the locks": lock_dir()}
        for what, ours in kept.items():
            if ours.stat().st_dev == device:
                raise Refused(f"the {what} ({ours}) is on the file system of {folder}: full, it would take no record")
        left = os.statvfs(folder)
        left_mb = left.f_bavail * left.f_frsize // _MB
        if left_mb <= self.margin_mb + _SLACK_MB:
            raise Refused(f"{folder} has {left_mb} MB left, hardly more than the margin of {self.margin_mb} MB")
        if _kind(folder) in _IN_MEMORY:
            self._refuse_without_memory(folder, left_mb - self.margin_mb)
        return folder

    def _refuse_without_memory(self, folder: Path, takes_mb: int) -> None:
        machine_mb = psutil.virtual_memory().available // _MB
        limited = _cgroups.memory_limit(os.getpid())  # which the one that fills it is in, too
        has_mb = min(machine_mb, (limited[1] - limited[0].used_bytes()) // _MB) if limited else machine_mb
        if has_mb - takes_mb < _MEMORY_MARGIN_MB:
            raise Refused(
                f"{folder} is in the memory: filling it takes {takes_mb} MB of the {has_mb} MB that are left, and "
                f"{_MEMORY_MARGIN_MB} MB must stay. Mount it smaller (mount -o remount,size=…), or give more margin_mb"
            )

    def describe(self) -> str:
        """As in "fill the disk of db at /var/lib/postgresql up to 64 MB"."""
        return f"fill the disk of {self.service} at {self.path} up to {self.margin_mb} MB"


def _kind(folder: Path) -> str:
    """The type of the file system that it is on; "" where that can't be told."""
    point = next(one for one in (folder, *folder.parents) if one.is_mount())
    mounted = psutil.disk_partitions(all=True)
    # What was mounted over another one stands after it.
    return next((one.fstype for one in reversed(mounted) if one.mountpoint == str(point)), "")

"""What was broken in a lab that is gone as a whole, taken down or cleared away for a new one: nothing of it is left to
mend, and this proves it.

A lab's supervisord.conf is written by nobody but `lab.up`, which ends everything of an older lab first, or refuses. Its
processes carry the lab's folder in their environment.
"""

import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from blackstart.base import clock
from blackstart.base.errors import NotAvailable
from blackstart.base.state import state_dir
from blackstart.model.change import Change
from blackstart.probes.control_state import ControlState
from blackstart.safety.processes.identity import started

_MARKER = "BLACKSTART_LAB"
_CLOCKS_AGREE_S = 1.0


def gone_with_its_lab(change: Change, opened_utc: str) -> str:
    """The proof in words, empty where there is none. `opened_utc` is when the change was intended."""
    folder = _lab_of(change)
    if folder is None or not Path("/proc/self/stat").exists():
        return ""
    begun_s = list(_begun_s(folder))
    try:
        told = (folder / "supervisord.conf").stat()
    except FileNotFoundError:
        if folder.exists() or begun_s:
            return ""
        return f"the lab {folder.name} was taken down: its folder is gone, and no process of it is left"
    except OSError:
        return ""
    written_s = min(told.st_mtime, told.st_ctime)
    # Somebody may have touched the file, or set the clock: what is older than the file belongs to the old lab.
    old = [one for one in begun_s if one < written_s - _CLOCKS_AGREE_S]
    if old or written_s <= datetime.fromisoformat(opened_utc).timestamp():
        return ""
    return f"the lab {folder.name} was brought up anew since then, and no process of the old one is left"


def _lab_of(change: Change) -> Path | None:
    """The folder of the lab, where the change is undone by one program of its supervisor alone."""
    labs = state_dir() / "labs"
    for condition in change.gone:
        control = condition.probe.control if isinstance(condition.probe, ControlState) else None
        if control is None:
            continue
        try:
            folder = Path(control.folder())
        except NotAvailable:
            continue
        if change.undo not in (control.start(), control.resume()):
            continue
        return folder if folder.parent == labs else None
    return None


def _begun_s(folder: Path) -> Iterator[float]:
    """When each process of the lab in this folder was started, in seconds of the wall clock."""
    mark = f"{_MARKER}={folder}".encode()
    boot_s = time.time() - clock.now_s()
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        begun = started(pid) if _belongs(Path("/proc", str(pid)), mark, folder) else None
        if begun:
            yield boot_s + int(begun) / os.sysconf("SC_CLK_TCK")


def _belongs(process: Path, mark: bytes, folder: Path) -> bool:
    try:
        if mark in (process / "environ").read_bytes().split(b"\0"):
            return True
        # PostgreSQL's backends write a title over their environment.
        where = os.readlink(process / "cwd")
        return (process / "comm").read_text().startswith("postgres") and where.startswith(f"{folder}/")
    except OSError:
        return False  # it has just ended, or is another user's

"""Where a lab keeps its files: one folder in the user's state, and one outside for what that folder can't hold."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path, user_state_path

from blackstart_lab.lab_error import NotStarted

MARKER = "BLACKSTART_LAB"
"""Environment variable that every process of a lab carries; its value is the lab's folder."""

_OUTSIDE = Path("/var/tmp")
_LONGEST_SOCKET_PATH = 90  # AF_UNIX allows 108 characters on Linux, 104 on macOS; supervisor appends a suffix


def state_folder() -> Path:
    """`$BLACKSTART_STATE`, or the user's state folder."""
    named = os.environ.get("BLACKSTART_STATE")
    try:
        return Path(named).expanduser().absolute() if named else user_state_path("blackstart")
    except RuntimeError as error:  # a user without a home
        raise NotStarted(f"where the lab's files are can't be told ({error}); set BLACKSTART_STATE") from error


def cache_folder() -> Path:
    """Where copies that only save time are kept; deleting them is harmless."""
    return user_cache_path("blackstart")


def remember(made: Path, template: Path) -> None:
    """Keep a copy of a folder for the next start. Without a place to keep it the next start is merely slower."""
    try:
        template.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=template.parent) as staging:
            shutil.copytree(made, Path(staging) / "data", symlinks=True)
            (Path(staging) / "data").rename(template)
    except OSError:
        return


@dataclass(frozen=True)
class Workspace:
    """The files of one lab. Everything below `folder` and `outside` goes when the lab goes."""

    name: str

    @property
    def folder(self) -> Path:
        return state_folder() / "labs" / self.name

    @property
    def outside(self) -> Path:
        """A short path that another user can reach; its name follows from the folder, so no record of it is needed."""
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return _OUTSIDE / f"blackstart-{os.getuid()}-{digest}"

    @property
    def target_file(self) -> Path:
        """Exists exactly while the lab is up."""
        return self.folder / "target.toml"

    @property
    def supervisor_config(self) -> Path:
        return self.folder / "supervisord.conf"

    @property
    def supervisor_pid_file(self) -> Path:
        return self.folder / "supervisord.pid"

    @property
    def supervisor_socket(self) -> Path:
        inside = self.folder / "supervisor.sock"
        return inside if len(str(inside)) <= _LONGEST_SOCKET_PATH else self.outside / "s"

    @property
    def leaving(self) -> Path:
        """The command lines that remove what the lab has beyond its own processes, as JSON."""
        return self.folder / "leave.json"

    def log(self, service: str) -> Path:
        return self.folder / f"{service}.log"

    def marker(self) -> dict[str, str]:
        return {MARKER: str(self.folder)}

    def create(self) -> None:
        """Make both folders. The outside one lies where everybody may write, so one that is not ours is refused."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.outside.mkdir(mode=0o711)
            self.outside.chmod(0o711)  # mkdir's mode is cut by the umask
        except FileExistsError:
            raise NotStarted(f"{self.outside} is in the way and not ours; remove it") from None
        except OSError as error:
            raise NotStarted(f"can't create the lab's folder: {error}") from error

    def remove(self) -> None:
        """Delete every file, target.toml first, so that nobody takes a half-removed lab for a running one."""
        self.target_file.unlink(missing_ok=True)
        if self.folder.exists():
            shutil.rmtree(self.folder)
        if self.outside.is_dir() and not self.outside.is_symlink() and self.outside.stat().st_uid == os.getuid():
            shutil.rmtree(self.outside)


def _refuse_foreign(*folders: Path) -> None:
    """What lies in another user's folder, or behind a link of theirs, can be put elsewhere under our hands."""
    asked_by = os.environ.get("SUDO_UID", "") if os.geteuid() == 0 else ""
    trusted = {0, os.geteuid(), *([int(asked_by)] if asked_by.isdecimal() else [])}
    for folder in folders:
        if not {folder.lstat().st_uid, folder.stat().st_uid} <= trusted:
            raise NotStarted(f"{folder} is another user's; set BLACKSTART_STATE to a folder of yours")


@contextmanager
def exclusive() -> Iterator[None]:
    """Only one command at a time brings labs up or down; the second is refused rather than left waiting."""
    labs = state_folder() / "labs"
    with ExitStack() as held:
        try:
            labs.mkdir(parents=True, exist_ok=True, mode=0o700)
            _refuse_foreign(state_folder(), labs)
            held.enter_context(FileLock(state_folder() / "labs.lock", timeout=0, mode=0o600, fallback_to_soft=False))
        except Timeout:
            raise NotStarted(f"another lab command is at work in {labs}; wait until it has ended") from None
        except OSError as error:
            raise NotStarted(f"can't use the state folder: {error} (BLACKSTART_STATE moves it)") from error
        yield

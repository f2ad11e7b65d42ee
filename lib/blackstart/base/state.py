"""Where Blackstart keeps what must outlive a run: the user's state folder, or `BLACKSTART_STATE`."""

import os
import pwd
import shlex
import shutil
import stat
import sys
from pathlib import Path

from platformdirs import user_state_path

from blackstart.base.errors import Refused

_RUN = "BLACKSTART_RUN"
_WAYS = ("invoke", "inv", "blackstart")


def invoke() -> str:
    """What to type before a task's name in the shell that this was started from: `invoke`, `blackstart`, the path of
    either where it is on no PATH, or the way of scripts/run.

    There `invoke` is on no PATH but our own, and the command that mends must work as it is printed.
    """
    return shlex.quote(os.environ.get(_RUN) or _typed() or _WAYS[0])


def keep_way() -> None:
    """Have the processes that this one starts, the guardian among them, print the same."""
    if typed := _typed():
        os.environ.setdefault(_RUN, typed)


def _typed() -> str:
    """The program that is running, as it can be typed; "" where it is none of ours."""
    path = Path(sys.argv[0])
    if path.name not in _WAYS or not path.exists():
        return ""
    found = shutil.which(path.name)
    return path.name if found and os.path.samefile(found, path) else str(path.absolute())


def state_path() -> Path:
    """Where the state folder is, or would be. Raises Refused where that can't be told: a user without a home."""
    try:
        return Path(os.environ.get("BLACKSTART_STATE") or user_state_path("blackstart")).expanduser().absolute()
    except RuntimeError as error:
        raise Refused(
            f"nobody can tell where the state folder is ({error}). Set BLACKSTART_STATE to a folder of yours."
        ) from error


def state_dir() -> Path:
    """The state folder, made if it is not there. Raises Refused where it can't be made, is another's, or anybody's.

    What it holds is carried out: whoever can write there could have anything carried out as this user.
    """
    path = state_path()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"the state folder {path} can't be made ({error.strerror}). Set BLACKSTART_STATE to a folder of yours."
        ) from error
    if not os.access(path, os.R_OK | os.X_OK):
        raise Refused(f"the state folder {path} can't be read by {_user(os.geteuid())}: {_whose(path)}")
    _refuse_foreign(path)
    if path.stat().st_mode & stat.S_IWOTH:
        raise Refused(
            f"everybody may write to the state folder {path}, and what it holds is carried out. Look at what is in it, "
            f"then: chmod o-w {shlex.quote(str(path))}"
        )
    return path


def _refuse_foreign(path: Path) -> None:
    """A folder of somebody else's, or a link that somebody else has put there, would say what we carry out."""
    trusted = {0, os.geteuid()}
    if os.geteuid() == 0 and os.environ.get("SUDO_UID", "").isdecimal():
        trusted.add(int(os.environ["SUDO_UID"]))  # who may have anything done by sudo
    for what, owner in (("state folder", path.stat().st_uid), ("link to the state folder", path.lstat().st_uid)):
        if owner not in trusted:
            raise Refused(
                f"the {what} {path} is {_user(owner)}'s, and what it holds is carried out as {_user(os.geteuid())}. "
                "Set BLACKSTART_STATE to a folder of yours."
            )


def _whose(path: Path) -> str:
    """Whose it is, and what to do about it."""
    try:
        owner = path.stat().st_uid
    except OSError as error:  # a folder above it
        return f"{error.strerror}. Set BLACKSTART_STATE to a folder of yours."
    again = "again with sudo" if owner == 0 else f"as {_user(owner)}"
    return f"it is {_user(owner)}'s, who ran a drill with it. Run this {again}, or set BLACKSTART_STATE to your own."


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"the user {number}"


def running_labs() -> dict[str, Path]:
    """The labs that are up, by name: a lab's target file is there exactly while it is up."""
    return {path.parent.name: path for path in sorted(state_dir().glob("labs/*/target.toml"))}


def to_type(*words: str) -> str:
    """A task that looks into the state folder, as it is to be typed from any shell: with that folder, and its user."""
    return f"{typed_before()}{' '.join((invoke(), *words))}"


def typed_before() -> str:
    """The user that it must be typed as, and the state folder, so that it finds what we know from any shell and folder:
    in another one nothing would be broken."""
    sudo = "sudo " if os.geteuid() == 0 and os.environ.get("SUDO_UID", "0") != "0" else ""
    named = os.environ.get("BLACKSTART_STATE")
    return f"{sudo}BLACKSTART_STATE={shlex.quote(str(state_path()))} " if named else sudo

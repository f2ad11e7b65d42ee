"""One run at a time on a service: locks that every user of the machine sees, and that end with their process.

A lock is a file named after the identity of what it protects, held with flock: the kernel lets go of it when its holder
dies, however it dies. The text in the file says who holds it.
"""

import fcntl
import hashlib
import json
import os
import pwd
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from blackstart.base import clock
from blackstart.base.errors import Refused
from blackstart.safety.processes.identity import started

_LOOK_TAKES_S = 0.1
_LOOK_EVERY_S = 0.05


def lock_dir() -> Path:
    """The folder of the locks, the same for every user of the machine; anybody may add to it, nobody may replace."""
    # Not the TMPDIR of this user: on macOS, and in many a CI job, everybody has one of their own.
    shared = Path("/tmp") if os.access("/tmp", os.W_OK) else Path(tempfile.gettempdir())
    path = Path(os.environ.get("BLACKSTART_LOCKS") or shared / "blackstart-locks")
    try:
        path.mkdir(mode=0o1777, exist_ok=True)
        if path.stat().st_uid == os.geteuid():
            path.chmod(0o1777)  # mkdir's mode is cut by the umask
    except OSError as error:
        raise Refused(f"the lock folder {path} can't be made ({error.strerror}). Make it with mode 1777.") from error
    return path


def refuse_held(identities: Iterable[str], mended_within_s: float = 15.0) -> None:
    """Raise Refused, naming the holder, where somebody holds one of these; takes nothing.

    For the start of a run: what another run has just broken must not be called broken beforehand. Where the run is dead
    and its guardian still restores, that is waited for.
    """
    until_s = clock.now_s() + mended_within_s
    for identity in Locks(identities).identities:
        path = path_of(identity)
        while path.exists():
            try:
                os.close(_locked(path, identity, fcntl.LOCK_SH))
                break
            except Refused:
                if _taker_lives(path) or clock.now_s() > until_s:
                    raise
            time.sleep(_LOOK_EVERY_S)


class Locks:
    """Locks on a set of identities, taken in one order so that two runs never wait for each other."""

    def __init__(self, identities: Iterable[str], scrub: Callable[[str], str] = str) -> None:
        """`scrub` masks secrets: everybody can read what stands in a lock, and a command line may hold some."""
        self.identities = tuple(sorted(set(identities)))
        self._held: list[int] = []
        self._scrub = scrub

    def take(self, run: str, what: str) -> None:
        """Take all of them, or none. Raises Refused that names who holds one."""
        for identity in self.identities:
            try:
                self._held.append(self._take_one(identity, run, what))
            except Refused:
                self.release()
                raise

    def _take_one(self, identity: str, run: str, what: str) -> int:
        path = path_of(identity)
        handle = _open(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(path)
            os.close(handle)
            raise Refused(f"{identity} is in use by {holder}. Wait until it has ended.") from None
        except OSError as error:
            os.close(handle)
            raise Refused(f"{identity} can't be locked at {path}: {error.strerror}") from error
        _describe(path, self._scrub(identity), run, what)
        return handle

    def handles(self) -> tuple[int, ...]:
        """What holds the locks: a process that inherits these keeps them held after the death of this one."""
        return tuple(self._held)

    def release(self) -> None:
        """Let go of all of them. Idempotent. A guardian that inherited them holds them until it has mended."""
        while self._held:
            os.close(self._held.pop())


def path_of(identity: str) -> Path:
    return lock_dir() / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.lock"


def _locked(path: Path, identity: str, kind: int) -> int:
    handle = _open(path)
    until_s = clock.now_s() + _LOOK_TAKES_S
    while True:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if clock.now_s() > until_s:  # it was no mere look of `refuse_held`
                os.close(handle)
                raise Refused(f"{identity} is in use by {_holder(path)}. Wait until it has ended.") from None
        time.sleep(_LOOK_TAKES_S / 5)


def _open(path: Path) -> int:
    """A handle that can be locked: another user's file can only be opened for reading, which is enough."""
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        if path.exists():
            return os.open(path, os.O_RDONLY | flags)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666)
        if os.fstat(handle).st_uid == os.geteuid():
            os.fchmod(handle, 0o666)
    except OSError as error:
        raise Refused(f"the lock {path} can't be opened: {error.strerror}") from error
    return handle


def _describe(path: Path, identity: str, run: str, what: str) -> None:
    by = {"pid": os.getpid(), "user": _user(), "since": clock.utc_iso()}
    text = json.dumps({"identity": identity, "run": run, "what": what, **by})
    try:
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return  # another user's file in a sticky folder, a full disk: the lock holds all the same, only its text is old


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _taker_lives(path: Path) -> bool:
    """Whether the run that took the lock is alive, not only its guardian. Yes, where nobody can know."""
    try:
        return started(int(json.loads(path.read_text(encoding="utf-8"))["pid"])) is not None
    except (OSError, ValueError, KeyError, TypeError):
        return True


def _holder(path: Path) -> str:
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
        who = f"run {text['run']} ({text['what']}, pid {text['pid']}, user {text['user']}, since {text['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another run"
    mending = "a guardian, which still restores what a dead run has broken (see chaos.status)"
    return who if _taker_lives(path) else f"{mending}: {who}"

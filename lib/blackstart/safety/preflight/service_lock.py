"""One run at a time on a service: locks that every user of the machine sees, and that end with their process.

A lock is a file named after the identity of what it protects, held with flock: the kernel lets go of it when its holder
dies, however it dies. The text in the file says who holds it.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import stat
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from blackstart.base import clock
from blackstart.base.errors import Refused
from blackstart.safety.processes.identity import started

_LOOK_TAKES_S = 0.1
_LOOK_EVERY_S = 0.05
_LONGEST_TEXT = 65536


def lock_dir() -> Path:
    """The folder of the locks, the same for every user of the machine; anybody may add to it, nobody may replace.

    Raises Refused where it is a link, or where anybody may take away the locks of others.
    """
    # Not the TMPDIR of this user: on macOS, and in many a CI job, everybody has one of their own.
    shared = Path("/tmp") if os.access("/tmp", os.W_OK) else Path(tempfile.gettempdir())
    named = os.environ.get("BLACKSTART_LOCKS")
    path = Path(named or shared / "blackstart-locks")
    try:
        made = _made(path)
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink():  # whoever planted it chose what would be opened to everybody
            raise Refused(f"the lock folder {path} is a link, which may be anybody's. Remove it.") from error
        raise Refused(f"the lock folder {path} can't be made ({error.strerror}). Make it with mode 1777.") from error
    try:
        # A folder that was there under a name of the user's choice keeps its mode: it may hold more than locks.
        return _shared(path, handle, made or not named)
    finally:
        os.close(handle)


def _made(path: Path) -> bool:
    try:
        path.mkdir(mode=0o1777)
    except FileExistsError:
        return False
    return True


def _shared(path: Path, handle: int, ours: bool) -> Path:
    """The folder behind the handle, open to all where it is `ours` to open, or a refusal."""
    if ours and os.geteuid() == 0 != os.fstat(handle).st_uid:
        with contextlib.suppress(OSError):  # its owner could take away the locks of others
            os.fchown(handle, 0, 0)
    found = os.fstat(handle)
    if ours and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) != 0o1777:
        os.fchmod(handle, 0o1777)  # mkdir's mode is cut by the umask
        found = os.fstat(handle)
    if not os.path.samestat(found, path.lstat()):
        raise Refused(f"the lock folder {path} was put in another's place just now; see who does that.")
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise Refused(f"anybody may take locks out of the lock folder {path}. Its owner mends it with: chmod +t {path}")
    return path


def refuse_held(identities: Iterable[str], mended_within_s: float = 15.0) -> None:
    """Raise Refused, naming the holder, where somebody holds one of these; takes nothing.

    For the start of a run: what another run has just broken must not be called broken beforehand. Where the run is dead
    and its guardian still restores, that is waited for.
    """
    until_s = clock.now_s() + mended_within_s
    for identity in Locks(identities).identities:
        path = path_of(identity)
        while os.path.lexists(path):
            try:
                os.close(_locked(path, identity, fcntl.LOCK_SH, _LOOK_TAKES_S))  # it may be no more than such a look
                _remove_unheld(path)
                break
            except _InUse as held:
                if held.taker_lives or clock.now_s() > until_s:
                    raise
            time.sleep(_LOOK_EVERY_S)


class Locks:
    """Locks on a set of identities, taken in one order so that two runs never wait for each other."""

    def __init__(self, identities: Iterable[str], scrub: Callable[[str], str] = str) -> None:
        """`scrub` masks secrets: everybody can read what stands in a lock, and a command line may hold some."""
        self.identities = tuple(sorted(set(identities)))
        self._held: dict[Path, int] = {}
        self._scrub = scrub

    def take(self, run: str, what: str) -> None:
        """Take all of them, or none. Raises Refused that names who holds one."""
        for identity in self.identities:
            try:
                self._take_one(identity, run, what)
            except Refused:
                self.release()
                raise

    def _take_one(self, identity: str, run: str, what: str) -> None:
        path = path_of(identity)
        self._held[path] = _locked(path, identity, fcntl.LOCK_EX, _LOOK_TAKES_S)  # somebody may only look, or remove it
        _describe(self._held[path], self._scrub(identity), run, what)

    def handles(self) -> tuple[int, ...]:
        """What holds the locks: a process that inherits these keeps them held after the death of this one."""
        return tuple(self._held.values())

    def release(self) -> None:
        """Let go of all of them. Idempotent. A guardian that inherited them holds them until it has mended."""
        while self._held:
            path, handle = self._held.popitem()
            os.close(handle)
            _remove_unheld(path)


def path_of(identity: str) -> Path:
    return lock_dir() / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.lock"


class _InUse(Refused):
    """Somebody holds the lock. `taker_lives`: the run that took it is alive, not only its guardian."""

    def __init__(self, identity: str, handle: int) -> None:
        try:
            told = json.loads(os.pread(handle, _LONGEST_TEXT, 0))
            who = f"run {told['run']} ({told['what']}, pid {told['pid']}, user {told['user']}, since {told['since']})"
            self.taker_lives = started(int(told["pid"])) is not None
        except (OSError, ValueError, KeyError, TypeError):
            who, self.taker_lives = "another run", True  # nobody can know
        if not self.taker_lives:
            who = f"a guardian, which still restores what a dead run has broken (see chaos.status): {who}"
        super().__init__(f"{identity} is in use by {who}. Wait until it has ended.")


def _locked(path: Path, identity: str, kind: int, within_s: float = 0.0) -> int:
    """The handle of the file that is at this path, locked. Raises Refused, _InUse where somebody else holds it."""
    until_s = clock.now_s() + within_s
    while True:
        handle = _open(path)
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), path.lstat()):
                return handle
        except BlockingIOError:
            if clock.now_s() >= until_s:
                raise _closing(handle, _InUse(identity, handle)) from None
            time.sleep(_LOOK_TAKES_S / 5)
        except FileNotFoundError:
            pass  # removed, by who cleans up, between the opening and the lock: the next one is another file
        except OSError as error:
            raise _closing(handle, Refused(f"{identity} can't be locked at {path}: {error.strerror}")) from error
        os.close(handle)


def _remove_unheld(path: Path) -> None:
    """Each life of each process has a lock of its own: without this the folder only grows."""
    with contextlib.suppress(OSError):  # a guardian holds it, or the next run; or it is another user's file
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), path.lstat()):
                path.unlink()
        finally:
            os.close(handle)


def _open(path: Path) -> int:
    """A handle that can be locked: where another user's file can only be opened for reading, that is enough."""
    flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # no waiting for the writer of a pipe
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | flags, 0o666)
        os.fchmod(handle, 0o666)
        return handle
    except FileExistsError:
        pass
    except OSError as error:
        raise Refused(f"the lock {path} can't be made: {error.strerror}") from error
    try:
        try:
            handle = os.open(path, os.O_RDWR | flags)
        except PermissionError:
            handle = os.open(path, os.O_RDONLY | flags)
        except FileNotFoundError:  # its last holder took it away just now
            return _open(path)
    except OSError as error:
        raise Refused(f"the lock {path} can't be opened: {error.strerror}. Remove what is there.") from error
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:  # what is written to it would go elsewhere
        raise _closing(handle, Refused(f"the lock {path} is no file, or a file that has another name. Remove it."))
    return handle


def _closing(handle: int, refusal: Refused) -> Refused:
    os.close(handle)
    return refusal


def _describe(handle: int, identity: str, run: str, what: str) -> None:
    by = {"pid": os.getpid(), "user": _user(), "since": clock.utc_iso()}
    text = json.dumps({"identity": identity, "run": run, "what": what, **by})
    with contextlib.suppress(OSError):  # another user's file, a full disk: the lock holds all the same
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())

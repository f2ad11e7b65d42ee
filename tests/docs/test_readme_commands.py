"""The two commands that README begins with, on a clean copy with an empty home: by whoever runs the tests, and by an
ordinary user of the machine (PostgreSQL refuses root, and an ordinary user may do less)."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import ROOT
from tests.requirements import require
from tests.services import eventually

pytestmark = pytest.mark.timeout(600)  # it makes an environment, from the network

# What a network needs to reach the package index stays; nothing else of the environment does.
_KEPT = ("PIP_", "UV_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where any user may come, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="blackstart-readme-", dir="/var/tmp") as made:
        yield Path(made)


def clean_copy(folder: Path) -> Path:
    """What a clone would have, with what was changed since."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, timeout=30, check=False)
    if tracked.returncode:
        pytest.skip(f"needs a clone of the repository: {tracked.stderr.decode().strip()}")
    for name in filter(None, tracked.stdout.decode().split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


# As whoever runs the tests it is done in bare containers, too (tests/fresh_machine), and by the README's own blocks.
@pytest.mark.parametrize("who", [pytest.param("the user of the tests", marks=pytest.mark.slow), "nobody"])
def test_the_demonstration_holds_from_a_clean_copy_with_an_empty_home(who: str, folder: Path) -> None:
    path = os.pathsep.join(one for one in os.environ["PATH"].split(os.pathsep) if not one.startswith(str(ROOT)))
    if who == "nobody":
        require("root", "venv")
        path = "/usr/bin:/bin"
    copy, home = clean_copy(folder / "blackstart"), folder / "home"
    home.mkdir()
    if who == "nobody":
        for one in (folder, *folder.rglob("*")):
            shutil.chown(one, "nobody")
    kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
    done = subprocess.run(
        ["./scripts/run", "demo"], cwd=copy, env={**kept, "HOME": str(home), "PATH": path, "LANG": "C.UTF-8"},
        user="nobody" if who == "nobody" else None, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^leader-lock on trader: held", done.stdout, re.MULTILINE), done.stdout
    (log,) = (copy / "reports" / "chaos").glob("leader_lock_*.log")
    assert log.read_text().splitlines()[-1] == "test_result,PASS"
    assert log.name in done.stdout and (log.with_suffix("") / "report.html").exists()
    assert eventually(lambda: not left_running(folder)), left_running(folder)


def left_running(folder: Path) -> list[str]:
    """Processes whose command line or working folder lies there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode("utf-8", "replace")
            where = os.readlink(process / "cwd")
        except OSError:
            continue
        if str(folder) in words or where.startswith(str(folder)):
            found.append(words.replace("\0", " "))
    return found

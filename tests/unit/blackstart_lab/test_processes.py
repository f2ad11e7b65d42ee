"""Which processes are a lab's where root may not look into other users' processes, as in most containers."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from blackstart_lab.processes import _works_in
from tests.requirements import require

NOBODY = 65534
WITHOUT_PTRACE = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
ASKED = """
import psutil, sys
from blackstart_lab.processes import _works_in
print(_works_in(psutil.Process(int(sys.argv[1]))))
"""


@pytest.fixture
def of_nobody(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of another user's that works in the test's folder."""
    require("root", "setpriv")
    with subprocess.Popen(("sleep", "60"), cwd=tmp_path, user=NOBODY, group=NOBODY, extra_groups=()) as child:
        try:
            yield child
        finally:
            child.kill()


def asked(child: subprocess.Popen[bytes], *how: str) -> str:
    words = (*how, sys.executable, "-c", ASKED, str(child.pid))
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def test_the_folder_of_another_users_process_is_seen_by_a_root_that_may_not_look(
    of_nobody: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    refused = subprocess.run(
        (*WITHOUT_PTRACE, "readlink", f"/proc/{of_nobody.pid}/cwd"), capture_output=True, check=False
    )
    assert refused.returncode != 0
    assert asked(of_nobody) == asked(of_nobody, *WITHOUT_PTRACE) == str(tmp_path)


def test_a_folder_that_is_gone_is_still_its_folder(of_nobody: subprocess.Popen[bytes], tmp_path: Path) -> None:
    tmp_path.rename(gone := tmp_path.with_name("gone"))
    gone.rmdir()
    assert asked(of_nobody, *WITHOUT_PTRACE) == asked(of_nobody) == str(gone)


def test_of_a_process_that_has_ended_there_is_no_folder(of_nobody: subprocess.Popen[bytes]) -> None:
    of_nobody.kill()
    of_nobody.wait()
    with pytest.raises(psutil.NoSuchProcess):
        _works_in(psutil.Process(of_nobody.pid))

"""Which process is a container's main one, while others of it come and go."""

import os
import subprocess
import sys

import psutil
import pytest

from blackstart.controls import container_process


def test_one_that_has_ended_while_it_was_looked_at_is_no_member(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        seen = [psutil.Process(child.pid), psutil.Process()]
    monkeypatch.setattr(psutil, "process_iter", lambda: iter(seen))
    monkeypatch.setattr(container_process, "is_in", lambda pid, ids: True)
    assert container_process.main_pid("a-container-of-this-test") == os.getpid()

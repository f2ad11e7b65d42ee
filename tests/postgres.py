"""A real PostgreSQL for tests."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from blackstart_lab.servers import postgres
from blackstart_lab.workspace import Workspace
from tests.services import eventually, free_port


@contextmanager
def postgres_server(state: Path, database: str, *more: str) -> Iterator[int]:
    """Its port. It trusts whoever is on loopback; its superuser is called as its database is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLACKSTART_STATE", str(state))
        workspace = Workspace(f"{database}-tests")
        workspace.create()
        service = postgres.service(workspace, free_port(), database)
        program = service.program
        with workspace.log("postgres").open("wb") as log:
            command = (*program.command, "-c", "fsync=off", *more)  # nothing of it outlives the tests
            server = subprocess.Popen(command, cwd=program.directory, user=program.user, stdout=log, stderr=log)
        try:
            assert eventually(lambda: service.lacks() is None, 60), workspace.log("postgres").read_text()
            yield int(service.address.rpartition(":")[2])
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(timeout=30)
            workspace.remove()

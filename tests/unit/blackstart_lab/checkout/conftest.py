"""One PostgreSQL for the folder's tests, emptied before each."""

import signal
import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from blackstart_lab.servers import postgres
from blackstart_lab.workspace import Workspace
from tests.services import eventually, free_port
from tests.unit.blackstart_lab.checkout.bench import Bench, Benches

_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="package")
def postgres_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLACKSTART_STATE", str(tmp_path_factory.mktemp("checkout")))
        workspace = Workspace("checkout-tests")
        workspace.create()
        service = postgres.service(workspace, free_port(), "checkout")
        program = service.program
        with workspace.log("postgres").open("wb") as log:
            command = (*program.command, "-c", "fsync=off")  # nothing of it outlives the tests
            server = subprocess.Popen(command, cwd=program.directory, user=program.user, stdout=log, stderr=log)
        try:
            assert eventually(lambda: service.lacks() is None, 60), workspace.log("postgres").read_text()
            yield int(service.address.rpartition(":")[2])
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(timeout=30)
            workspace.remove()


@pytest.fixture
def bench(postgres_port: int) -> Benches:
    """Makes a bench, of the healthy parts or with some of them replaced."""
    dsn = f"postgresql://checkout@127.0.0.1:{postgres_port}/checkout"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_END_OTHERS)
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return lambda parts=None, **promise: Bench(dsn, parts or {}, **promise)

"""One PostgreSQL for the folder's tests, emptied before each."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.postgres import postgres_server
from tests.unit.blackstart_lab.checkout.bench import Bench, Benches

_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="package")
def postgres_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with postgres_server(tmp_path_factory.mktemp("checkout"), "checkout") as port:
        yield port


@pytest.fixture
def bench(postgres_port: int) -> Benches:
    """Makes a bench, of the healthy parts or with some of them replaced."""
    dsn = f"postgresql://checkout@127.0.0.1:{postgres_port}/checkout"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_END_OTHERS)
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return lambda parts=None, **promise: Bench(dsn, parts or {}, **promise)

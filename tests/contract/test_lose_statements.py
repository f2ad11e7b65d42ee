"""The statements of one operation are lost on the way to a real PostgreSQL, and all others are answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from blackstart.base.errors import Refused
from blackstart.faults.lose_statements import LoseStatements
from blackstart.model.change import Change
from blackstart.model.target import Service, Target
from blackstart.safety.heal.restore import restore, stays_gone
from blackstart.safety.preflight.rehearsal import rehearse
from tests.contract.fault_proxies import FaultProxy
from tests.postgres import postgres_server
from tests.services import by_shell, carry_out, eventually, so

INSERT, SELECT = "INSERT INTO orders VALUES (%s)", "SELECT count(*) FROM orders WHERE id <> %s"
WITH = "WITH made AS (INSERT INTO orders VALUES (%s) RETURNING id) SELECT count(*) FROM made"
Connection = psycopg.Connection[tuple[int]]


class Shop:
    """A PostgreSQL behind Blackstart's own fault proxy, and a client that prepares what it asks often."""

    def __init__(self, proxy: FaultProxy, port: int) -> None:
        self.port = proxy.proxy_to(port, "postgres")
        self.dsn = f"postgresql://shop@127.0.0.1:{self.port}/shop"
        self.kept = self.connected()
        self.target = Target(
            "shop",
            proxy=proxy.url,
            services={"postgres": Service("postgres", f"127.0.0.1:{self.port}", dsn=self.dsn, proxy_name="postgres")},
        )

    def connected(self) -> Connection:
        connection = psycopg.connect(self.dsn, autocommit=True)
        connection.prepare_threshold = 0
        return connection

    def answers(self, sql: str, connection: Connection | None = None) -> bool:
        """Whether a statement is answered within half a second; on a connection of its own where none is given."""
        used = connection or self.connected()
        try:
            used.execute("SET statement_timeout = '500ms'")
            used.execute(sql, (1,))
        except psycopg.OperationalError:
            used.close()
            return False
        if connection is None:
            used.close()
        return True

    def planned(self, fault: LoseStatements) -> Change:
        (change,) = fault.plan(self.target)
        rehearse([change])
        return change


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with postgres_server(tmp_path_factory.mktemp("postgres"), "shop") as port:
        with psycopg.connect(f"postgresql://shop@127.0.0.1:{port}/shop", autocommit=True) as connection:
            connection.execute("CREATE TABLE orders (id int)")
        yield port


@pytest.fixture
def shop(server: int) -> Iterator[Shop]:
    proxy = FaultProxy("embedded")
    try:
        made = Shop(proxy, server)
        yield made
        made.kept.close()
    finally:
        proxy.close()


def test_inserts_are_lost_prepared_ones_too_and_selects_are_answered(shop: Shop) -> None:
    assert all(shop.answers(sql, shop.kept) for sql in (INSERT, SELECT, WITH) * 2)
    change = shop.planned(LoseStatements("postgres", "insert"))
    carry_out(change.do)
    # What it had prepared is told by nobody: its connection ends, and on the next one it prepares again.
    assert eventually(lambda: not shop.answers(SELECT, shop.kept), 10)
    again = shop.connected()
    assert all(shop.answers(SELECT, again) for _ in range(9)) and not so(change.bites)
    assert not shop.answers(INSERT, again) and not shop.answers(WITH) and shop.answers(SELECT)
    assert eventually(lambda: so(change.bites), 10)
    assert restore(change, print, 20) and stays_gone(change, 0.5)
    assert shop.answers(INSERT) and shop.answers(WITH)


def test_of_a_share_of_them_some_get_through_and_what_is_lost_silently_gets_no_answer(shop: Shop) -> None:
    change = shop.planned(LoseStatements("postgres", "insert", 0.5, "silent"))
    carry_out(change.do)
    got_through = sum(answered_soon(shop.connected()) for _ in range(20))
    assert 0 < got_through < 20 and so(change.bites)
    by_shell(change.undo)
    assert all(shop.answers(INSERT) for _ in range(9))


def answered_soon(connection: Connection) -> bool:
    """Whether an insert is, asked without waiting for longer than half a second."""
    pgconn = connection.pgconn
    pgconn.send_query_params(b"INSERT INTO orders VALUES ($1)", [b"1"])
    pgconn.flush()

    def ready() -> bool:
        pgconn.consume_input()
        return not pgconn.is_busy()

    soon = eventually(ready, 0.5)
    pgconn.finish()
    return soon


def test_what_speaks_something_else_and_what_no_proxy_of_ours_carries_is_refused(shop: Shop) -> None:
    postgres = shop.target.service("postgres")
    other = replace(shop.target, services={"postgres": replace(postgres, dsn="redis://127.0.0.1")})
    with pytest.raises(Refused, match="needs PostgreSQL"):
        LoseStatements("postgres", "insert").plan(other)
    with pytest.raises(ValueError, match="operation must be one of"):
        LoseStatements("postgres", "save")

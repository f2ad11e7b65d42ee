"""A trader's tables as PostgreSQL has them: what is tried is found where it is so, and no question is an error."""

from collections.abc import Iterator

import psycopg
import pytest

from blackstart.base.console import Console
from blackstart.commands.starting.draft import Draft, Sourced
from blackstart.commands.starting.parts import with_tried_facts
from blackstart.model.target import Service, Target
from blackstart.probes.read import read_once
from blackstart.suites.trader._leadership import reports
from blackstart.suites.trader._schema import TRIED
from tests.postgres import postgres_server

USUAL = "CREATE TABLE orders (client_order_id text, order_id bigserial, {more})"
OTHERS = ("CREATE TABLE orders (reference text, number bigint)",
          "CREATE TABLE orders (client_order_id text, order_id text)",
          "CREATE TABLE trades (client_order_id text, order_id bigint)")  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres_server(tmp_path_factory.mktemp("state"), "trader") as port:
        yield f"postgresql://trader@127.0.0.1:{port}/trader"


@pytest.fixture
def database(server: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        yield connection


def facts(server: str) -> dict[str, object]:
    services = {"postgres": {"dsn": Sourced(server)}}
    top = {"name": Sourced("trader"), "kind": Sourced("trader"), "api": Sourced("http://127.0.0.1:1")}
    made = with_tried_facts(Draft(top, services), Console(noninteractive=True))
    return {name: told.value for name, told in made.tables.get("facts", {}).items()}


def test_a_table_that_is_called_as_usual_is_found(
    server: str, database: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    database.execute(USUAL.format(more="price numeric"))
    assert facts(server) == TRIED
    database.execute("INSERT INTO orders (client_order_id) VALUES ('a')")
    assert facts(server) == TRIED


@pytest.mark.parametrize("table", OTHERS)
def test_another_one_is_not_taken_for_it(
    server: str, database: "psycopg.Connection[tuple[object, ...]]", table: str
) -> None:
    database.execute(table)
    assert facts(server) == {}


def test_a_database_that_can_not_be_asked_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    services = {"postgres": {"address": Sourced("127.0.0.1:1"), "control": Sourced({"manual": "it"})}}
    top = {"name": Sourced("trader"), "kind": Sourced("trader"), "api": Sourced("http://127.0.0.1:1")}
    draft = Draft(top, services)
    assert with_tried_facts(draft, Console(noninteractive=True)) == draft
    assert capsys.readouterr().out == ""


def tokens(server: str) -> dict[str, object]:
    target = Target("trader", services={"postgres": Service("postgres", dsn=server)})
    asked = [probe.bind(target) for probe in reports(target, ())]
    return {reading.probe: reading.value for reading in (read_once(probe, 10) for probe in asked)}


def test_tokens_are_read_of_the_orders_that_have_them(
    server: str, database: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    database.execute(USUAL.format(more="token bigint"))
    database.execute("INSERT INTO orders (token) VALUES (1), (1), (2), (1), (3)")
    assert tokens(server) == {"stale_tokens": "1", "order_tokens": "1 2 3"}


def test_a_table_without_tokens_has_none_and_is_not_asked_in_error(
    server: str, database: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    database.execute(USUAL.format(more="price numeric"))
    database.execute("INSERT INTO orders (client_order_id) VALUES ('a')")
    assert tokens(server) == {"stale_tokens": "", "order_tokens": ""}

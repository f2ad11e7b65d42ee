"""What the flash sale's drills read of its tables, of a real PostgreSQL while orders are written."""

import threading

import psycopg
import pytest

from blackstart.model.target import Service, Target
from blackstart.probes.read import read_once
from blackstart.suites.flash_sale.readings import database_total
from blackstart_lab.flash_sale.ledger import SCHEMA
from tests.postgres import postgres_server

STOCK, ORDERS = 1000, 500


def test_stock_and_orders_in_one_look_are_what_there_was_whoever_writes_and_tell_of_a_unit_that_is_gone(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with postgres_server(tmp_path_factory.mktemp("state"), "sale") as port:
        dsn = f"postgresql://sale@127.0.0.1:{port}/sale"
        target = Target("sale", services={"postgres": Service("postgres", dsn=dsn)})
        total = database_total("o-", "it's", "total").bind(target)
        with psycopg.connect(dsn, autocommit=True) as database:
            database.execute(SCHEMA)
            database.execute("SELECT open_sale('it''s', %s, 's')", [STOCK])

            def write() -> None:
                for n in range(ORDERS):
                    row = [f"{n}", f"o-{n}"]
                    database.execute("SELECT persist_order(%s, 'it''s', %s, now(), 's')", row)

            writer = threading.Thread(target=write)
            writer.start()
            seen = [read_once(total, 10.0)]
            while writer.is_alive():
                seen.append(read_once(total, 10.0))
            writer.join()
            seen.append(read_once(total, 10.0))
            assert {one.value for one in seen} == {STOCK}
            left = database.execute("SELECT stock FROM products").fetchone()
            assert left == (STOCK - ORDERS,)
            database.execute("UPDATE products SET stock = stock - 3")
            assert read_once(total, 10.0).value == STOCK - 3

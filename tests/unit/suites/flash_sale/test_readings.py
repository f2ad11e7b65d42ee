"""What the flash sale's drills read of an application that shows more, or less, than the lab."""

import json
import os
import sys
from pathlib import Path

import duckdb
import psutil

from blackstart.base.codec import from_data, to_data
from blackstart.model.target import Service, Target
from blackstart.probes.metrics import Metric
from blackstart.probes.read import read_once
from blackstart.suites.flash_sale.readings import OneLife, old_orders


def test_a_service_with_metrics_tells_when_it_began() -> None:
    told = Target("t", services={"api-1": Service("api-1", url="http://127.0.0.1:1")})
    bound = OneLife("api-1").bind(told)
    assert isinstance(bound, Metric) and bound.series == "process_start_time_seconds"
    assert bound.name == OneLife("api-1").name == "api_1_process_start"


def test_a_worker_without_an_http_side_is_known_by_its_process(tmp_path: Path) -> None:
    pidfile = tmp_path / "worker.pid"
    pidfile.write_text(str(os.getpid()))
    control = {"pidfile": str(pidfile), "start": [sys.executable]}
    probe = OneLife("worker")
    assert from_data(json.loads(json.dumps(to_data(probe)))) == probe
    bound = probe.bind(Target("t", services={"worker": Service("worker", control=control)}))
    reading = read_once(bound, 5.0)
    assert reading.kind == "value" and str(reading.value).startswith(f"{os.getpid()}:")
    pidfile.write_text(str(psutil.Process().ppid()))
    assert read_once(bound, 5.0).value != reading.value


def test_orders_that_waited_in_the_queue_when_the_table_was_cleared_are_seen_once_one_of_ours_is_there() -> None:
    """DuckDB's SQL, of which the query takes what it has in common with PostgreSQL's."""
    table = duckdb.connect()
    table.execute("CREATE TABLE orders (product_id text, user_id text)")
    probe = old_orders("ours-", "ample", "few")

    def read() -> list[tuple[int, ...]]:
        return table.execute(probe.query).fetchall()

    assert read() == []  # what waits may still come
    table.execute("INSERT INTO orders VALUES ('ample', 'theirs-1'), ('few', 'theirs-2'), ('other', 'theirs-3')")
    assert read() == []
    table.execute("INSERT INTO orders VALUES ('ample', 'ours-1')")
    assert read() == [(2,)]
    table.execute("DELETE FROM orders WHERE user_id LIKE 'theirs%'")
    assert read() == [(0,)]

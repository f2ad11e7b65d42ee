"""What was acknowledged and is not recorded yet is told from a real history and a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import psycopg

from blackstart.base.codec import from_data, to_data
from blackstart.dsl.behavior import record
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.model.target import Service, Target
from blackstart.probes.unrecorded import Unrecorded
from tests.postgres import postgres_server
from tests.unit.verdict.checks.rows import row


def test_an_acknowledged_key_is_missed_until_it_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    with postgres_server(tmp_path / "state", "shop") as port:
        dsn = f"postgresql://shop@127.0.0.1:{port}/shop"
        routes = {"records": {"sessions": "select key, id from sessions where key like {prefix}"}}
        target = Target("shop", services={"postgres": Service("postgres", dsn=dsn)}, routes=routes)
        listed, *_ = record(target, "sessions", "k-")
        bare = Unrecorded(listed.query, "order").bind(target)
        probe = from_data(to_data(bare.at_history(path)))
        reader = probe.endpoint().open()
        with psycopg.connect(dsn, autocommit=True) as db, HistoryWriter(path) as writer:
            db.execute("create table sessions (key text, id int)")
            try:
                for rows, recorded, missing in (
                    ((), "k-0", 0),
                    ((row("k-1"), row("k-1", attempt=2), row("k-2", "info"), row("k-3", "fail")), "k-2", 1),
                    ((row("k-4"), row("way-1", op="way")), "k-1", 1),
                    ((), "k-4", 0),
                ):
                    for one in rows:
                        writer.append(one)
                    db.execute("insert into sessions values (%s, 1)", (recorded,))
                    assert probe.pick(reader.read(5.0)) == ("value", missing, ""), recorded
            finally:
                reader.close()
    assert reader.read(2.0).kind == "unreachable"
    reader.close()
    assert bare.endpoint().open().read(2.0).kind == "unreadable"  # where the history is nobody has said

"""Probes against the lab's real Redis, PostgreSQL and trader."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from blackstart.model.reading import Probe, Reading
from blackstart.model.target import Service, Target
from blackstart.probes.http import HttpJson
from blackstart.probes.postgres_ping import PostgresPing
from blackstart.probes.read import read_once
from blackstart.probes.redis_ping import RedisPing
from blackstart.probes.redis_value import RedisCommand
from blackstart.probes.sql import SqlRows, SqlScalar
from blackstart.safety.preflight.link_proofs import ServedByControl
from blackstart.suites.trader import readings as trader
from blackstart.suites.trader.link import postgres_links, redis_links
from tests.contract.probe_servers import Stopwatch, frozen, listener, trader_lab
from tests.requirements import require
from tests.services import free_port


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with trader_lab(tmp_path_factory.mktemp("state")) as target:
        yield target


def look(probe: Probe, target: Target, timeout_s: float = 2.0) -> Reading:
    return read_once(probe.bind(target), timeout_s)


def wait_for(probe: Probe, target: Target, value: object, within_s: float = 10.0) -> None:
    limit = time.monotonic() + within_s
    while (reading := look(probe, target)).value != value:
        assert time.monotonic() < limit, reading
        time.sleep(0.05)


def dead_service(target: Target, name: str) -> Target:
    """The target, with a service where nothing listens."""
    service = target.services[name]
    dsn = service.dsn.replace(service.address, "127.0.0.1:9")
    return replace(target, services={**target.services, name: Service(name, address="127.0.0.1:9", dsn=dsn)})


def by_dsn(target: Target, dsn: str) -> Target:
    service = replace(target.services["postgres"], dsn=dsn)
    return replace(target, services={**target.services, "postgres": service})


def test_a_database_with_several_hosts_is_asked_at_the_one_that_answers(lab: Target) -> None:
    require("ptrace")
    postgres, redis = lab.service("postgres").address, lab.service("redis").address
    dead = f"127.0.0.1:{free_port()}"
    where = {"one dead in front": f"{dead},{postgres}", "one dead behind": f"{postgres},{dead}"}
    for hosts in where.values():
        target = by_dsn(lab, lab.service("postgres").dsn.replace(postgres, hosts) + "?target_session_attrs=read-write")
        assert look(SqlScalar("select 7"), target).value == 7
        assert ServedByControl("postgres").bind(target).missing() == ""
    beside = by_dsn(lab, lab.service("postgres").dsn.replace(postgres, f"{postgres},{redis}"))
    assert "is served by process" in ServedByControl("postgres").bind(beside).missing()


def test_a_database_is_asked_in_libpqs_words_and_past_what_the_shell_says(
    lab: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = lab.service("postgres").address.split(":")
    user = lab.service("postgres").dsn.partition("://")[2].partition("@")[0]
    words = by_dsn(lab, f"host={host} port={port} user={user} dbname={user}")
    assert look(SqlScalar("select 7"), words).value == 7
    monkeypatch.setenv("PGPORT", port)
    assert look(SqlScalar("select 7"), by_dsn(lab, f"postgresql+asyncpg://{user}@{host}/{user}")).value == 7


def test_every_reading_of_the_trader_is_seen(lab: Target) -> None:
    wait_for(trader.ready(), lab, 200)
    wait_for(trader.paused(), lab, False)
    expected = {
        trader.health(): "healthy",
        trader.mode(): "PAPER",
        trader.leader(): 1.0,
        trader.leaders(): 1.0,
    }
    assert {probe.name: look(probe, lab).value for probe in expected} == {p.name: v for p, v in expected.items()}
    for heartbeat in trader.heartbeats():
        value = look(heartbeat, lab).value
        assert isinstance(value, float)
        assert 0 <= value < 5
    wait_for(trader.leader("api"), lab, 1.0)
    wait_for(trader.ready("api"), lab, 200)
    assert look(trader.scan_ticks(), lab).kind == "value"


def test_queue_depth_is_absent_until_the_queue_is_used(lab: Target) -> None:
    assert look(trader.throttle_depth(), lab).kind == "absent"


def test_lock_key_holds_the_instance_id_that_the_metrics_show(lab: Target) -> None:
    wait_for(trader.leader(), lab, 1.0)
    assert look(RedisCommand(("GET", "trader:leader")), lab).value == look(trader.instance_id(), lab).value


def test_redis_values_are_read_and_missing_ones_are_absent(lab: Target) -> None:
    assert look(RedisCommand(("GET", "no-such-key")), lab).kind == "absent"
    assert look(RedisCommand(("EXISTS", "no-such-key")), lab).value == 0
    assert look(RedisCommand(("INFO",), field="process_id"), lab).value == listener(lab.services["redis"].address).pid
    assert look(RedisCommand(("INFO",), field="no_such_field"), lab).kind == "absent"
    clients = look(RedisCommand(("CLIENT", "LIST"), count=True), lab).value
    assert isinstance(clients, int)
    assert clients >= 2
    assert look(RedisCommand(("LLEN", "trader:leader")), lab).kind == "unreadable"


def test_sql_values_are_read_with_their_types(lab: Target) -> None:
    queries = {
        "select 7": 7,
        "select 1.5::float8": 1.5,
        "select 2.50::numeric": 2.5,
        "select 12345678901234567890::numeric": 12345678901234567890,
        "select true;": True,
        "select 'ü'": "ü",
        "select count(*) from orders where false": 0,
    }
    assert {query: look(SqlScalar(query), lab).value for query in queries} == queries


def test_sql_without_a_row_or_value_is_absent_and_with_several_unreadable(lab: Target) -> None:
    assert look(SqlScalar("select 1 where false"), lab).kind == "absent"
    assert look(SqlScalar("select null"), lab).kind == "absent"
    assert look(SqlScalar("select generate_series(1, 2)"), lab).kind == "unreadable"
    assert look(SqlScalar("select 1, 2"), lab).kind == "unreadable"
    copied = look(SqlScalar("copy (select 1) to stdout"), lab)
    assert (copied.kind, copied.note) == ("unreadable", "COPY gives no rows: write a query that does")
    assert look(SqlScalar("select " + "9" * 5000 + "::numeric"), lab).value == float("inf")


def test_rows_are_a_list_of_objects(lab: Target) -> None:
    reading = look(SqlRows("select n, 'x' as t from generate_series(1, 5000) n"), lab, 10)
    rows = json.loads(str(reading.value))
    assert len(rows) == 5000
    assert rows[4999] == {"n": 5000, "t": "x"}
    assert look(SqlRows("select 1 as a where false"), lab).value == "[]"


def test_probe_can_not_change_what_it_looks_at(lab: Target) -> None:
    reading = look(SqlScalar("delete from orders returning 1"), lab)
    assert reading.kind == "unreadable"
    assert "read-only" in reading.note


def test_wrong_query_and_unknown_user_are_unreadable_and_never_an_outage(lab: Target) -> None:
    assert look(SqlScalar("select * from no_such_table"), lab).kind == "unreadable"
    assert look(SqlScalar("select no_such_column from orders"), lab).kind == "unreadable"
    assert look(SqlScalar("select 1/0"), lab).kind == "unreadable"
    dsn = lab.services["postgres"].dsn.replace("trader@", "nobody:geheim@")
    reading = read_once(SqlScalar("select 1", dsn=dsn), 2.0)
    assert reading.kind == "unreadable"
    assert "geheim" not in reading.note


def test_query_that_takes_too_long_is_timed_out_within_the_limit(lab: Target) -> None:
    with Stopwatch() as watch:
        assert look(SqlScalar("select pg_sleep(5)"), lab, 0.5).kind == "timed_out"
    assert watch.seconds < 3


def test_result_larger_than_the_limit_is_unreadable(lab: Target) -> None:
    reading = look(SqlRows("select repeat('x', 100000) from generate_series(1, 1000)"), lab, 20)
    assert reading.kind == "unreadable"
    assert "larger than" in reading.note


def test_frozen_postgres_is_timed_out_within_the_limit_and_answers_again(lab: Target) -> None:
    require("ptrace")
    kept = SqlScalar("select 1").bind(lab).endpoint().open()
    assert kept.read(2).kind == "answer"
    with frozen(listener(lab.services["postgres"].address)):
        with Stopwatch() as watch:
            assert look(SqlScalar("select 2"), lab, 0.4).kind == "timed_out"
            assert kept.read(0.4).kind == "timed_out"
            assert look(PostgresPing(), lab, 0.4).kind == "timed_out"
        assert watch.seconds < 5
    assert kept.read(5).kind == "answer"
    kept.close()
    wait_for(PostgresPing(), lab, "accepting")


def test_frozen_redis_is_timed_out_within_the_limit_and_answers_again(lab: Target) -> None:
    kept = RedisCommand(("INFO",), field="process_id").bind(lab).endpoint().open()
    assert kept.read(2).kind == "answer"
    with frozen(listener(lab.services["redis"].address)):
        with Stopwatch() as watch:
            assert look(RedisPing(), lab, 0.4).kind == "timed_out"
            assert look(RedisCommand(("GET", "x")), lab, 0.4).kind == "timed_out"
            assert kept.read(0.4).kind == "timed_out"
        assert watch.seconds < 5
    assert kept.read(5).kind == "answer"
    kept.close()
    wait_for(RedisPing(), lab, "PONG")


def test_server_that_is_not_there_is_unreachable(lab: Target) -> None:
    for name, probes in {
        "redis": (RedisPing(), RedisCommand(("GET", "x"))),
        "postgres": (PostgresPing(), SqlScalar("select 1")),
    }.items():
        for probe in probes:
            assert look(probe, dead_service(lab, name)).kind == "unreachable"


def test_kept_connection_that_the_server_ended_is_opened_again(lab: Target) -> None:
    require("ptrace")
    kept = SqlScalar("select pg_backend_pid()").bind(lab).endpoint().open()
    first = kept.read(2).body[0]["pg_backend_pid"]
    for child in listener(lab.services["postgres"].address).children():
        if child.pid == first:
            child.terminate()
    limit = time.monotonic() + 5
    while (answer := kept.read(2)).kind == "answer" and answer.body[0]["pg_backend_pid"] == first:
        assert time.monotonic() < limit
    assert answer.kind == "answer", answer
    kept.close()


def test_postgres_ping_knows_what_is_no_postgres(lab: Target) -> None:
    address = lab.services["api"].address
    assert read_once(PostgresPing(address=address), 2.0).kind == "malformed"


def test_every_link_of_the_trader_is_proved(lab: Target) -> None:
    wait_for(trader.leader(), lab, 1.0)
    limit = time.monotonic() + 10
    for proof in (*redis_links(lab), *postgres_links(lab)):
        while told := proof.bind(lab).missing():
            assert time.monotonic() < limit, told
            time.sleep(0.1)


def test_server_that_the_control_would_not_touch_is_no_link(lab: Target) -> None:
    require("ptrace")
    redis, postgres = lab.services["redis"], lab.services["postgres"]
    crossed = replace(lab, services={**lab.services, "redis": replace(redis, control=postgres.control)})
    for proof in redis_links(crossed):
        assert "is served by process" in proof.bind(crossed).missing()


def test_redis_of_somebody_else_is_no_link(lab: Target, tmp_path_factory: pytest.TempPathFactory) -> None:
    with trader_lab(tmp_path_factory.mktemp("other")) as other:
        crossed = replace(lab, services={**lab.services, **{n: other.services[n] for n in ("redis", "postgres")}})
        for proof in (*redis_links(crossed), *postgres_links(crossed)):
            assert proof.bind(crossed).missing()


def test_fields_of_an_older_builds_refusal_are_read_out_of_its_text(tmp_path_factory: pytest.TempPathFactory) -> None:
    with trader_lab(tmp_path_factory.mktemp("older"), "--older-build") as target:
        wait_for(trader.ready(), target, 200)
        with frozen(listener(target.services["redis"].address)):
            wait_for(trader.ready(), target, 503)
            assert "503" in str(look(HttpJson("/ready", "detail"), target).value)
            assert look(HttpJson("/ready", "leader", repr_in="detail"), target).value == 0
            assert look(trader.health(), target).value == "healthy"

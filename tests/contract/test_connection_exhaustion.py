"""Connections that are held, on a real PostgreSQL: who is refused, who is not, and what ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused
from blackstart.faults.connection_exhaustion import ConnectionExhaustion
from blackstart.model.change import Change
from blackstart.model.target import Service, Target
from blackstart.safety.heal.restore import is_gone, restore, stays_gone
from blackstart.safety.preflight.rehearsal import rehearse
from tests.environment import ROOT
from tests.postgres import postgres_server
from tests.processes import running
from tests.services import by_shell, carry_out, eventually, so

MOST = 20
EVERY_ONE = MOST - 3  # what superuser_reserved_connections is by default
EVERY = (ConnectionExhaustion("postgres"), ConnectionExhaustion("postgres", 5))
HOLDER = "blackstart.faults._connection_holder"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with postgres_server(tmp_path_factory.mktemp("held"), "held", "-c", f"max_connections={MOST}") as port:
        with psycopg.connect(f"postgresql://held@127.0.0.1:{port}/held", autocommit=True) as connection:
            connection.execute("CREATE ROLE app LOGIN PASSWORD 's3cret-of-app'")
        yield port


@pytest.fixture(autouse=True)
def nothing_held(port: int) -> Iterator[None]:
    yield
    # A session ends a moment after its client, and those of the last test would be in the way of the next.
    assert eventually(lambda: not running(HOLDER) and sessions(port) == 0)


def target(port: int, user: str = "app:s3cret-of-app") -> Target:
    dsn = f"postgresql://{user}@127.0.0.1:{port}/held"
    return Target("shop", services={"postgres": Service("postgres", dsn=dsn)})


def planned(fault: ConnectionExhaustion, port: int) -> Change:
    """The fault's change, as the guardian reads it from the ledger."""
    (change,) = fault.plan(target(port))
    again = from_data(json.loads(json.dumps(to_data(change))))
    assert isinstance(again, Change) and again == change
    return again


def sessions(port: int) -> int:
    """Those of ours, as a superuser sees them: there is always a connection left for one."""
    with psycopg.connect(f"postgresql://held@127.0.0.1:{port}/held") as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'blackstart:shop/postgres'"
        (count,) = connection.execute(query).fetchone() or (0,)
        return int(count)


def lets_in(port: int) -> bool:
    try:
        psycopg.connect(f"postgresql://app@127.0.0.1:{port}/held").close()
    except psycopg.OperationalError as error:
        assert "slots" in str(error) or "too many" in str(error)
        return False
    return True


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: fault.describe())
def test_it_bites_and_its_undo_with_plain_shell_lets_go_of_all(fault: ConnectionExhaustion, port: int) -> None:
    change = planned(fault, port)
    rehearse([change])
    assert lets_in(port) and sessions(port) == 0
    carry_out(change.do)
    assert eventually(lambda: so(change.bites)), [str(one) for one in change.bites]
    # It bites as soon as one login is refused, and may be for a look of ours that is over by now.
    assert eventually(lambda: sessions(port) == (fault.connections or EVERY_ONE))
    assert not so(change.gone)
    assert lets_in(port) is (fault.connections is not None)
    by_shell(change.undo)
    by_shell(change.undo)
    assert eventually(lambda: is_gone(change))
    assert stays_gone(change, 1.0)
    assert lets_in(port) and eventually(lambda: sessions(port) == 0)


def test_whoever_is_connected_stays_so_and_what_is_let_go_is_taken(port: int) -> None:
    change = planned(EVERY[0], port)
    with psycopg.connect(f"postgresql://app@127.0.0.1:{port}/held", autocommit=True) as kept:
        carry_out(change.do)
        assert eventually(lambda: so(change.bites))
        assert eventually(lambda: sessions(port) == EVERY_ONE - 1)
        assert kept.execute("SELECT 1").fetchone() == (1,)
    assert eventually(lambda: sessions(port) == EVERY_ONE)
    assert not lets_in(port)
    assert restore(change, print, 20)


def test_who_is_connected_as_the_same_user_is_evicted_and_does_not_come_back(port: int) -> None:
    change = planned(ConnectionExhaustion("postgres", evict=True), port)
    with psycopg.connect(f"postgresql://app@127.0.0.1:{port}/held", autocommit=True) as own:
        carry_out(change.do)
        assert eventually(lambda: so(change.bites))
        assert eventually(lambda: ended(own) and sessions(port) == EVERY_ONE) and not lets_in(port)
        with psycopg.connect(f"postgresql://held@127.0.0.1:{port}/held") as other:
            assert not ended(other)  # a superuser's
    # It is proved by a login of ours, whose session may be a moment longer in the one place that is free so far.
    assert restore(change, print, 20) and eventually(lambda: lets_in(port))


def ended(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def test_it_ends_with_the_run_that_was_killed_and_nobody_has_to_undo_it(port: int) -> None:
    code = (
        "import sys, time\n"
        "from tests.contract.test_connection_exhaustion import EVERY, carry_out, planned\n"
        f"carry_out(planned(EVERY[0], {port}).do)\nprint('done', flush=True)\ntime.sleep(60)"
    )
    env = {**os.environ, "PYTHONPATH": f"{ROOT}/lib:{ROOT}"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env) as runner:
        assert runner.stdout is not None and runner.stdout.readline() == "done\n"
        assert eventually(lambda: not lets_in(port)) and running(HOLDER)
        os.kill(runner.pid, signal.SIGKILL)
    assert eventually(lambda: not running(HOLDER)) and eventually(lambda: lets_in(port))


def test_the_server_would_end_what_is_held_and_no_password_is_seen_among_words(port: int) -> None:
    change = planned(EVERY[1], port)
    carry_out(change.do)
    try:
        assert eventually(lambda: so(change.bites))
        with psycopg.connect(f"postgresql://held@127.0.0.1:{port}/held", autocommit=True) as connection:
            query = (
                "SELECT query, count(*) FROM pg_stat_activity WHERE application_name = 'blackstart:shop/postgres' "
                "GROUP BY query"
            )
            # It bites as soon as the last one is connected, which says nothing to the server before that.
            held = [("SET idle_session_timeout = 600000", 5)]
            assert eventually(lambda: connection.execute(query).fetchall() == held)
        (words,) = running(HOLDER).values()
        assert "s3cret-of-app" not in " ".join(words) + json.dumps(to_data(change.undo))
    finally:
        assert restore(change, print, 20)


def test_a_superuser_is_never_refused_and_more_than_there_are_can_not_be_held(port: int) -> None:
    with pytest.raises(Refused, match="that of a superuser"):
        EVERY[0].plan(target(port, "held"))
    with pytest.raises(Refused, match="can't be held and still be seen"):
        ConnectionExhaustion("postgres", MOST).plan(target(port))
    for what, whose in (("ROLE app", "role"), ("DATABASE held", "database")):
        told = rf"has \d connections to give now \(of 5 for its {whose}, \d of them in use\)"
        limit = f"ALTER {what} CONNECTION LIMIT "
        with psycopg.connect(f"postgresql://held@127.0.0.1:{port}/template1", autocommit=True) as connection:
            connection.execute(limit + "5")
            try:
                with pytest.raises(Refused, match=told):
                    ConnectionExhaustion("postgres", 5).plan(target(port))
                assert planned(ConnectionExhaustion("postgres"), port).what == "hold all 5 connections of postgres"
            finally:
                connection.execute(limit + "-1")
    everything = planned(ConnectionExhaustion("postgres", evict=True), port).what
    assert everything == f"hold all {MOST - 3} connections of postgres, and end those of its user"
    (change,) = ConnectionExhaustion("postgres", 5).plan(target(port, "held"))
    assert change.undo_is_noop

"""What stores can do to themselves, on a real Redis and a real PostgreSQL: it bites, and nothing of it is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import redis

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused, StepFailed
from blackstart.faults.client_pause import ClientPause
from blackstart.faults.expire_key import ExpireKey
from blackstart.faults.lock_table import LockTable
from blackstart.faults.max_memory import MaxMemory
from blackstart.faults.read_only import ReadOnly
from blackstart.model.change import Change, Fault
from blackstart.model.step import Command
from blackstart.model.target import Service, Target
from blackstart.safety.heal.restore import is_gone, restore, stays_gone
from blackstart.safety.preflight.rehearsal import rehearse
from tests.contract.fault_proxies import redis_server
from tests.environment import ROOT
from tests.postgres import postgres_server
from tests.processes import running
from tests.requirements import require
from tests.services import by_shell, carry_out, eventually, so

FAULTS: dict[str, Fault] = {
    "paused writes": ClientPause("redis", 60),
    "paused clients": ClientPause("redis", 15, "all"),
    "full memory": MaxMemory("redis"),
    "expired key": ExpireKey("session:{7} 'a'"),
    "read-only": ReadOnly("postgres"),
    "locked table": LockTable('"shop orders"'),
}
SLOW = ("paused clients",)
EVERY = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in FAULTS]
)
HOLDER = "blackstart.faults._lock_holder"


class Stores:
    """A Redis and a PostgreSQL with something in them."""

    def __init__(self, redis_port: int, postgres_port: int) -> None:
        self.redis_dsn = f"redis://127.0.0.1:{redis_port}/1"
        self.postgres_dsn = f"postgresql://shop@127.0.0.1:{postgres_port}/shop"
        self.redis: redis.Redis = redis.Redis.from_url(self.redis_dsn, decode_responses=True, socket_timeout=1.0)

    def fresh(self) -> None:
        """As before the test."""
        self.redis.flushall()
        self.redis.config_set("maxmemory", "50mb")
        self.redis.config_set("maxmemory-policy", "allkeys-lru")
        self.redis.set("session:{7} 'a'", "logged in", ex=1000)
        self.sql('DROP TABLE IF EXISTS "shop orders"; CREATE TABLE "shop orders" (id int)')
        assert eventually(lambda: self.settings()["sessions"] == (0,))

    def target(self) -> Target:
        services = {
            "redis": Service("redis", dsn=self.redis_dsn),
            "postgres": Service("postgres", dsn=self.postgres_dsn),
        }
        return Target("shop", services=services)

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.postgres_dsn, autocommit=True) as connection:
            connection.execute("SET lock_timeout = '500ms'")
            connection.execute(statement.encode())

    def planned(self, name: str) -> Change:
        """The fault's change, as the guardian reads it from the ledger."""
        (change,) = FAULTS[name].plan(self.target())
        again = from_data(json.loads(json.dumps(to_data(change))))
        assert isinstance(again, Change) and again == change
        return again

    def works(self, name: str) -> bool:
        """What a client of it would want."""
        wants: dict[str, Callable[[], Any]] = {
            "paused writes": lambda: self.redis.set("a", "1"),
            "paused clients": self.redis.ping,
            "full memory": lambda: self.redis.set("a", "1"),
            "expired key": lambda: self.redis.get("session:{7} 'a'"),
            "read-only": lambda: self.sql('INSERT INTO "shop orders" VALUES (1)'),
            "locked table": lambda: self.sql('SELECT 1 FROM "shop orders"'),
        }
        try:
            return wants[name]() is not None or name in ("read-only", "locked table")
        except redis.TimeoutError:
            assert name.startswith("paused")
        except redis.OutOfMemoryError:
            assert name == "full memory"
        except psycopg.errors.ReadOnlySqlTransaction:
            assert name == "read-only"
        except psycopg.errors.LockNotAvailable:
            assert name == "locked table"
        return False

    def are_set(self, before: dict[str, Any]) -> bool:
        """Whether nothing is left behind. A session ends a moment after its client, and each look of ours has one."""
        return eventually(lambda: self.settings() == before)

    def settings(self) -> dict[str, Any]:
        """All that a fault might leave behind."""
        with psycopg.connect(self.postgres_dsn) as connection:
            files = connection.execute("SELECT name, setting FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf'")
            held = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'blackstart%'")
            found = {"files": files.fetchall(), "sessions": held.fetchone()}
        ttl = int(self.redis.ttl("session:{7} 'a'"))
        return {**found, "redis": self.redis.config_get("maxmemory*"), "timed": 0 < ttl <= 1000,
                "keys": sorted(set(self.redis.scan_iter()) - {"a"})}  # fmt: skip


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with redis_server() as redis_port, postgres_server(tmp_path_factory.mktemp("stores"), "shop") as postgres_port:
        made = Stores(redis_port, postgres_port)
        yield made
        made.redis.close()


@pytest.fixture
def stores(servers: Stores) -> Stores:
    servers.fresh()
    return servers


@contextmanager
def injected(change: Change) -> Iterator[None]:
    carry_out(change.do)
    try:
        assert eventually(lambda: so(change.bites)), [str(one) for one in change.bites]
        yield
    finally:
        assert restore(change, print, 30)


@EVERY
def test_it_bites_and_all_is_as_it_was_after_its_undo_with_plain_shell(stores: Stores, name: str) -> None:
    before, change = stores.settings(), stores.planned(name)
    rehearse([change])
    assert stores.works(name) and stores.are_set(before)
    with injected(change):
        # A pause of every command can't be ended before its time, which may be over by now.
        assert name == "paused clients" or (not is_gone(change) and not stores.works(name))
        by_shell(change.undo)
        by_shell(change.undo)
    assert stays_gone(change, 0.5) and stores.works(name) and stores.are_set(before)


@pytest.mark.parametrize("name", ["full memory", "expired key", "read-only"])
def test_heal_sh_undoes_it_with_the_stores_own_client_where_our_python_is_gone(stores: Stores, name: str) -> None:
    require("redis-cli")
    before, change = stores.settings(), stores.planned(name)
    (step,) = change.undo
    assert isinstance(step, Command) and sys.executable in step.argv
    argv = tuple("/nowhere/python" if word == sys.executable else word for word in step.argv)
    with injected(change):
        by_shell((replace(step, argv=argv),))
        assert eventually(lambda: is_gone(change)) and stores.works(name) and stores.are_set(before)
    secret = {**step.env, "BLACKSTART_DSN": "redis://u:s3cret-here@127.0.0.1:1/0"}
    with pytest.raises(StepFailed, match="by hand") as told:
        carry_out((replace(step, argv=argv, env=secret),))
    assert "s3cret-here" not in str(told.value)


def test_a_lock_ends_with_the_run_that_was_killed_and_nobody_has_to_undo_it(stores: Stores) -> None:
    port = stores.postgres_dsn.rpartition(":")[2].partition("/")[0]
    code = (
        "import time\nfrom tests.contract.test_store_faults import Stores, carry_out\n"
        f"carry_out(Stores(1, {port}).planned('locked table').do)\nprint('done', flush=True)\ntime.sleep(60)"
    )
    env = {**os.environ, "PYTHONPATH": f"{ROOT}/lib:{ROOT}"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env) as runner:
        assert runner.stdout is not None and runner.stdout.readline() == "done\n"
        assert eventually(lambda: not stores.works("locked table")) and running(HOLDER)
        os.kill(runner.pid, signal.SIGKILL)
    assert eventually(lambda: not running(HOLDER)) and eventually(lambda: stores.works("locked table"))


def test_whoever_waits_for_the_lock_is_ended_and_what_he_asked_is_never_done(stores: Stores) -> None:
    change, fault = stores.planned("locked table"), LockTable('"shop orders"')
    with closing(psycopg.connect(stores.postgres_dsn, autocommit=True)) as client, injected(change):
        client.pgconn.send_query(b'INSERT INTO "shop orders" VALUES (4711)')
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with psycopg.connect(stores.postgres_dsn) as other:
            assert eventually(lambda: other.execute(waiting).fetchone() == (1,))
            other.execute("SELECT pg_advisory_lock(1)")  # a session that stands, and waits for nobody
            carry_out((fault.end_waiting(stores.target()),))
            assert eventually(lambda: other.execute(waiting).fetchone() == (0,))
    with psycopg.connect(stores.postgres_dsn) as after:
        assert after.execute('SELECT count(*) FROM "shop orders"').fetchone() == (0,)
    carry_out((fault.end_waiting(stores.target()),))  # of nobody


def test_a_key_that_was_written_anew_stays_and_one_whose_time_ran_out_stays_gone(stores: Stores) -> None:
    key = "session:{7} 'a'"
    change = stores.planned("expired key")
    with injected(change):
        stores.redis.set(key, "anew")
    assert stores.redis.get(key) == "anew" and stores.redis.keys() == [key]
    change = stores.planned("expired key")
    carry_out(change.do)
    assert not stores.redis.exists(key)
    stores.redis.pexpire("blackstart:expired:session:{7} 'a'", 1)  # as if it had had no more time
    assert eventually(lambda: not stores.redis.keys())
    assert restore(change, print, 10) and not stores.redis.keys()


def test_a_memory_limit_that_can_not_be_given_back_leaves_the_policy_that_keeps_the_keys(stores: Stores) -> None:
    """The other way round, the keys would be thrown away."""
    (change,) = MaxMemory("redis").plan(stores.target())
    (step,) = change.undo
    assert isinstance(step, Command)
    broken = replace(step, argv=(*step.argv[:-1], step.argv[-1].replace("maxmemory 5", "maxmemory x5")))
    carry_out(change.do)
    with pytest.raises(StepFailed, match="maxmemory"):
        carry_out((broken,))
    assert stores.redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert restore(change, print, 10) and stores.redis.exists("session:{7} 'a'")


def test_what_can_not_be_taken_back_is_refused_by_real_servers(stores: Stores) -> None:
    stores.sql("DROP ROLE IF EXISTS app; CREATE ROLE app LOGIN")
    app = replace(stores.target().service("postgres"), dsn=stores.postgres_dsn.replace("shop@", "app@"))
    target = Target("shop", services={"postgres": app, "redis": stores.target().service("redis")})
    with pytest.raises(Refused, match="wants a superuser's dsn"):
        ReadOnly("postgres").plan(target)
    with pytest.raises(Refused, match="app may not lock"):
        LockTable('"shop orders"').plan(target)
    with pytest.raises(Refused, match="no table nothing"):
        LockTable("nothing").plan(target)
    with pytest.raises(Refused, match="is PostgreSQL's own"):
        LockTable("pg_class").plan(stores.target())
    with pytest.raises(Refused, match='no key "nothing"'):
        ExpireKey("nothing").plan(target)
    stores.sql("ALTER ROLE app SET default_transaction_read_only = off")
    with pytest.raises(Refused, match="set for a database or a role"):
        ReadOnly("postgres").plan(stores.target())
    stores.sql("DROP ROLE app")
    stores.redis.config_set("maxmemory-clients", "5%")
    try:
        with pytest.raises(Refused, match="would end them"):
            MaxMemory("redis").plan(target)
    finally:
        stores.redis.config_set("maxmemory-clients", "0")

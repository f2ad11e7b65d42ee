"""Faults of PostgreSQL as data: what would be done, and what is refused before anything is touched."""

from __future__ import annotations

import json
import resource
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget, Refused
from blackstart.faults._postgres import PostgresServer
from blackstart.faults.connection_exhaustion import ConnectionExhaustion
from blackstart.faults.lock_table import LockTable
from blackstart.faults.read_only import ReadOnly
from blackstart.model.change import Change, Fault
from blackstart.model.step import Command
from blackstart.model.target import Service, Target

DSN = "postgresql://app:s3cret-of-app@127.0.0.1:5432/shop"
WRITABLE = {"superuser": True, "standby": False, "source": "default", "special": 0, "former": None}
ORDERS = {"name": "public.orders", "kind": "r", "schema": "public", "standby": False, "allowed": True}
CONNECTIONS = {
    "most": 100, "reserved": 3, "reserved_more": 0, "used": 10, "superuser": False,
    "role_most": -1, "role_used": 4, "database_most": -1, "database_used": 9,
}  # fmt: skip


def plan(fault: Fault, monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], dsn: str = DSN) -> Change:
    """The change, where the server says this of itself."""
    monkeypatch.setattr(PostgresServer, "asked", lambda self, query: found)
    (change,) = fault.plan(Target("my shop", services={"postgres": Service("postgres", dsn=dsn)}))
    told = fault.describe().replace(" all ", " all 97 ")
    assert change.what == told and change.service == "postgres" and change.undo_is_noop
    assert from_data(json.loads(json.dumps(to_data((fault, change))))) == (fault, change)
    return change


def proofs(change: Change) -> tuple[list[str], list[str]]:
    return [str(one) for one in change.bites], [str(one) for one in change.gone]


def refused(fault: Fault, monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], **more: Any) -> str:
    with pytest.raises(Refused) as refusal:
        plan(fault, monkeypatch, {**found, **more})
    return str(refusal.value)


# ------------------------------------------------------------ connections


def test_all_are_held_when_a_login_is_refused_and_a_number_when_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    every = plan(ConnectionExhaustion("postgres"), monkeypatch, CONNECTIONS)
    state = "postgres_connection_holder_status is"
    assert proofs(every) == (
        ["postgres_login is full", f"{state} running"],
        ["postgres_login is let in", f"{state} stopped"],
    )
    some = plan(ConnectionExhaustion("postgres", 86), monkeypatch, CONNECTIONS)
    assert proofs(some) == (
        ["postgres_connections_held at least 86", f"{state} running"],
        ["postgres_connections_held is 0", f"{state} stopped"],
    )
    assert "blackstart:my_shop/postgres" in json.dumps(to_data(some.bites))


def test_the_password_is_in_no_word_of_a_process_and_not_in_the_undo(monkeypatch: pytest.MonkeyPatch) -> None:
    change = plan(ConnectionExhaustion("postgres"), monkeypatch, CONNECTIONS)
    for step in (*change.do, *change.undo):
        assert isinstance(step, Command) and "s3cret-of-app" not in " ".join(step.argv)
    assert "s3cret-of-app" not in json.dumps(to_data(change.undo))


def test_connections_that_can_not_be_given_back_or_held_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    every, some = ConnectionExhaustion("postgres"), ConnectionExhaustion("postgres", 87)
    assert "reserves no connection for superusers" in refused(every, monkeypatch, CONNECTIONS, reserved=0)
    assert "is that of a superuser" in refused(every, monkeypatch, CONNECTIONS, superuser=True)
    assert "87 can't be held and still be seen" in refused(some, monkeypatch, CONNECTIONS)
    assert "has 85 connections to give" in refused(some, monkeypatch, CONNECTIONS, reserved_more=2)


def test_a_machine_that_can_not_bear_it_is_spared(monkeypatch: pytest.MonkeyPatch) -> None:
    every = ConnectionExhaustion("postgres")
    memory = SimpleNamespace(available=500_000_000)
    with monkeypatch.context() as patch:
        patch.setattr(psutil, "virtual_memory", lambda: memory)
        assert "500 MB are left" in refused(every, patch, CONNECTIONS)
        there = DSN.replace("127.0.0.1", "db1")
        plan(every, patch, CONNECTIONS, there)  # another machine's memory is not ours to count
    monkeypatch.setattr(resource, "getrlimit", lambda what: (64, 128))
    assert "it may open 128 files" in refused(every, monkeypatch, CONNECTIONS)


@pytest.mark.parametrize("connections", [0, -1, True])
def test_a_number_that_can_not_be_meant_is_refused(connections: int) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        ConnectionExhaustion("postgres", connections)


# ------------------------------------------------------------ read-only


def test_read_only_gives_back_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for former, back in (
        (None, "RESET default_transaction_read_only"),
        ("off", "SET default_transaction_read_only = 'off'"),
    ):
        change = plan(ReadOnly("postgres"), monkeypatch, {**WRITABLE, "former": former})
        (step,) = change.undo
        assert isinstance(step, Command)
        assert step.argv[-1] == f"ALTER SYSTEM {back};\nSELECT pg_reload_conf()"
        assert proofs(change) == (["postgres_read_only is on"], ["postgres_read_only is off"])
        assert "s3cret-of-app" not in " ".join(step.argv)


def test_read_only_is_refused_where_it_would_not_work_or_not_be_ours_to_undo(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = ReadOnly("postgres")
    assert "wants a superuser's dsn" in refused(fault, monkeypatch, WRITABLE, superuser=False)
    assert "is a standby" in refused(fault, monkeypatch, WRITABLE, standby=True)
    assert "set for a database or a role" in refused(fault, monkeypatch, WRITABLE, special=1)
    assert "set by command line" in refused(fault, monkeypatch, WRITABLE, source="command line")


# ------------------------------------------------------------ a lock


def test_a_lock_is_held_by_a_process_and_seen_in_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    change = plan(LockTable("orders"), monkeypatch, ORDERS)
    state = "postgres_lock_holder_status is"
    assert proofs(change) == (
        ["postgres_locks_held at least 1", f"{state} running"],
        ["postgres_locks_held is 0", f"{state} stopped"],
    )
    (start,) = change.do
    assert isinstance(start, Command) and '"mode":"ACCESS EXCLUSIVE"' in " ".join(start.argv)
    assert "s3cret-of-app" not in " ".join(start.argv) and "s3cret-of-app" not in json.dumps(to_data(change.undo))
    assert "ExclusiveLock" in json.dumps(
        to_data(plan(LockTable("orders", mode="EXCLUSIVE"), monkeypatch, ORDERS).bites)
    )


def test_what_must_not_or_can_not_be_locked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = LockTable("orders")
    assert "has no table orders that app would find" in refused(fault, monkeypatch, ORDERS, kind=None)
    assert "has no table orders" in refused(fault, monkeypatch, ORDERS, kind="v")
    assert "is PostgreSQL's own" in refused(fault, monkeypatch, ORDERS, schema="pg_catalog")
    assert "is a standby" in refused(fault, monkeypatch, ORDERS, standby=True)
    assert "app may not lock orders" in refused(fault, monkeypatch, ORDERS, allowed=False)
    with pytest.raises(ValueError, match="mode must be one of"):
        LockTable("orders", mode="SHARE")  # type: ignore[arg-type]


# ------------------------------------------------------------ any of them


def test_a_service_without_a_dsn_or_with_several_servers_is_refused() -> None:
    for dsn, why in (("", "has no dsn"), ("postgresql://app@one,two/shop", "names 2 hosts")):
        with pytest.raises(BadTarget, match=why):
            ConnectionExhaustion("postgres").plan(Target("shop", services={"postgres": Service("postgres", dsn=dsn)}))


def test_a_server_that_does_not_answer_is_not_broken() -> None:
    dsn = "postgresql://app@127.0.0.1:1/shop"
    with pytest.raises(Refused, match="only what answers can be broken"):
        ConnectionExhaustion("postgres").plan(Target("shop", services={"postgres": Service("postgres", dsn=dsn)}))

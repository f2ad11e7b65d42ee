"""Faults of Redis as data: what would be said to it, and what is refused before anything is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused
from blackstart.faults._redis import RedisServer
from blackstart.faults.client_pause import ClientPause
from blackstart.faults.expire_key import ExpireKey
from blackstart.faults.max_memory import MaxMemory
from blackstart.model.change import Change, Fault
from blackstart.model.step import Command
from blackstart.model.target import Service, Target

FOUND: dict[str, Any] = {
    "INFO server": {"redis_version": "7.0.15"},
    "INFO replication": {"role": "master"},
    "INFO memory": {"used_memory": 1000},
    "CONFIG GET maxmemory*": ["maxmemory", "5000", "maxmemory-policy", "allkeys-lru", "maxmemory-clients", "0"],
    "EXISTS session": 1,
    "EXISTS blackstart:expired:{session}": 0,
}
EVERY: tuple[Fault, ...] = (ClientPause("redis", 30), MaxMemory("redis"), ExpireKey("session"))


def plan(fault: Fault, monkeypatch: pytest.MonkeyPatch, **found: Any) -> Change:
    """The change, where Redis says this of itself: FOUND, with others for some of its words."""
    said = {**FOUND, **{key.replace("__", " "): value for key, value in found.items()}}
    monkeypatch.setattr(RedisServer, "asked", lambda self, *command: said[" ".join(command)])
    service = Service("redis", dsn="redis://:s3cret-of-redis@127.0.0.1:6379/0")
    (change,) = fault.plan(Target("shop", services={"redis": service}))
    assert change.what == fault.describe() and change.undo_is_noop and change.service == "redis"
    assert from_data(json.loads(json.dumps(to_data((fault, change))))) == (fault, change)
    for step in (*change.do, *change.undo):
        assert isinstance(step, Command) and "s3cret-of-redis" not in " ".join(step.argv)
    return change


def refused(fault: Fault, monkeypatch: pytest.MonkeyPatch, **found: Any) -> str:
    with pytest.raises(Refused) as refusal:
        plan(fault, monkeypatch, **found)
    return str(refusal.value)


def said(change: Change) -> tuple[str, str]:
    """What the do and the undo say."""
    do, undo = change.do[0], change.undo[0]
    assert isinstance(do, Command) and isinstance(undo, Command)
    return do.argv[-1], undo.argv[-1]


def proofs(change: Change) -> tuple[list[str], list[str]]:
    return [str(one) for one in change.bites], [str(one) for one in change.gone]


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: fault.describe())
def test_a_replica_and_an_old_server_are_refused(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is a replica" in refused(fault, monkeypatch, INFO__replication={"role": "slave"})
    assert "from 6.2 on" in refused(fault, monkeypatch, INFO__server={"redis_version": "6.0.16"})


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: fault.describe())
def test_a_server_that_can_not_be_asked_is_refused(fault: Fault) -> None:
    with pytest.raises(Refused, match="can't be asked"):
        fault.plan(Target("shop", services={"redis": Service("redis", dsn="redis://127.0.0.1:1/0")}))


def test_a_pause_ends_by_itself_and_the_undo_of_one_of_all_commands_waits_for_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writes, every = plan(ClientPause("redis", 30), monkeypatch), plan(ClientPause("redis", 20, "all"), monkeypatch)
    assert said(writes) == ("CLIENT PAUSE 30000 WRITE", "CLIENT UNPAUSE")
    assert said(every) == ("CLIENT PAUSE 20000 ALL", "CLIENT UNPAUSE")
    gone = ["redis_answer is PONG", "redis_writes is taken"]
    assert proofs(writes) == (["redis_writes is timed out", "redis_answer is PONG"], gone)
    assert proofs(every) == (["redis_answer is timed out"], gone)
    (undo,) = every.undo
    assert isinstance(undo, Command) and undo.timeout_s > 20 and "25" in undo.argv


@pytest.mark.parametrize("words", [(0,), (4,), (True,), (601,), (26, "all"), (float("nan"),), (30, "reads")])
def test_a_pause_that_can_not_be_meant_is_refused(words: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="must be"):
        ClientPause("redis", *words)


def test_a_memory_limit_and_its_policy_are_given_back_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    change = plan(MaxMemory("redis"), monkeypatch)
    assert said(change) == (
        "CONFIG SET maxmemory-policy noeviction\nCONFIG SET maxmemory 500",
        "CONFIG SET maxmemory 5000\nCONFIG SET maxmemory-policy allkeys-lru",
    )
    assert proofs(change) == (
        ["redis_writes is OOM"],
        ["redis_writes is taken", "redis_maxmemory is 5000", "redis_policy is allkeys-lru"],
    )


def test_a_limit_that_can_not_be_read_back_or_would_end_clients_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "CONFIG GET maxmemory*"
    share = ["maxmemory", "0", "maxmemory-policy", "noeviction", "maxmemory-clients", "5%"]
    assert "does not tell its maxmemory and maxmemory-policy" in refused(MaxMemory("redis"), monkeypatch, **{name: []})
    assert "would end them" in refused(MaxMemory("redis"), monkeypatch, **{name: share})


def test_an_expired_key_is_kept_beside_and_its_value_is_written_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    change = plan(ExpireKey("session"), monkeypatch)
    do, undo = said(change)
    assert do.startswith('EVAL "') and do.endswith('" 2 session blackstart:expired:{session}')
    assert undo.endswith('" 2 session blackstart:expired:{session}')
    assert proofs(change) == (["redis_kept_session is 1"], ["redis_kept_session is 0"])
    assert ExpireKey("cart:{7}").kept == "blackstart:expired:cart:{7}"


def test_a_key_that_is_not_there_or_still_kept_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = ExpireKey("session")
    assert 'has no key "session" now' in refused(fault, monkeypatch, EXISTS__session=0)
    assert "still keeps" in refused(fault, monkeypatch, **{"EXISTS blackstart:expired:{session}": 1})
    strange = ExpireKey("a\nb")
    found = {"EXISTS a\nb": 1, "EXISTS blackstart:expired:{a\nb}": 0}
    assert "can't be printed" in refused(strange, monkeypatch, **found)
    with pytest.raises(ValueError, match="must not be empty"):
        ExpireKey("")

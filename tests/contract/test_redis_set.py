"""Counts in a real Redis are set all together, and only where each still is what was seen."""

from collections.abc import Iterator

import pytest
import redis

from blackstart.base.errors import StepFailed
from blackstart.controls.steps.redis_set import compare_and_set
from tests.contract.fault_proxies import redis_server
from tests.services import free_port


@pytest.fixture(scope="module")
def server() -> Iterator[redis.Redis]:
    with redis_server() as port, redis.Redis(port=port, decode_responses=True) as client:
        yield client


@pytest.fixture
def stock(server: redis.Redis) -> Iterator[tuple[redis.Redis, str]]:
    server.flushall()
    server.mset({"a": "5", "b": "9"})
    server.expire("b", 1000)
    yield server, f"redis://127.0.0.1:{server.connection_pool.connection_kwargs['port']}/0"


def test_what_is_as_it_was_seen_is_set_and_keeps_its_time_to_live(stock: tuple[redis.Redis, str]) -> None:
    client, dsn = stock
    assert compare_and_set(dsn, {"a": "5", "b": "9"}, {"a": "7", "b": "8"}) == ""
    assert (client.get("a"), client.get("b")) == ("7", "8")
    assert client.ttl("a") == -1 and 0 < int(client.ttl("b")) <= 1000


def test_where_one_has_changed_none_is_set(stock: tuple[redis.Redis, str]) -> None:
    client, dsn = stock
    assert compare_and_set(dsn, {"a": "5", "b": "10"}, {"a": "7", "b": "8"}) == "b is 9, not 10"
    assert (client.get("a"), client.get("b")) == ("5", "9")


def test_a_key_that_is_gone_is_not_made_anew(stock: tuple[redis.Redis, str]) -> None:
    client, dsn = stock
    client.delete("a")
    assert compare_and_set(dsn, {"a": "5"}, {"a": "7"}) == "a is None, not 5"
    assert not client.exists("a")


def test_a_unit_that_is_sold_between_the_look_and_the_write_voids_it(
    stock: tuple[redis.Redis, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, dsn = stock
    began = redis.client.Pipeline.multi

    def sold_meanwhile(pipe: redis.client.Pipeline) -> None:
        client.decr("a")
        began(pipe)

    monkeypatch.setattr(redis.client.Pipeline, "multi", sold_meanwhile)
    assert compare_and_set(dsn, {"a": "5"}, {"a": "7"}) == "somebody has just changed a"
    assert client.get("a") == "4"


def test_a_redis_that_is_not_there_is_told() -> None:
    with pytest.raises(StepFailed, match="Redis did not take it"):
        compare_and_set(f"redis://127.0.0.1:{free_port()}/0", {"a": "5"}, {"a": "7"})

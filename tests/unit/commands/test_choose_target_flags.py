"""Flags that make a target: they mean one system, and its containers say themselves where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base.errors import BadFlag
from blackstart.commands.choose_target import beside_trading
from blackstart.model import flags
from blackstart.model.target import Target
from blackstart.probes.postgres_ping import PostgresPing
from blackstart.probes.redis_ping import RedisPing
from blackstart.suites import systems
from tests.unit.choosing import chosen, empty_folder, engine


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return empty_folder(tmp_path, monkeypatch)


# ---------------------------------------------------------------- the flags mean one system


def test_addresses_follow_the_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    target = chosen(api="https://h", redis_url="redis://cache:7000/1", database_url="postgresql://u:p@db/x")
    assert target.service("redis").address == "cache:7000"
    assert target.service("postgres").address == "db:5432"
    assert target.api == "https://h"


def test_a_url_from_the_environment_stays_there_as_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@cache:7000/1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@db/x")
    target = chosen()
    assert target.service("redis").dsn == "env:REDIS_URL"
    assert target.service("postgres").dsn == "env:DATABASE_URL"


def test_a_line_end_behind_a_url_in_the_environment_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@cache:7000/1\n")
    monkeypatch.setenv("DATABASE_URL", "\ufeffpostgresql+asyncpg://u:hunter2@db:7/x\r\n")
    redis, postgres = chosen().service("redis"), chosen().service("postgres")
    assert (redis.dsn, redis.address) == ("env:REDIS_URL", "cache:7000")
    assert (postgres.dsn, postgres.address) == ("env:DATABASE_URL", "db:7")
    assert RedisPing().bind(chosen()).endpoint().open() and PostgresPing().bind(chosen()).user == "u"


def test_a_database_by_its_socket_has_no_address_and_several_hosts_need_a_file() -> None:
    assert chosen(database_url="postgresql:///x?host=/run/postgresql").service("postgres").address == ""
    with pytest.raises(BadFlag, match=r"--database-url: .* names 2 hosts: say which .* address = \"127.0.0.1:1\""):
        chosen(database_url="postgres://u@127.0.0.1:1,127.0.0.1:2/x")


def test_an_option_wins_over_the_environment_for_address_and_dsn_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://production:6379/0")
    monkeypatch.setenv("DATABASE_URL", "postgresql://production/x")
    target = chosen(redis_url="redis://staging:6379/0", database_url="postgresql://staging/x")
    redis, postgres = target.service("redis"), target.service("postgres")
    assert (redis.address, redis.dsn) == ("staging:6379", "redis://staging:6379/0")
    assert (postgres.address, postgres.dsn) == ("staging:5432", "postgresql://staging/x")


def test_a_database_given_only_as_an_option_needs_no_variable() -> None:
    assert chosen(database_url="postgresql://staging/x").service("postgres").dsn == "postgresql://staging/x"


# ---------------------------------------------------------------- containers say themselves where they are


PUBLISHES = '{"6379/tcp": [{"HostIp": "0.0.0.0", "HostPort": "16379"}]}'


def test_a_container_is_reached_where_it_publishes_its_port(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine(here, monkeypatch, "aitrapp-redis running redis aitrapp False", publishes=PUBLISHES)
    target = chosen(redis_container="redis")
    redis = target.service("redis")
    assert (redis.address, redis.dsn) == ("localhost:16379", "redis://localhost:16379/0")
    assert target.why == "the flags redis_container; redis is the container aitrapp-redis, at localhost:16379"


def test_a_container_that_publishes_nothing_has_no_address(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine(here, monkeypatch, "redis running   ")
    redis = chosen(redis_container="redis").service("redis")
    assert (redis.address, redis.dsn) == ("", "")


def test_a_url_says_where_a_server_is_whatever_its_container_publishes(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine(here, monkeypatch, "redis running   ", publishes=PUBLISHES)
    assert chosen(redis_url="redis://localhost:7000").service("redis").address == "localhost:7000"


def test_two_containers_that_fit_are_no_reason_to_do_it_by_hand(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine(here, monkeypatch, "redis running   ", "shop-redis running redis shop False")
    assert chosen().service("redis").control == {"container": "redis"}


def test_a_gateway_gets_no_requests_that_end_trading_unless_a_command_is_named() -> None:
    asked = flags.read({}, {"PAUSE_ON_FAIL": "1"})
    gateway = Target("g", kind="gateway", system=systems.of("gateway"), api="http://127.0.0.1:8080", why="file g.toml")
    target, given = beside_trading(gateway, asked)
    assert not given.pause_on_fail
    assert target.why == "file g.toml; ignored: PAUSE_ON_FAIL (a gateway has no trading to abort)"
    own = flags.read({}, {"PAUSE_ON_FAIL": "1", "ABORT_COMMAND": "true"})
    trader = replace(gateway, system=systems.of("trader"))
    for kept in ((gateway, own), (replace(gateway, abort="true"), asked), (trader, asked)):
        assert beside_trading(*kept) == kept

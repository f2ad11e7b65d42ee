"""Servers asked from inside of their container; the engine here is a script that carries the command out in place."""

import json
from pathlib import Path

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget
from blackstart.model.target import Service, Target
from blackstart.probes.in_container import RedisInContainer, SqlInContainer
from blackstart.probes.read import read_once

ENGINE = """#!/bin/sh
case $1 in
ps) printf 'shop-redis-1\\trunning\\tredis\\tshop\\tFalse\\n' ;;
exec) [ "$2" = shop-redis-1 ] || exit 1; shift 2; PATH=BIN:$PATH exec "$@" ;;
*) exit 1 ;;
esac
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    tools = {
        "engine": ENGINE.replace("BIN", str(tmp_path)),
        "redis-cli": '#!/bin/sh\n[ "$*" = "--raw GET trader:leader" ] && echo "5d0c 9a"\n',
        "psql": '#!/bin/sh\nfor word; do last=$word; done\necho "$last|$4"\n',
    }
    for name, text in tools.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("CONTAINER_ENGINE", str(tmp_path / "engine"))
    redis = Service("redis", control={"compose": "redis", "project": "shop"})
    return Target("t", services={"redis": redis, "api": Service("api", control={"manual": True})})


def test_redis_is_asked_inside_of_exactly_its_container(target: Target) -> None:
    assert read_once(RedisInContainer(("GET", "trader:leader")).bind(target), 5.0).value == "5d0c 9a"


def test_query_is_one_word_whatever_is_in_it(target: Target) -> None:
    query = "select 'a b'; $(touch x) \"q\""
    value = read_once(SqlInContainer(query, "redis").bind(target), 5.0).value
    assert str(value).startswith(query)


def test_command_that_fails_is_malformed_and_silence_is_absent(target: Target, tmp_path: Path) -> None:
    assert read_once(RedisInContainer(("GET", "other")).bind(target), 5.0).kind == "malformed"
    (tmp_path / "redis-cli").write_text("#!/bin/sh\necho\n")
    assert read_once(RedisInContainer(("GET", "other")).bind(target), 5.0).kind == "absent"
    (tmp_path / "redis-cli").write_text("#!/bin/sh\nsleep 5\n")
    assert read_once(RedisInContainer(("GET", "other")).bind(target), 0.3).kind == "timed_out"


def test_service_without_a_container_is_refused(target: Target) -> None:
    with pytest.raises(BadTarget, match=r'service "api": its control \(manual\) has no way to run a command inside'):
        SqlInContainer("select 1", "api").bind(target)


def test_probes_are_plain_and_take_only_reading_commands(target: Target) -> None:
    for probe in (RedisInContainer(("CLIENT", "LIST")).bind(target), SqlInContainer("q", "redis").bind(target)):
        assert from_data(json.loads(json.dumps(to_data(probe)))) == probe
    with pytest.raises(ValueError, match="only reads"):
        RedisInContainer(("FLUSHALL",))


@pytest.mark.parametrize(("printed", "value"), [("0", 0), ("-12", -12), ("1.5", 1.5), ("1e5", "1e5"), ("[]", "[]")])
def test_what_psql_prints_as_a_number_is_one(target: Target, tmp_path: Path, printed: str, value: object) -> None:
    (tmp_path / "psql").write_text(f"#!/bin/sh\necho '{printed}'\n")
    assert read_once(SqlInContainer("select 1", "redis").bind(target), 5.0).value == value

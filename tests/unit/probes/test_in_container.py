"""Servers asked from inside of their container; the engine here is a script that carries the command out in place."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget
from blackstart.model.target import Service, Target
from blackstart.probes.in_container import RedisInContainer, SqlInContainer
from blackstart.probes.read import read_once
from blackstart.probes.redis_ping import RedisPing
from tests.requirements import require
from tests.services import redis_server
from tests.unit.probes.servers import free_port

ENGINE = """#!/bin/sh
case $1 in
ps) printf 'shop-redis-1\\trunning\\tredis\\tshop\\tFalse\\t5d0c9a\\n' ;;
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


def test_command_that_fails_is_unreadable_and_silence_is_absent(target: Target, tmp_path: Path) -> None:
    assert read_once(RedisInContainer(("GET", "other")).bind(target), 5.0).kind == "unreadable"
    (tmp_path / "redis-cli").write_text("#!/bin/sh\necho\n")
    assert read_once(RedisInContainer(("GET", "other")).bind(target), 5.0).kind == "absent"
    (tmp_path / "redis-cli").write_text("#!/bin/sh\nsleep 5\n")
    assert read_once(RedisInContainer(("GET", "other")).bind(target), 0.3).kind == "timed_out"


NOAUTH = "NOAUTH Authentication required."


@pytest.mark.parametrize(
    ("command", "printed", "kind", "value"),
    [
        (("EXISTS", "poison"), f"{NOAUTH}\n\n", "unreadable", None),
        (("GET", "k"), "WRONGTYPE Operation against a key holding the wrong kind of value\n\n", "unreadable", None),
        (("GET", "k"), "LOADING Redis is loading the dataset in memory\n\n", "unreachable", None),
        (("GET", "k"), "MASTERDOWN Link with MASTER is down\n\n", "malformed", None),
        (("INFO", "server"), f"{NOAUTH}\n", "unreadable", None),
        (("CLIENT", "LIST"), f"{NOAUTH}\n", "unreadable", None),
        (("GET", "k"), f"{NOAUTH}\n", "value", NOAUTH),  # somebody keeps such a text under a key
        (("GET", "k"), "BUY 100 AAPL\n", "value", "BUY 100 AAPL"),
        (("LRANGE", "k", "0", "9"), "ERR one\ntwo\n\n", "value", "ERR one\ntwo"),
        (("CLIENT", "LIST"), "id=3 addr=127.0.0.1:5 fd=8\n", "value", "id=3 addr=127.0.0.1:5 fd=8"),
    ],
)
def test_an_error_reply_that_is_printed_is_no_value(
    target: Target, tmp_path: Path, command: tuple[str, ...], printed: str, kind: str, value: object
) -> None:
    (tmp_path / "printed").write_text(printed)
    (tmp_path / "redis-cli").write_text(f"#!/bin/sh\ncat {tmp_path}/printed\n")
    reading = read_once(RedisInContainer(command).bind(target), 5.0)
    assert (reading.kind, reading.value) == (kind, value)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Error response from daemon: container 5d0c is not running", "unreachable"),
        ("Container 5d0c is restarting, wait until the container is running", "unreachable"),
        ("cannot exec in a stopped container", "unreachable"),
        ("can only create exec sessions on running containers: container state improper", "unreachable"),
        ("Could not connect to Redis at 127.0.0.1:6379: Connection refused", "unreachable"),
        ("permission denied while trying to connect to the Docker daemon socket", "unreadable"),
        ('exec: "redis-cli": executable file not found in $PATH', "unreadable"),
        ("ssh: connect to host db.example port 22: Connection refused", "unreadable"),
        ("Cannot connect to Podman: dial unix /run/podman/podman.sock: connect: connection refused", "unreadable"),
        ("error during connect: dial tcp 10.0.0.1:2375: connect: connection refused", "unreadable"),
        ("AUTH failed: WRONGPASS invalid username-password pair", "unreadable"),
        ('ERROR:  42P01: relation "orders" does not exist', "unreadable"),
        ("ERROR:  53100: could not extend file: No space left on device", "malformed"),
        ("FATAL:  57P03: the database system is starting up", "unreachable"),
        ('psql: error: connection to server on socket "/run/x" failed: No such file or directory', "unreachable"),
        ('psql: error: connection to server at "db" failed: FATAL:  password authentication failed', "unreadable"),
        ('ОШИБКА:  42P01: отношение "orders" не существует', "unreadable"),
        ("HINWEIS:  42P07: gibt es schon\nFATAL:  57P01: Verbindung wird abgebrochen", "unreachable"),
        ("psql: FATAL:  the database system is shutting down", "unreachable"),
        ("psql: could not connect to server: Connection refused", "unreachable"),
        ('psql: FATAL:  role "shop" does not exist', "unreadable"),
        ("server closed the connection unexpectedly\nconnection to server was lost", "unreachable"),
    ],
)
def test_what_keeps_a_command_from_asking_is_told_from_a_service_that_is_down(
    target: Target, tmp_path: Path, said: str, kind: str
) -> None:
    (tmp_path / "said").write_text(said)
    (tmp_path / "psql").write_text(f"#!/bin/sh\ncat {tmp_path}/said >&2; exit 1\n")
    assert read_once(SqlInContainer("select 1", "redis").bind(target), 5.0).kind == kind


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[int]:
    """The port of a real Redis that demands a password."""
    port = free_port()
    words = [redis_server(), "--port", str(port), "--save", "", "--dir", str(tmp_path), "--requirepass", "se cret"]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    limit = time.monotonic() + 30
    while read_once(RedisPing(dsn=f"redis://127.0.0.1:{port}"), 2.0).value != "NOAUTH":
        assert time.monotonic() < limit
        time.sleep(0.02)
    yield port
    server.kill()
    server.wait(10)


def test_a_real_redis_cli_without_the_password_has_no_value(target: Target, tmp_path: Path, locked: int) -> None:
    require("redis-cli")
    cli = shutil.which("redis-cli")
    (tmp_path / "redis-cli").write_text(f'#!/bin/sh\nexec {cli} -p {locked} "$@"\n')
    for command in (("EXISTS", "poison"), ("GET", "poison"), ("INFO", "server"), ("CLIENT", "LIST"), ("DBSIZE",)):
        reading = read_once(RedisInContainer(command).bind(target), 5.0)
        assert reading.kind == "unreadable" and "NOAUTH" in reading.note, command


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

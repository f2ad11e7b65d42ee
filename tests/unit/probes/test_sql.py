"""SQL probes: what is picked from rows, and that they are plain data."""

import json

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget
from blackstart.model.reading import Answer
from blackstart.model.target import Service, Target
from blackstart.probes.postgres_ping import PostgresPing
from blackstart.probes.read import read_once
from blackstart.probes.sql import SqlRows, SqlScalar
from tests.unit.probes.servers import serving


def target(dsn: str) -> Target:
    return Target("t", services={"postgres": Service("postgres", address="127.0.0.1:5432", dsn=dsn)})


def test_one_row_of_one_column_is_the_value() -> None:
    assert SqlScalar("q").pick(Answer("answer", [{"n": 3}])) == ("value", 3, "")


def test_no_row_and_null_are_absent_and_more_is_unreadable() -> None:
    assert SqlScalar("q").pick(Answer("answer", []))[0] == "absent"
    assert SqlScalar("q").pick(Answer("answer", [{"n": None}]))[0] == "absent"
    assert SqlScalar("q").pick(Answer("answer", [{"n": 1}, {"n": 2}]))[0] == "unreadable"
    assert SqlScalar("q").pick(Answer("answer", [{"n": 1, "m": 2}]))[0] == "unreadable"


def test_rows_are_json_text() -> None:
    assert SqlRows("q").pick(Answer("answer", [{"a": "ü", "b": None}])) == ("value", '[{"a":"ü","b":null}]', "")


def test_dsn_stays_a_reference_and_the_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DSN", "postgresql://me:hunter22@127.0.0.1/x")
    bound = SqlScalar("select 1").bind(target("env:TEST_DSN"))
    data = json.dumps(to_data(bound))
    assert "hunter22" not in data
    assert from_data(json.loads(data)) == bound
    assert "hunter22" not in SqlScalar("q", dsn="postgresql://me:hunter22@h/x").endpoint().describe()
    assert PostgresPing().bind(target("env:TEST_DSN")).user == "me"


@pytest.mark.parametrize("dsn", ["", "env:NOT_SET_AT_ALL", "postgresql://h/x?no_such_option=1", "not a dsn"])
def test_service_without_a_good_dsn_is_refused(dsn: str) -> None:
    with pytest.raises(BadTarget):
        SqlScalar("select 1").bind(target(dsn))


def test_server_that_drops_the_connection_is_unreachable() -> None:
    with serving(lambda conn: None) as port:
        assert read_once(SqlScalar("q", dsn=f"postgresql://me@127.0.0.1:{port}/x"), 2.0).kind == "unreachable"
        assert read_once(PostgresPing(address=f"127.0.0.1:{port}"), 2.0).kind == "unreachable"


def test_server_that_is_silent_is_timed_out() -> None:
    with serving(lambda conn: conn.recv(10) and conn.recv(1000) and conn.recv(1) and None) as port:  # type: ignore[func-returns-value]
        assert (
            read_once(SqlScalar("q", dsn=f"postgresql://me@127.0.0.1:{port}/x?sslmode=disable"), 0.3).kind
            == "timed_out"
        )
        assert read_once(PostgresPing(address=f"127.0.0.1:{port}"), 0.3).kind == "timed_out"


def test_starting_server_rejects_and_one_without_our_user_accepts() -> None:
    def refusing(code: bytes, message: bytes) -> tuple[object, object, str]:
        fields = b"SFATAL\0VFATAL\0C" + code + b"\0M" + message + b"\0\0"
        answer = b"E" + (len(fields) + 4).to_bytes(4, "big") + fields

        def handle(conn: object) -> None:
            conn.recv(1000)  # type: ignore[attr-defined]
            conn.sendall(answer)  # type: ignore[attr-defined]

        with serving(handle) as port:
            reading = read_once(PostgresPing(address=f"127.0.0.1:{port}"), 2.0)
        return reading.kind, reading.value, reading.note

    assert refusing(b"57P03", b"the database system is starting up") == (
        "value",
        "rejecting",
        "the database system is starting up",
    )
    assert refusing(b"28000", b"no pg_hba.conf entry")[:2] == ("value", "accepting")


def test_server_that_is_starting_is_unreachable_for_a_query_and_a_wrong_password_is_not() -> None:
    def refused_with(message: bytes) -> str:
        fields = b"SFATAL\0VFATAL\0C00000\0M" + message + b"\0\0"
        answer = b"E" + (len(fields) + 4).to_bytes(4, "big") + fields

        def handle(conn: object) -> None:
            conn.recv(1000)  # type: ignore[attr-defined]
            conn.sendall(answer)  # type: ignore[attr-defined]

        with serving(handle) as port:
            return read_once(SqlScalar("q", dsn=f"postgresql://me@127.0.0.1:{port}/x?sslmode=disable"), 2.0).kind

    assert refused_with(b"the database system is starting up") == "unreachable"
    assert refused_with(b'password authentication failed for user "me"') == "unreadable"
    assert refused_with(b"sorry, too many clients already") == "unreachable"

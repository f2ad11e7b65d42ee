"""Whose failure it is that there is no connection to PostgreSQL, in libpq's words."""

import pytest

from blackstart.probes.postgres_errors import is_full, no_connection
from blackstart.probes.read import read_once
from blackstart.probes.sql import SqlScalar
from tests.unit.probes.servers import serving

AT = 'connection to server at "localhost" (127.0.0.1), port 5432 failed: '


@pytest.mark.parametrize(
    "said",
    [
        "fe_sendauth: no password supplied",
        "server does not support SSL, but SSL was required",
        'root certificate file "/root/.postgresql/root.crt" does not exist',
        "SSL error: certificate verify failed",
        'server certificate for "localhost" does not match host name "db"',
        "authentication method 10 not supported",
        "SCRAM authentication requires libpq version 10 or above",
        'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "me", database "x", no encryption',
        'FATAL:  password authentication failed for user "me"',
        'FATAL:  database "disaster_recovery" does not exist',
        'FATAL:  role "too many starting up" does not exist',
        "ВАЖНО:  база данных «disaster_recovery» не существует",
        'ВАЖНО:  пользователь "me" не прошёл проверку подлинности (по паролю)',
    ],
)
def test_a_login_or_certificate_that_we_do_not_have_is_ours(said: str) -> None:
    assert no_connection(AT + said + "\n").kind == "unreadable"
    refused = AT.replace("localhost", "a") + "Connection refused\n\tIs the server running on that host?\n"
    assert no_connection(refused + AT + said).kind == "unreadable"


@pytest.mark.parametrize(
    "said",
    [
        "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?",
        "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally",
        "SSL error: unexpected eof while reading",
        "SSL SYSCALL error: Connection reset by peer",
        "FATAL:  the database system is starting up",
        "FATAL:  sorry, too many clients already",
        "FATAL:  the database system is not accepting connections\nDETAIL:  Hot standby mode is disabled.",
        "FATAL:  server login has been failing, try again later (server_login_retry)",
        "FATAL:  pgbouncer cannot connect to server",
        "FATAL:  client_login_timeout (server down)",
        "FATAL:  query_wait_timeout",
        "FATAL:  no more connections allowed (max_client_conn)",
    ],
)
def test_a_server_that_is_not_there_is_an_outage_whatever_it_is_called(said: str) -> None:
    assert no_connection(AT + said).kind == "unreachable"
    assert no_connection(AT.replace("localhost", "authentication") + said).kind == "unreachable"


def test_a_real_libpq_that_demands_tls_of_a_server_without_is_not_an_outage() -> None:
    with serving(lambda conn: conn.recv(8) and conn.sendall(b"N")) as port:
        dsn = f"postgresql://me@127.0.0.1:{port}/x?sslmode="
        readings = [read_once(SqlScalar("q", dsn=dsn + mode), 5.0) for mode in ("require", "verify-full")]
    assert [reading.kind for reading in readings] == ["unreadable", "unreadable"], readings


def test_a_host_that_is_called_like_a_refusal_and_is_not_found_is_an_outage() -> None:
    assert no_connection('could not translate host name "certificate.shop" to address: no').kind == "unreachable"


def test_a_database_that_is_called_so_is_not_full() -> None:
    assert is_full(AT + "FATAL:  no more connections allowed (max_client_conn)")
    assert not is_full(AT + 'FATAL:  database "too many" does not exist')


@pytest.mark.parametrize(
    "option",
    [
        "sslmode=foo",
        "target_session_attrs=foo",
        "gssencmode=foo",
        "channel_binding=foo",
        "ssl_min_protocol_version=foo",
        "ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2",
        "keepalives=foo",
    ],
)
def test_an_option_whose_value_is_none_is_no_outage(option: str) -> None:
    reading = read_once(SqlScalar("q", dsn=f"postgresql://me@127.0.0.1:1/x?{option}"), 5.0)
    assert reading.kind == "unreadable", reading


def test_a_mode_too_weak_for_what_is_trusted_is_no_outage() -> None:  # of libpq 16 and later
    said = 'weak sslmode "require" may not be used with sslrootcert=system (use "verify-full")'
    assert no_connection(said).kind == "unreadable"

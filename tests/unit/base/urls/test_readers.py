"""URLs as people write them: each is read as the client libraries read it, or refused without quoting a part of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url

from blackstart.base.secrets import references
from blackstart.base.urls import http, kafka, postgres, redis
from blackstart.base.urls.parts import Place, shown, split

READERS: dict[str, Callable[[str], Any]] = {
    "postgresql": postgres.read,
    "redis": redis.read,
    "http": http.read,
    "kafka": kafka.read,
}
PG_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGSERVICE", "PGSERVICEFILE")


@pytest.fixture(autouse=True)
def nothing_from_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PG_VARIABLES:
        monkeypatch.delenv(name, raising=False)


# ---------------------------------------------------------------- what can't be read is not quoted


@pytest.mark.parametrize("scheme", READERS)
@pytest.mark.parametrize(
    "login",
    ["shop:kW9xTq/Zp4mVb7", "shop:77/Zp4mVb7kW9", ":kW9xTq/Zp4mVb7", "kW9xTq/Zp4mVb7", "shop:77/Zp4?kW9=mVb7",
     "shop:/kW9xTq", "shop:kW9xTq/Zp4@mVb7"],
)  # fmt: skip
def test_a_password_with_a_slash_is_refused_and_no_part_of_it_shown(scheme: str, login: str) -> None:
    with pytest.raises(ValueError, match="percent-encode it") as caught:
        READERS[scheme](f"{scheme}://{login}@localhost:5432/0")
    assert not re.search("kW9|Zp4|mVb|77", str(caught.value))
    assert caught.value.__cause__ is None and (caught.value.__context__ is None or caught.value.__suppress_context__)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:P@ssw0rd#1@redis.prod:6379/0",
        "redis://:P@ssw0rd?1@redis.prod:6379/0",
        "http://u:P@ssw0rd/1@host:8000",
        "amqp://u:P@ssw0rd/1@h:5672",
        "postgresql://u:P@ssw0rd/1@h/shop",
        "postgresql://u:P@ssw0rd#1@h/shop",
    ],
)
def test_a_password_with_an_at_and_a_slash_is_refused_like_any_that_ends_too_soon(url: str) -> None:
    reader = READERS.get(url.partition("://")[0], lambda text: split(text, "amqp://localhost:5672"))
    with pytest.raises(ValueError, match="percent-encode it"):
        reader(url)


@pytest.mark.parametrize(
    ("url", "user", "password"),
    [
        ("http://u:pw@h:8000/users/@me", "u", "pw"),
        ("http://u:pw@h?x=a@b", "u", "pw"),
        ("http://h/users/@me", None, ""),
        ("http://h?x=a@b", None, ""),
    ],
)
def test_a_login_before_an_at_in_a_path_is_found_by_readers_and_masks_alike(
    url: str, user: str | None, password: str
) -> None:
    found = http.read(url, whole_path=True)
    assert (found.user, found.password, found.place.host) == (user, password, "h")
    assert user is None or references.login(url) == (user, password)
    with pytest.raises(ValueError, match="percent-encode it"):
        http.read("http://u:P@ssw0rd#1@host:8000", whole_path=True)


@pytest.mark.parametrize("password", ["a?b#c", "a#b"])
def test_a_password_as_libpq_takes_it_is_masked_whole(password: str) -> None:
    assert references.login(f"postgresql://shop:{password}@h:7/x") == ("shop", password)
    assert references.login("postgresql://shop:pw@h?sslpassword=a@b") == ("shop", "pw")


PASSWORDS = st.text(alphabet="aZ9/?#@%:&=+ ,;[]\\'\"\ufeff\n", min_size=8, max_size=24)


@given(scheme=st.sampled_from([*READERS]), password=PASSWORDS, behind=st.sampled_from(["", "/0", "/0?x=y", "?a"]))
def test_no_refusal_quotes_any_password(scheme: str, password: str, behind: str) -> None:
    secret = f"Qq7{password}Qq7"
    try:
        READERS[scheme](f"{scheme}://shop:{secret}@localhost:5432{behind}")
    except ValueError as refusal:
        assert "Qq7" not in str(refusal)
    assert shown(f"{scheme}://shop:{secret}{behind}") == f"{scheme}://..."
    assert shown(secret) == "..." or "://" in secret  # what stands before that is a scheme


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("postgresql://app:AmJaw%queifJof5@h/x", 'has a "%" that begins no code: percent-encode it (%25)'),
        ("host=h password=a b", "can't be read by PostgreSQL's own library"),
        ("password=hunter2", ""),
        ("shop:hunter2@h/x", "must be a URL such as postgresql://"),
    ],
)
def test_what_libpq_says_of_a_bad_dsn_is_not_repeated(text: str, told: str) -> None:
    if not told:
        assert postgres.read(text).places == (Place("", 5432),)
        return
    with pytest.raises(ValueError, match=re.escape(told)) as caught:
        postgres.read(text)
    assert not re.search("AmJaw|queif|hunter2|a b", str(caught.value))


# ---------------------------------------------------------------- PostgreSQL: as libpq reads it


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("postgresql://u@h/x", [("h", 5432, "")]),
        ("postgres://u@127.0.0.1:1,127.0.0.1:2/x?target_session_attrs=read-write", [("127.0.0.1", 1, ""),
                                                                                     ("127.0.0.1", 2, "")]),
        ("postgres://u@127.0.0.1,db.prod.invalid:7/x", [("127.0.0.1", 5432, ""), ("db.prod.invalid", 7, "")]),
        ("postgresql://localhost/x?host=far&port=7", [("far", 7, "")]),
        ("postgresql://near/x?hostaddr=10.1.2.3", [("near", 5432, "10.1.2.3")]),
        ("postgresql:///x?host=/run/postgresql&port=5433&user=u", [("/run/postgresql", 5433, "")]),
        ("postgresql://u@%2Frun%2Fpostgresql:5433/x", [("/run/postgresql", 5433, "")]),
        ("postgresql:///x", [("", 5432, "")]),
        ("host=a,b port=1,2 dbname='two words' user=u", [("a", 1, ""), ("b", 2, "")]),
        ("hostaddr=10.0.0.1,10.0.0.2", [("", 5432, "10.0.0.1"), ("", 5432, "10.0.0.2")]),
        ("postgresql+asyncpg://u@h:7/x", [("h", 7, "")]),
        ("postgres+psycopg2://u@h:7/x", [("h", 7, "")]),
        ("postgresql://shop:a?b#c@h:7/x", [("h", 7, "")]),
        ("postgresql://[::1]:7/x\n", [("::1", 7, "")]),
        ("\ufeffpostgresql://h/x\r\n", [("h", 5432, "")]),
    ],
)  # fmt: skip
def test_every_host_of_a_dsn_is_known(text: str, places: list[tuple[str, int, str]]) -> None:
    assert [(each.host, each.port, each.resolved) for each in postgres.read(text).places] == places


WORD = st.text(alphabet="aZ9_.-~!", min_size=1, max_size=6)


@given(user=WORD, password=WORD, host=st.text(alphabet="aZ9.-", min_size=1, max_size=8), port=st.integers(0, 70_000))
def test_what_is_read_without_the_library_is_read_as_the_library_does(
    user: str, password: str, host: str, port: int
) -> None:
    text = f"postgresql://{user}:{password}@{host}:{port}/shop"
    try:
        found = postgres.read(text)
    except ValueError:
        assert not 0 < port < 65536
        return
    wanted = conninfo_to_dict(text)
    assert found.places == (Place(str(wanted["host"]).lower(), int(str(wanted["port"]))),)
    assert found.user == wanted["user"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("postgresql://h/x?schema=public", 'has the option "schema", which is not PostgreSQL\'s: leave it out'),
        ("postgresql://h/x?user=u&password=s3cretpw&t0kenpart9", "PostgreSQL's: leave it out, or percent-encode the &"),
        ("postgresql://h/x?user=u&password=s3cret&t0ken=part9", "PostgreSQL's: leave it out, or percent-encode"),
        ("postgresql+asyncpg://h/x?ssl=require", 'has the option "ssl", which is a driver\'s: write sslmode'),
        ("postgresql://h/x?service=prod", "names a service of pg_service.conf"),
        ("postgresql://h:1,h:2,h:3/x?port=1,2", "names another number of ports than of hosts"),
        ("postgresql://h:99999/x", "has a port that is none"),
        ("mysql://u@h/x", "not of the scheme mysql://"),
        ("jdbc:postgresql://h/x", "not of the scheme jdbc:postgresql://"),
        ("postgresql://h/x\u200b", r"must not contain a character that nobody sees \(U\+200B ZERO WIDTH SPACE\)"),
        ("postgresql://h\n/x", "must not contain a line end"),
        ("localhost:5432", "must be a URL such as postgresql://"),
    ],
)
def test_what_is_no_dsn_is_refused_with_what_to_change(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told if "\\" in told else re.escape(told)):
        postgres.read(text)


def test_what_a_dsn_leaves_out_comes_from_the_shell_as_libpq_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.prod.invalid")
    monkeypatch.setenv("PGPORT", "7")
    assert postgres.read("postgresql:///x").places == (Place("db.prod.invalid", 7),)
    assert postgres.read("postgresql://localhost/x").places == (Place("localhost", 7),)
    monkeypatch.setenv("PGHOSTADDR", "10.1.2.3")
    assert postgres.read("postgresql://localhost/x").places == (Place("localhost", 7, "10.1.2.3"),)


# ---------------------------------------------------------------- Redis: as redis-py reads it


@given(
    user=st.sampled_from(["", "me", "a%40b"]),
    password=st.text(alphabet="aZ9~!%:", max_size=8),
    host=st.sampled_from(["h", "127.0.0.1", "[::1]", "a.b-c"]),
    port=st.one_of(st.none(), st.integers(1, 65535)),
    path=st.sampled_from(["", "/", "/3"]),
    query=st.sampled_from(["", "?db=5", "?socket_timeout=3", "?protocol=3&db=1"]),
)
def test_a_redis_url_means_what_the_client_library_takes_it_for(
    user: str, password: str, host: str, port: int | None, path: str, query: str
) -> None:
    login = f"{user}:{password}@" if user or password else ""
    text = f"redis://{login}{host}{f':{port}' if port else ''}{path}{query}"
    wanted = parse_url(text)
    found = redis.read(text).client_arguments()
    assume(wanted.get("host"))
    assert found["host"] == wanted["host"] and found["port"] == wanted.get("port", 6379)
    assert found["db"] == (wanted.get("db") or 0)
    assert (found["username"], found["password"]) == (wanted.get("username"), wanted.get("password"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("redis+sentinel://127.0.0.1:26379/mymaster/0", "leads to Sentinel"),
        ("unix:///run/redis/redis.sock?db=0", "is a socket, and probes need a port"),
        ("redis://h/mymaster", "must end in the number of a database"),
        ("redis://h?ssl_cert_reqs=none", "has ssl_cert_reqs, but no TLS: begin it with rediss://"),
        ("rediss://h?ssl_cert_reqs=maybe", "has an ssl_cert_reqs that is none of"),
        ("redis://h?host=far", "has an option that redis-py does not know, host"),
        ("redis://h?password=s3cretpw&t0kenpart9", "has an option that redis-py does not know: leave it out, or"),
        ("redis://h?password=s3cretpw&t0ken=part9", "has an option that redis-py does not know: leave it out, or"),
        ("redis://a:1,b:2", "must name one host"),
        ("redis://h:0", "has a port that is none"),
        ("http://h", "not of the scheme http://"),
    ],
)
def test_what_is_no_redis_url_is_refused_with_what_to_change(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        redis.read(text)


@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
@pytest.mark.parametrize("word", ["none", "CERT_NONE"])
def test_tls_of_a_redis_url_is_what_its_options_say(scheme: str, word: str) -> None:
    found = redis.read(f"{scheme}://:pw@h:7/1?ssl_cert_reqs={word}&ssl_certfile=/c.pem")
    assert found.tls and (found.tls.demand, found.tls.certfile) == ("none", "/c.pem")
    there = found.through(Place("127.0.0.1", 9))
    assert there.tls and not there.tls.check_hostname and there.password == "pw"
    again = redis.read(there.without_login())
    assert (again.place, again.tls, again.password) == (there.place, there.tls, "")


def test_a_path_may_hold_an_at_where_a_page_is_read_and_not_in_a_base() -> None:
    assert http.read("http://h:8000/users/@me", whole_path=True).path == "/users/@me"
    with pytest.raises(ValueError, match="percent-encode it"):
        http.read("http://h:8000/users/@me")


@pytest.mark.parametrize("login", ["ops:kW9[x", "ops:kW9]x", "o{ps:kW9", "ops:kW9{key}", "kW9}"])
def test_a_login_that_clients_of_http_take_for_an_address_or_a_load_for_a_hole_is_refused(login: str) -> None:
    """`[` begins an address of IPv6 to some of them, and `{key}` is what a load fills in."""
    for whole_path in (True, False):
        with pytest.raises(ValueError, match="percent-encode them") as caught:
            http.read(f"http://{login}@h:8000/x", whole_path)
        assert "kW9" not in str(caught.value)
    assert http.read("http://ops:kW9%5B%7Bkey%7D@[::1]:8000/users/{id}?a[]=1", True).password == "kW9[{key}"


@pytest.mark.parametrize(
    ("text", "places", "protocol"),
    [
        ("kafka://h", [("h", 9092)], "PLAINTEXT"),
        ("a:1,B:2", [("a", 1), ("b", 2)], "PLAINTEXT"),
        ("PLAINTEXT://a:1,[::1]:2\n", [("a", 1), ("::1", 2)], "PLAINTEXT"),
        ("SSL://a:1", [("a", 1)], "SSL"),
        ("sasl_ssl://me:pw@a:1", [("a", 1)], "SASL_SSL"),
        ("kafka+ssl://me:pw@a:1?ssl_cert_reqs=none", [("a", 1)], "SASL_SSL"),
        ("kafka://me:pw@a:1,b", [("a", 1), ("b", 9092)], "SASL_PLAINTEXT"),
    ],
)
def test_a_cluster_of_kafka_is_its_servers_and_what_they_want(
    text: str, places: list[tuple[str, int]], protocol: str
) -> None:
    found = kafka.read(text)
    assert [(place.host, place.port) for place in found.places] == places
    assert found.security(found.context())["security_protocol"] == protocol


def test_a_login_of_kafka_is_what_was_meant_and_not_shown() -> None:
    found = kafka.read("sasl_plaintext://me:kW9%2Fx%40T@a?sasl_mechanism=scram-sha-512")
    login = {"sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": "me", "sasl_plain_password": "kW9/x@T"}
    assert found.login() == login and kafka.read("kafka://a").login() == {}
    assert "kW9" not in repr(found)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sasl_ssl://a:1", "means a login, and lacks a part of it"),
        ("kafka://kW9@a:1", "means a login, and lacks a part of it"),
        ("kafka://a?sasl_mechanism=PLAIN", "means a login, and lacks a part of it"),
        ("sasl_ssl://me:kW9@a?sasl_mechanism=GSSAPI", "none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"),
        ("kafka://me:kW9@a?ssl_ca_certs=x", "has options of TLS, but no TLS"),
        ("sasl_ssl://me:kW9@a?kW9x=1", "has an option that is not known"),
        ("ssl://a?ssl_cert_reqs=maybe", "ssl_cert_reqs that is none of"),
        ("kafka://me:kW/9@a:1", "percent-encode it"),
    ],
)
def test_what_is_not_supported_of_kafka_is_refused_by_name_and_not_shown(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refusal:
        kafka.read(text)
    assert "kW9" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "kafka://", "kafka://a:1,", "kafka://a:x", "amqp://h:1", "a b:1"])
def test_what_is_no_cluster_of_kafka_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        kafka.read(text)

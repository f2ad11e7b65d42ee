"""Options and environment flags: every value either means something, or is refused by name."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base.errors import BadFlag
from blackstart.model.flags import Flags, option_name, read

NAMES = [item.name for item in fields(Flags) if item.metadata]
ENVS = {item.name: item.metadata["env"] for item in fields(Flags) if item.metadata}


def option(name: str) -> str:
    return option_name(name).replace("-", "_")


def test_nothing_given_gives_the_seeds_defaults() -> None:
    flags = read({}, {})
    assert (flags.heartbeat_max_s, flags.wait_ready_timeout_s, flags.plan_count) == (5.0, 90.0, 15)
    assert (flags.noninteractive, flags.pause_on_fail, flags.given) == (False, False, frozenset())


@pytest.mark.parametrize(
    ("env", "text", "name", "value"),
    [
        ("API", "http://host:8000/", "api", "http://host:8000"),
        ("API", "HTTPS://Host:8000/Base", "api", "https://Host:8000/Base"),
        ("REDIS_CONTAINER", "cache", "redis_container", "cache"),
        ("HEARTBEAT_MAX", "2.5", "heartbeat_max_s", 2.5),
        ("HEARTBEAT_MAX", "1500ms", "heartbeat_max_s", 1.5),
        ("K6_PODS", "100", "pods", 100),
        pytest.param("HEARTBEAT_MAX", "5s", "heartbeat_max_s", 5.0, id="15-path-and-environment-seconds"),
        pytest.param("WAIT_READY_TIMEOUT", "2m", "wait_ready_timeout_s", 120.0, id="15-path-and-environment-minutes"),
        pytest.param("NONINTERACTIVE", "true", "noninteractive", True, id="15-path-and-environment-true"),
        ("PLAN_COUNT", "5000", "plan_count", 5000),
        ("ON_HOSTS", "3", "on_hosts", 3),
        ("ON_HOSTS", "50%", "on_hosts", 0.5),
        ("ON_HOSTS", "100%", "on_hosts", 1.0),
        ("HOSTS_SEED", "17", "hosts_seed", 17),
        ("NONINTERACTIVE", "1", "noninteractive", True),
        ("NONINTERACTIVE", "0", "noninteractive", False),
        ("PAUSE_ON_FAIL", "yes", "pause_on_fail", True),
        ("PAUSE_ON_FAIL", "0", "pause_on_fail", False),
        ("PAUSE_ON_FAIL", "Inconclusive", "pause_on_fail", "inconclusive"),
        ("REDIS_URL", "redis://localhost:6379/0", "redis_url", "redis://localhost:6379/0"),
        ("DATABASE_URL", "postgresql+psycopg://u:p@db/x", "database_url", "postgresql+psycopg://u:p@db/x"),
    ],
)
def test_the_original_environment_flags_are_read(env: str, text: str, name: str, value: object) -> None:
    flags = read({}, {env: text})
    assert getattr(flags, name) == value
    assert flags.given == {name}


@pytest.mark.parametrize("name", NAMES)
def test_every_flag_can_be_given_as_an_option_under_its_command_line_name(name: str) -> None:
    default = getattr(Flags(), name)
    text: Any = True if isinstance(default, bool) else "7"
    formed = {
        "webhook": "http://localhost:1/hook",
        "redis_url": "redis://h",
        "database_url": "postgresql://h",
        "api": "http://h",
    }
    text = {**formed, "tested": f"shop@{'c' * 40}"}.get(name, text)
    flags = read({option(name): text}, {})
    assert flags.given == {name}
    assert getattr(flags, name) != default


def test_the_option_wins_over_the_environment() -> None:
    assert read({"plan_count": "3"}, {"PLAN_COUNT": "4"}).plan_count == 3


def test_how_a_flag_was_given_is_known() -> None:
    flags = read({"plan_count": "3", "noninteractive": True}, {"PLAN_COUNT": "4", "API": "http://h"})
    assert flags.typed == {"plan_count", "noninteractive"} and flags.given == {*flags.typed, "api"}
    assert [flags.called(name) for name in ("plan_count", "api")] == ["--plan-count", "API"]


def test_an_option_that_was_not_given_leaves_the_environment_alone() -> None:
    flags = read({"noninteractive": False, "plan_count": None}, {"NONINTERACTIVE": "1", "PLAN_COUNT": "4"})
    assert (flags.noninteractive, flags.plan_count) == (True, 4)


@pytest.mark.parametrize("nothing", [pytest.param("", id="15-path-and-environment-empty-variables")])
def test_an_empty_variable_is_not_given(nothing: str) -> None:
    """As GitHub Actions and mkosi set those that have no value."""
    assert read({}, dict.fromkeys(ENVS.values(), nothing)) == read({}, {})


def test_an_empty_option_is_refused_not_ignored() -> None:
    with pytest.raises(BadFlag, match="--api"):
        read({"api": ""}, {})


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ("HEARTBEAT_MAX", "abc"),
        ("HEARTBEAT_MAX", "0"),
        ("HEARTBEAT_MAX", "-1"),
        ("HEARTBEAT_MAX", "inf"),
        ("HEARTBEAT_MAX", "nan"),
        ("HEARTBEAT_MAX", "1e9"),
        ("HEARTBEAT_MAX", "9" * 400),
        pytest.param("HEARTBEAT_MAX", "5,0", id="15-path-and-environment-a-comma-in-a-number"),
        ("WAIT_READY_TIMEOUT", "two days"),
        ("K6_PODS", "101"),
        ("WAIT_READY_TIMEOUT", "2d"),
        ("PLAN_COUNT", "0"),
        ("ON_HOSTS", "0"),
        ("ON_HOSTS", "0%"),
        ("ON_HOSTS", "101%"),
        ("ON_HOSTS", "1.5"),
        ("HOSTS_SEED", "-1"),
        ("HOSTS_SEED", "x"),
        ("PLAN_COUNT", "1"),
        ("PLAN_COUNT", "1.5"),
        ("PLAN_COUNT", "-3"),
        ("PLAN_COUNT", "²"),
        ("PLAN_COUNT", "٣"),
        ("PLAN_COUNT", "9" * 5000),
        ("NONINTERACTIVE", "maybe"),
        ("PAUSE_ON_FAIL", "broke"),
        ("PAUSE_ON_FAIL", "2"),
        ("NONINTERACTIVE", "2"),
        ("API", "localhost:8000"),
        ("API", "ftp://host"),
        ("API", "http://"),
        ("API", "http://host:99999"),
        ("API", "http://host:port"),
        ("API", "http://[::1"),
        ("API", "http://host\nX-Evil: 1"),
        ("API", "http://a b"),
        ("API", "http://host/#/"),
        ("API", "http://host/?tenant=a"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://localhost:abc"),
        ("REDIS_URL", "redis://localhost:99999"),
        ("REDIS_URL", "redis://[::1"),
        ("DATABASE_URL", "mysql://host"),
        ("TARGET", "a\x00b"),
        ("NOTE", "a\nb"),
        ("ABORT_COMMAND", "make 'abort"),
    ],
)
def test_a_bad_value_is_refused_by_name(env: str, text: str) -> None:
    with pytest.raises(BadFlag) as caught:
        read({}, {env: text})
    assert re.match(f"Not started: {env}(=.*)?: ", str(caught.value))


def test_a_bad_option_is_refused_by_the_name_that_was_typed() -> None:
    with pytest.raises(BadFlag, match="--heartbeat-max='abc'"):
        read({"heartbeat_max": "abc"}, {})


def test_blanks_around_a_url_are_dropped() -> None:
    assert read({}, {"API": " http://host:8000/ \n"}).api == "http://host:8000"


@pytest.mark.parametrize(
    "text", ["mysql://app:hunter2@db/x", "app:hunter2@db", "redis://:hunter2@[::1", "http//u:hunter2@h"]
)
@pytest.mark.parametrize("env", ["API", "REDIS_URL", "DATABASE_URL"])
def test_a_refused_url_does_not_show_its_password(env: str, text: str) -> None:
    with pytest.raises(BadFlag) as caught:
        read({}, {env: text})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ("DATABASE_URL", "postgresql://shop:kW9xTq/Zp4mVb7@localhost:5432/shop"),
        ("DATABASE_URL", "postgresql://shop:77/Zp4mVb7kW9@localhost:5432/shop"),
        ("DATABASE_URL", "postgresql://shop:AmJkW9%queif@localhost:5432/shop"),
        ("DATABASE_URL", "host=h password='kW9xTq Zp4mVb7"),
        ("REDIS_URL", "redis://:kW9xTq/Zp4mVb7@localhost:6379/0"),
        ("REDIS_URL", "redis://:kW9xTq?Zp4mVb7@localhost:6379/0"),
        ("API", "http://ops:kW9xTq/Zp4mVb7@localhost:8000"),
        ("API", "ops:kW9xTq/Zp4mVb7@localhost:8000"),
    ],
)
def test_no_part_of_a_password_with_a_slash_is_shown(env: str, text: str) -> None:
    with pytest.raises(BadFlag) as caught:
        read({}, {env: text})
    assert str(caught.value).startswith(f"Not started: {env}: ") and not re.search("kW9|Zp4|mVb", str(caught.value))


@pytest.mark.parametrize(
    ("env", "text", "told"),
    [
        ("DATABASE_URL", "postgres://user:s3cretpw/db", "has a port that is none"),
        ("DATABASE_URL", "postgres://h/db?user=u&pasword=s3cretpw", 'has the option "pasword"'),
        ("REDIS_URL", "redis://localhost/0?passwort=s3cretpw", "does not know, passwort"),
        ("REDIS_URL", "s3cretpw", "must be a URL such as"),
        ("API", "ftp://u:s3cretpw/h", "not of the scheme ftp://..."),
        ("ABORT_COMMAND", 'curl -H "X-Auth: s3cretpw', "No closing quotation"),
    ],
)
def test_a_refusal_quotes_no_url_and_no_command(env: str, text: str, told: str) -> None:
    for options, environ in (({}, {env: text}), ({env.lower(): text}, {})):
        with pytest.raises(BadFlag, match=re.escape(told)) as caught:
            read(options, environ)
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ("DATABASE_URL", "postgres://u@127.0.0.1:1,127.0.0.1:2/x?target_session_attrs=read-write"),
        ("DATABASE_URL", "postgresql:///x?host=/run/postgresql&user=u"),
        ("DATABASE_URL", "host=localhost dbname='two words' user=u"),
        ("DATABASE_URL", "postgresql+asyncpg://u@h/x"),
        ("REDIS_URL", "rediss://h?ssl_cert_reqs=none"),
        ("REDIS_URL", "valkey://h:7"),
    ],
)
def test_a_flag_takes_what_the_probes_take(env: str, text: str) -> None:
    assert getattr(read({}, {env: f"\ufeff{text}\r\n"}), env.lower()) == text


@pytest.mark.parametrize(
    ("env", "text", "told"),
    [
        ("DATABASE_URL", "postgresql+asyncpg://h/x?ssl=require", "write sslmode"),
        ("DATABASE_URL", "postgresql://h/x?schema=public", 'has the option "schema"'),
        ("REDIS_URL", "redis+sentinel://127.0.0.1:26379/mymaster/0", "leads to Sentinel"),
        ("REDIS_URL", "unix:///run/redis.sock", "is a socket"),
        ("API", "http://h\u200b:8000", "U+200B"),
    ],
)
def test_a_flag_refuses_what_the_probes_refuse(env: str, text: str, told: str) -> None:
    with pytest.raises(BadFlag, match=re.escape(told)):
        read({}, {env: text})


@given(st.sampled_from(NAMES), st.text(max_size=60))
def test_any_text_in_the_environment_is_meant_or_refused(name: str, text: str) -> None:
    try:
        flags = read({}, {ENVS[name]: text})
    except BadFlag as refusal:
        assert ENVS[name] in str(refusal)
    else:
        assert flags.given <= {name}


URLISH = st.text(alphabet="abr:/@[]%?#.0189 \n\t\\", max_size=30)


@given(st.sampled_from(["api", "redis_url", "database_url"]), st.sampled_from(["http", "redis", "postgres"]), URLISH)
def test_any_url_is_meant_or_refused(name: str, scheme: str, rest: str) -> None:
    try:
        flags = read({}, {ENVS[name]: f"{scheme}://{rest}"})
    except BadFlag:
        return
    value = getattr(flags, name)
    assert value == value.strip() and not any(char in value for char in "\n\t ")


@given(
    st.dictionaries(
        st.sampled_from([option(name) for name in NAMES]), st.one_of(st.none(), st.booleans(), st.text(max_size=20))
    )
)
def test_any_options_are_meant_or_refused(options: dict[str, Any]) -> None:
    try:
        read(options, {})
    except BadFlag:
        return


@pytest.mark.parametrize("env", ["API", "REPORTS", "NOTE", "TARGET", "REDIS_CONTAINER"])
def test_a_value_in_another_encoding_is_refused_by_name(env: str) -> None:
    with pytest.raises(BadFlag, match=f"{env}: must be UTF-8"):
        read({}, {env: "http://host/caf\udce9"})


def test_utf8_in_a_locale_of_ascii_is_read_where_it_is_for_people_and_refused_as_that_elsewhere() -> None:
    given = "Zoë ✓".encode().decode("ascii", "surrogateescape")
    assert read({}, {"NOTE": given}).note == read({"note": given}, {}).note == "Zoë ✓"
    with pytest.raises(BadFlag, match="REPORTS: has characters that the locale here does not have"):
        read({}, {"REPORTS": given})


def test_a_hold_beyond_the_longest_total_time_is_refused() -> None:
    with pytest.raises(BadFlag, match="HOLD=36000 s: the run ends after TOTAL_MAX=900 s"):
        read({"hold": "10h"}, {})
    assert read({"hold": "10h"}, {"TOTAL_MAX": "11h"}).hold_s == 36_000

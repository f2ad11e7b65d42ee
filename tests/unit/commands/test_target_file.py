"""Target files: every one is a target, or is refused with the file, the key and what would be right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import blackstart
from blackstart.base.errors import BadTarget
from blackstart.base.secrets import references
from blackstart.base.secrets.env import secret
from blackstart.commands.target_file import from_table, load, resolved
from blackstart.model.target import Target
from blackstart.suites import systems
from blackstart_lab.gateway import config as gateway
from blackstart_lab.trader import config as trader

WHOLE = """
name = "trader"
kind = "trader"
api = "http://localhost:8000/"
headers = { X-Ops-Key = "env:OPS_KEY" }
allow = ["live"]
max_rate_hz = 10
read_timeout_s = 1.5

[facts]
lock_ttl_s = 3.0

[orders]
method = "POST"
route = "/orders"

[services.redis]
address = "localhost:6379"
control = { compose = "redis", project = "aitrapp" }

[services.api]
url = "http://localhost:8000"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trader.toml"


def test_a_whole_file_is_read(path: Path) -> None:
    path.write_text(WHOLE)
    target = load(path)
    assert (target.name, target.kind, target.max_rate_hz, target.read_timeout_s) == ("trader", "trader", 10, 1.5)
    assert target.service("redis").control == {"compose": "redis", "project": "aitrapp"}
    assert target.routes["orders"] == {"method": "POST", "route": "/orders"}
    assert target.fact("lock_ttl_s", 30.0) == 3.0
    assert target.fact("backoff_s", 7) == 7
    assert target.why == f"file {path}"
    assert load(path, "the running lab").why == "the running lab"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "needs a name"),
        ('name = ""', "needs a name"),
        ("name = 3", '"name" must be text, not a number'),
        ('name = "x"\napii = "http://h"', 'unknown key "apii". Did you mean "api"?'),
        ('name = "x"\nlab = 1', '"lab" must be true or false'),
        ('name = "x"\nmax_rate_hz = true', '"max_rate_hz" must be a number'),
        ('name = "x"\napi = "localhost:8080"', '"api" must be a URL such as http://localhost:8000'),
        ('name = "x"\nprometheus = "localhost:9090"', '"prometheus" must be a URL such as http://localhost:8000'),
        ('name = "x"\nproxy = "localhost:8474"', '"proxy" must be a URL such as http://localhost:8000'),
        ('name = "x"\napi = "http://h/#/"', '"api" has a "?" or a "#", and what is asked is put behind it'),
        ('name = "x"\nprometheus = "http://h/?tenant=a"', '"prometheus" has a "?" or a "#"'),
        ('name = "x"\nmax_rate_hz = 0', "must be above 0"),
        ('name = "x"\nmax_rate_hz = nan', "must be above 0"),
        ('name = "x"\nmax_rate_hz = inf', "must be above 0"),
        ('name = "x"\nread_timeout_s = -1', "must be above 0"),
        (f'name = "x"\nmax_rate_hz = 1{"0" * 400}', "must be above 0"),
        ('name = "x"\nallow = "live"', '"allow" must be a list'),
        ('name = "x"\norders = 1', "[orders] must be a table"),
        ('name = "x"\nheaders = { K = 1 }', 'the header "K" must be text'),
        ('name = "x"\nheaders = { K = 987654321 }', 'the header "K" must be text, as in "env:OPS_KEY", not a number'),
        ('name = "x"\nheaders = ["987654321"]', '"headers" must be a table, not a list'),
        ('name = "x"\nheaders = { K = 1987-06-05 }', "not date"),
        ('name = "x"\nservices.redis.dsn = ["987654321"]', '"dsn" in [services.redis] must be text, not a list'),
        ('name = "x"\nservices = 1', '"services" must be a table'),
        ('name = "x"\nservices.redis = 1', "[services.redis] must be a table"),
        (
            'name = "x"\n[services.redis]\nadress = "h"',
            'unknown key "adress" in [services.redis]. Did you mean "address"?',
        ),
        ('name = "x"\n[services.redis]\naddress = 1', '"address" in [services.redis] must be text'),
        ('name = "x"\n[services.redis]\ncontrol = "docker"', '"control" in [services.redis] must be a table'),
        ('name = "x"\n[services.redis]\nname = "y"', 'unknown key "name" in [services.redis]'),
        (
            'name = "x"\n[load]\nimage = "k6:1"\nnamespce = "y"',
            'unknown key "namespce" in [load]. Did you mean "namespace"?',
        ),
        ('name = "x"\n[load]\nnamespace = "y"', "[load] needs an image with k6 in it"),
        ('name = "x"\n[load]\nimage = 1', '"image" in [load] must be text'),
        ('name = "x"\n[load]\nimage = "k6:1"\napi = "h:1"', '[load]: "api" must be a URL'),
        ("name = ", "is not TOML"),
        ("name = 'x'\nname = 'y'", "is not TOML"),
        (f"x = {'[' * 5000}", "is not TOML"),
        (f"x = {'9' * 5000}", "is not TOML"),
    ],
)
def test_a_mistake_is_refused_with_its_place(path: Path, text: str, told: str) -> None:
    path.write_text(text)
    with pytest.raises(BadTarget, match=re.escape(told)) as caught:
        load(path)
    assert str(path) in str(caught.value) and "987654321" not in str(caught.value)
    assert str(caught.value).startswith("Not started: ")


@pytest.mark.parametrize("mark", [pytest.param(b"\xef\xbb\xbf", id="15-path-and-environment-byte-order-mark")])
def test_a_byte_order_mark_before_the_first_key_is_no_part_of_it(path: Path, mark: bytes) -> None:
    path.write_bytes(mark + b'name = "shop"\r\nheaders = { K = "s3cret-k3y" }\r\n')
    target = load(path)
    assert target.name == "shop"
    [reference] = [each for each, value in target.secrets.items() if value == "s3cret-k3y"]
    assert references.find(reference) == "s3cret-k3y"


def test_the_urls_of_a_target_may_be_variables(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(
        'name = "shop"\napi = "env:SHOP_API"\nprometheus = "env:SHOP_PROM"\n'
        '[services.api]\nurl = "env:SHOP_API"\naddress = "env:SHOP_ADDRESS"\n'
    )
    assert load(path).api == "env:SHOP_API"  # to look at a file needs no variable
    with pytest.raises(BadTarget, match="variable SHOP_API is empty or not set"):
        resolved(load(path))
    monkeypatch.setenv("SHOP_API", "http://ops:hunter2hunter2@127.0.0.1:8000\n")
    monkeypatch.setenv("SHOP_PROM", "\ufeffhttp://127.0.0.1:9090/prometheus")
    monkeypatch.setenv("SHOP_ADDRESS", "127.0.0.1:8000")
    target = resolved(load(path))
    assert target.url("/ready") == "http://ops:hunter2hunter2@127.0.0.1:8000/ready"
    assert target.prometheus == "http://127.0.0.1:9090/prometheus"
    assert (target.service("api").url, target.service("api").address) == (target.api, "127.0.0.1:8000")
    assert target.secrets == {"env:SHOP_API:password": "hunter2hunter2"}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("api", "http://ops:kW9xTq/Zp4mVb7@h", 'shop: "api" (env:SHOP_URL) has a user or password that ends too soon'),
        ("proxy", "localhost:8474", 'shop: "proxy" (env:SHOP_URL) must be a URL such as http://localhost:8000'),
        ("prometheus", "http://h\u200b:9090", "U+200B"),
    ],
)
def test_a_variable_that_is_no_url_is_refused_by_key_and_name(
    path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str, told: str
) -> None:
    path.write_text(f'name = "shop"\n{key} = "env:SHOP_URL"\n')
    monkeypatch.setenv("SHOP_URL", value)
    with pytest.raises(BadTarget, match=re.escape(told)) as caught:
        resolved(load(path))
    assert not re.search("kW9|Zp4|mVb", str(caught.value))


@pytest.mark.parametrize(
    ("service", "dsn", "told"),
    [
        ("redis", "redis://:kW9xTq/Zp4mVb7@localhost:6379/0", "percent-encode it"),
        ("postgres", "postgresql://shop:kW9xTq/Zp4mVb7@localhost/shop", "percent-encode it"),
        ("postgres", "postgresql://shop:77/Zp4mVb7kW9@localhost/shop", "percent-encode it"),
        ("cache", "redis+sentinel://h:26379/mymaster/0", "leads to Sentinel"),
        ("db", "postgresql://h/x?schema=public", 'has the option "schema"'),
        ("queue", "amqp://guest:kW9xTq/Zp4mVb7@h/", "percent-encode it"),
    ],
)
def test_a_dsn_that_nobody_could_read_is_refused_before_anything_is_sent(
    path: Path, monkeypatch: pytest.MonkeyPatch, service: str, dsn: str, told: str
) -> None:
    path.write_text(f'name = "shop"\n[services.{service}]\ndsn = "env:SHOP_DSN"\n')
    assert resolved(load(path)).service(service).dsn == "env:SHOP_DSN"  # told by who has use for it
    monkeypatch.setenv("SHOP_DSN", dsn)
    with pytest.raises(BadTarget, match=re.escape(told)) as caught:
        resolved(load(path))
    assert f"the dsn of {service} (env:SHOP_DSN)" in str(caught.value)
    assert not re.search("kW9|Zp4|mVb", str(caught.value))


@pytest.mark.parametrize(
    ("value", "told"),
    [("abcdefgh1234\n5678", "a line end"), ("abcdefgh\u200b12345678", "U+200B"), ("abcdefgh12345678\r\n", "")],
)
def test_a_line_end_in_a_header_is_refused_by_name_and_one_behind_it_left_out(
    path: Path, monkeypatch: pytest.MonkeyPatch, value: str, told: str
) -> None:
    path.write_text('name = "shop"\nheaders = { X-Ops-Key = "env:SHOP_KEY" }\n')
    monkeypatch.setenv("SHOP_KEY", value)
    if not told:
        assert secret(resolved(load(path)).headers["X-Ops-Key"]) == "abcdefgh12345678"
        return
    with pytest.raises(BadTarget, match='the header "X-Ops-Key"') as caught:
        resolved(load(path))
    assert "(env:SHOP_KEY)" in str(caught.value) and told in str(caught.value) and "abcd" not in str(caught.value)


def test_a_file_that_is_not_utf8_is_refused(path: Path) -> None:
    path.write_bytes(b'name = "caf\xe9"')
    with pytest.raises(BadTarget, match="is not TOML"):
        load(path)


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (
            'lock_refresh_s = "abc"',
            "\"lock_refresh_s\" in [facts] must be a number of seconds above 0 and at most 86400, not 'abc'",
        ),
        ("lock_refresh_s = true", "must be a number of seconds above 0"),
        ("lock_ttl_s = 0", "must be a number of seconds above 0"),
        ('db_timeout_s = "soon"', '"db_timeout_s" in [facts] must be a number of seconds'),
        ("db_timeout_s = -5", "must be a number of seconds above 0"),
        ("db_timeout_s = nan", "must be a number of seconds above 0"),
        ("db_timeout_s = inf", "must be a number of seconds above 0"),
        (f"db_timeout_s = 1{'0' * 400}", "must be a number of seconds above 0"),
        ("backoff_s = 3", '"backoff_s" in [facts] must be a list of 1 to 100 numbers of seconds above 0'),
        ("backoff_s = []", "must be a list of 1 to 100 numbers"),
        ("backoff_s = [1, 0]", "must be a list of 1 to 100 numbers"),
        ('backoff_s = [1, "2"]', "must be a list of 1 to 100 numbers"),
        ("backoff_jitter_s = -0.1", "must be a number of seconds from 0"),
        (
            "throttle_orders_per_s = 0",
            '"throttle_orders_per_s" in [facts] must be a number from 0.001 to 1000000, not 0',
        ),
        ("throttle_orders_per_s = 1e-320", "must be a number from 0.001"),
        ("lock_key = 3", '"lock_key" in [facts] must be text, as in "trader:leader"'),
        ("breaker_name = []", '"breaker_name" in [facts] must be text'),
        ('breaker_name = ""', '"breaker_name" in [facts] must be text'),
        ("breaker_open_s = {}", '"breaker_open_s" in [facts] must be a number of seconds'),
        ("limit_per_window = 0.5", '"limit_per_window" in [facts] must be a whole number from 1 to 1000000'),
        ("window_s = 0", '"window_s" in [facts] must be a number of seconds above 0'),
        ("max_workers = -1", '"max_workers" in [facts] must be a whole number'),
    ],
)
def test_a_fact_that_cannot_be_meant_is_refused_with_its_place(path: Path, fact: str, told: str) -> None:
    path.write_text(f'name = "x"\n[facts]\n{fact}\n')
    with pytest.raises(BadTarget, match=re.escape(told)) as caught:
        load(path)
    assert str(caught.value).startswith(f"Not started: {path}: ")


@pytest.mark.parametrize("kind", ["trader", "gateway", ""])
def test_facts_that_nobody_here_asks_for_are_the_targets_own(path: Path, kind: str) -> None:
    path.write_text(f'name = "x"\nkind = "{kind}"\n[facts]\nroutes = ["/a"]\npoll_s = "often"\nbackoff_jitter_s = 0\n')
    assert load(path).facts["poll_s"] == "often"


@pytest.mark.parametrize("profile", [*trader.PROFILES.values(), *gateway.PROFILES.values()], ids=lambda one: one.name)
def test_what_the_labs_promise_of_themselves_can_be_meant(profile: Any) -> None:
    promised = profile.facts(50 if isinstance(profile, trader.Profile) else "fallback")
    assert from_table({"name": "x", "facts": promised}, "t").facts == promised


def test_every_fact_that_is_asked_for_is_known_and_every_known_one_is_asked_for() -> None:
    asked, named = set(), set()
    for source in Path(blackstart.__file__).parent.rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        asked |= set(re.findall(r'\.(?:fact\(|facts\[)\s*"(\w+)"', text))
        named |= set() if source.name == "system.py" else set(re.findall(r'"(\w+)"', text))
    known = {name for kind in systems.kinds() for name in systems.of(kind).facts}
    assert (asked - known, known - named) == (set(), set())


@pytest.mark.parametrize("name", ["missing.toml", ".", "a\x00b.toml"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadTarget):
        load(tmp_path / name)


# ---------------------------------------------------------------- fuzz

VALUES = st.recursive(
    st.one_of(st.text(max_size=8), st.booleans(), st.integers(), st.floats(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
KEYS = st.one_of(
    st.sampled_from(["name", "kind", "api", "lab", "headers", "allow", "facts", "services", "orders", "max_rate_hz"]),
    st.text(max_size=8),
)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_table_is_a_target_or_refused(table: dict[str, Any]) -> None:
    try:
        target = from_table(table, "fuzz.toml")
    except BadTarget as refusal:
        assert "fuzz.toml" in str(refusal)
    else:
        assert isinstance(target, Target) and target.name


@given(st.binary(max_size=200))
def test_any_bytes_are_a_target_or_refused(tmp_path_factory: Any, data: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "x.toml"
    path.write_bytes(data)
    with pytest.raises(BadTarget):
        load(path)


LINES = st.sampled_from([line for line in WHOLE.splitlines() if line])


@given(st.lists(LINES, max_size=12))
def test_any_order_of_good_lines_is_a_target_or_refused(tmp_path_factory: Any, lines: list[str]) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "x.toml"
    path.write_text("\n".join(lines))
    try:
        assert load(path).name == "trader"
    except BadTarget:
        return


# ---------------------------------------------------------------- addresses and secrets


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/ready", "http://h:8000/ready"),
        ("http://other/x", "http://other/x"),
        ("b:/ready", "http://b:1/ready"),
        ("b:/", "http://b:1/"),
        ("/orders?since=a:b", "http://h:8000/orders?since=a:b"),
    ],
)
def test_a_path_lies_below_the_api_or_a_services_url(path: str, url: str) -> None:
    table = {"name": "x", "api": "http://h:8000/", "services": {"b": {"url": "http://b:1/"}}}
    assert from_table(table, "t").url(path) == url


@pytest.mark.parametrize("path", ["/ready", "redis:/x", "nobody:/x"])
def test_a_path_without_a_base_is_refused(path: str) -> None:
    with pytest.raises(BadTarget):
        from_table({"name": "x", "services": {"redis": {}}}, "t").url(path)


def test_an_unknown_service_is_refused_with_a_guess() -> None:
    with pytest.raises(BadTarget, match='Did you mean "redis"?'):
        from_table({"name": "x", "services": {"redis": {}}}, "t").service("rediss")


def test_a_secret_is_looked_up_and_a_missing_one_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_KEY", "abc")
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    assert secret("env:OPS_KEY") == "abc"
    assert secret("plain") == "plain"
    with pytest.raises(BadTarget, match="NO_SUCH_KEY is empty or not set"):
        secret("env:NO_SUCH_KEY")
    monkeypatch.setenv("NO_SUCH_KEY", "\n")
    with pytest.raises(BadTarget, match="NO_SUCH_KEY is empty or not set"):
        secret("env:NO_SUCH_KEY")


def test_a_target_that_never_ends_is_refused() -> None:
    with pytest.raises(BadTarget, match="/dev/zero is larger than 1048576 bytes: no target file"):
        load(Path("/dev/zero"))

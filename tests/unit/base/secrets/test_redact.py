"""No secret reaches the disk or the terminal, in whatever form it is written; and what is no secret stays readable."""

from __future__ import annotations

import html
import json
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from blackstart.base.codec import from_data, to_data
from blackstart.base.secrets.redact import MASK, Redactor
from blackstart.evidence.journal import Journal
from tests.unit.builders import drill

SECRETS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=6, max_size=24)
WRITTEN = {
    "as it is": str,
    "in JSON": lambda text: json.dumps({"a": f"x {text} y"}),
    "in JSON as UTF-8": lambda text: json.dumps({"a": f"x {text} y"}, ensure_ascii=False),
    "in JSON inside of JSON": lambda text: json.dumps(json.dumps({"a": text})),
    "in a URL": lambda text: f"redis://:{quote(text, safe='')}@host/0",
    "in a path": lambda text: f"http://host/{quote(text)}/x",
    "in a query": lambda text: f"http://host/?key={quote_plus(text)}&a=b",
    "in Python": lambda text: repr({"k": text}),
    "in shell": lambda text: f"FOO={shlex.quote(text)} sh",
    "in HTML": lambda text: f"<td>{html.escape(text)}</td>",
}


def known(secret: str) -> None:
    assume(len(secret.strip()) >= 4)
    # One that is part of the mask, or of what stands around it, can't be told from it.
    assume(all(secret not in form("") and secret not in MASK for form in WRITTEN.values()))
    assume(len(set(secret)) > 3)


@pytest.mark.parametrize("how", WRITTEN)
@given(secret=SECRETS)
def test_a_known_secret_is_masked_in_every_form(how: str, secret: str) -> None:
    known(secret)
    inside = WRITTEN[how](secret)
    shown = Redactor([secret])(inside)
    assert MASK in shown
    if how in ("as it is", "in JSON as UTF-8"):
        assert secret not in shown


@given(secret=SECRETS, inside=st.sampled_from(["value", "key", "list", "deep"]))
def test_a_known_secret_never_reaches_the_journal(tmp_path_factory: Any, secret: str, inside: str) -> None:
    known(secret)
    path = tmp_path_factory.mktemp("run") / "journal.jsonl"
    data: Any = {
        "value": f"x {secret} y",
        "key": {f"k {secret}": 1},
        "list": [1, [secret]],
        "deep": {"a": [{"b": secret}]},
    }
    journal = Journal(path, Redactor([secret]).scrub)
    journal.write("step", data=data[inside])
    journal.close()
    raw = path.read_text("utf-8")
    for form in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        assert form not in json.dumps(json.loads(raw)["data"], ensure_ascii=False)


@pytest.mark.parametrize(
    "text",
    [
        "redis://:hunter2@host:6379/0",
        "postgresql+psycopg://app:hunter2@db/x",
        "password=hunter2",
        "PGPASSWORD=hunter2 psql",
        'HTTP 401: {"password": "hunter2"}',
        "{\\\"token\\\": \\\"hunter2\\\"}",
        "Authorization: Bearer hunter2",
        "X-Ops-Key: hunter2",
        "ops_key=hunter2&x=1",
        "password: 12345678",
        "api-key = hunter2",
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    shown = Redactor()(text)
    assert "hunter2" not in shown and "12345678" not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "text",
    [
        "key trader:leader holds 7f3a",
        "token: 42",
        "token=7",
        "monkey business",
        "http://host:8000/a@b",
        "503 from /ready",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor()(text) == text


def test_fields_that_are_called_secret_are_masked_whole() -> None:
    scrubbed = Redactor().scrub({"headers": {"X-Ops-Key": "abc", "Accept": "json"}, "password": "x y", "token": 42})
    assert scrubbed == {"headers": {"X-Ops-Key": MASK, "Accept": "json"}, "password": MASK, "token": 42}


def test_keys_that_are_no_text_are_no_trouble() -> None:
    assert Redactor(["hunter2"]).scrub({1: "hunter2", None: 2}) == {1: MASK, None: 2}


def test_numbers_and_truth_values_stay_what_they_are() -> None:
    data = {"a": 1, "b": 1.5, "c": True, "d": None}
    assert Redactor(["1.5", "True"]).scrub(data) == data


@pytest.mark.parametrize(
    ("secret", "written"),
    [
        ("Tr0ub4&dor<3>x", r'{"err":"Tr0ub4\u0026dor\u003c3\u003ex"}'),  # Go
        ("Tr0ub4&dor<3>é", r'{"err":"Tr0ub4\u0026dor\u003c3\u003eé"}'),
        ("Tr0ub4&dor<3>x", r'{"err":"{\"p\":\"Tr0ub4\\u0026dor\\u003c3\\u003ex\"}"}'),  # in JSON inside of JSON
        ("a='b'<c", r'{"err":"a\u003d\u0027b\u0027\u003cc"}'),  # Gson
        ("é\"+&'x", r'{"err":"\u00E9\u0022\u002B\u0026\u0027x"}'),  # .NET
        ("aB3/xY9+é", r'{"err":"aB3\/xY9+\u00e9"}'),  # PHP
        ("aB3/xY9+é", r'{"err":"aB3\/xY9+é"}'),
        ("aB3/xY9+zz", "k=aB3%2fxY9%2bzz"),
        ("aB3/xY9 z+", "k=aB3%2fxY9+z%2b"),
        ("p!w(x)/*'y", "p!w(x)%2F*'y"),  # JavaScript's encodeURIComponent
        ("p!w x/é&", "p!w%20x/%C3%A9&"),  # its encodeURI
        ("p&w=x,/y", "as p&w=x,%2Fy"),  # Go's URL
        ("p~w*x y", "k=p%7Ew*x+y"),  # a browser's form
        ('it\'s "x" & y', "<b>it&#39;s &#34;x&#34; &amp; y</b>"),
        ('it\'s "x" & y', '<b>it\'s "x" &amp; y</b>'),
    ],
)
def test_a_known_secret_is_masked_as_other_languages_write_it(secret: str, written: str) -> None:
    assert MASK in Redactor([secret])(written)


# ---------------------------------------------------------------- from the environment


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    import os  # noqa: PLC0415

    for name in list(os.environ):
        monkeypatch.delenv(name)
    return monkeypatch


def learned() -> Redactor:
    redactor = Redactor()
    redactor.learn_environment()
    return redactor


@pytest.mark.parametrize(
    "name", ["OPS_KEY", "PGPASSWORD", "MY_SECRET", "API_TOKEN", "BASIC_AUTH", "DB_PASS", "AWS_SECRET_ACCESS_KEY"]
)
def test_a_variable_that_is_called_secret_is_learned(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "hunter2hunter2")
    assert learned()("a hunter2hunter2 b") == f"a {MASK} b"


def test_a_password_in_any_url_of_the_environment_is_learned(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "postgresql://app:hunter%402x@db/x")
    assert learned()("the password hunter@2x or hunter%402x") == f"the password {MASK} or {MASK}"


def test_a_password_in_a_url_that_is_itself_a_secret_is_learned_too(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SECRET_DSN", "postgresql://app:hunter2x@db/x")
    assert learned()("FATAL: hunter2x is wrong") == f"FATAL: {MASK} is wrong"


@pytest.mark.parametrize("name", ["PWD", "OLDPWD", "SSH_AUTH_SOCK", "GOOGLE_APPLICATION_CREDENTIALS"])
def test_a_path_is_no_secret(environment: pytest.MonkeyPatch, name: str, tmp_path: Path) -> None:
    environment.setenv(name, str(tmp_path))
    text = f"evidence: {tmp_path}/reports"
    assert learned()(text) == text


@pytest.mark.parametrize("name", ["MONKEY_HOUSE", "KEYBOARD", "AUTHOR", "COMPASS"])
def test_a_name_that_only_sounds_like_it_is_no_secret(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "ordinary")
    assert learned()("an ordinary word") == "an ordinary word"


def test_a_value_that_is_not_utf8_is_no_trouble(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPS_KEY", b"caf\xe9-hunter2".decode("utf-8", "surrogateescape"))
    redactor = learned()
    assert redactor("plain") == "plain"
    assert redactor("x caf\udce9-hunter2 y") == f"x {MASK} y"


def test_a_short_value_does_not_mask_ordinary_words(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPS_KEY", "a")
    environment.setenv("DB_PASS", "dev")
    assert learned()("a dev machine") == "a dev machine"


def test_a_secret_that_is_part_of_a_class_name_does_not_spoil_the_record() -> None:
    # Whoever has a password "blackstart" must still be able to judge a run.
    made = drill()
    assert from_data(Redactor(["blackstart", "builders"]).scrub(to_data(made))) == made


@pytest.mark.parametrize(
    "name", ["sig", "X-Amz-Signature", "X-Goog-Signature", "subscription-key", "access-key", "api-key", "auth.key"]
)
def test_a_signed_url_keeps_its_signature_to_itself(name: str) -> None:
    redactor = Redactor()
    redactor.learn_url("HTTPS://tokentoken42@store.example")
    assert "tokentoken42" not in redactor("GET https://tokentoken42@store.example/")
    redactor.learn_url(f"https://store.example/blob?se=2026-01-01&{name}=Zm9vYmFy0815&sr=b")
    assert "Zm9vYmFy0815" not in redactor("GET https://store.example/blob?sig=Zm9vYmFy0815 and Zm9vYmFy0815")
    assert redactor("2026-01-01") == "2026-01-01"


@pytest.mark.parametrize(
    "line", ["export REDIS_PASSWORD={}; exec x", "-eAPP_API_KEY={} redis", "MY_TOKEN='{}'", '"A_SECRET={}"']
)
def test_what_a_variable_called_like_a_secret_is_given_is_masked(line: str) -> None:
    assert Redactor()(line.format("hunter2hunter2")) == line.format("[redacted]")
    for plain in ("$REDIS_PASSWORD", "/run/secrets/redis", "true"):
        assert Redactor()(line.format(plain)) == line.format(plain)


def test_what_is_only_said_of_such_a_variable_stays() -> None:
    for told in ("REDIS_PASSWORD is needed", "REDIS_PASSWORD: not set", "REDIS_PASSWORD_FILE=/x", "lock_token=4096"):
        assert Redactor()(told) == told

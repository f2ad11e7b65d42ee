"""Secrets by reference: concealed they are in no text, revealed everything is as it was, and what is lost is named."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base.errors import StepFailed
from blackstart.base.secrets import places as secret_places
from blackstart.base.secrets import references
from blackstart.base.secrets.placeholders import SecretPlaceholders, demand, masked
from blackstart.base.secrets.redact import Redactor
from blackstart.model.step import Command, HttpCall
from blackstart.safety.heal import heal_script
from tests.unit.safety.file_fault import without

AWKWARD = "p'a\"s$(s)&{}\\ `x`"
TARGET = """
name = "t"
api = "https://ops:api-pass-1@localhost:8000/x?token=api-token-1&page=2"
abort = "curl -H 'X-Abort: abort-key-1' --password=abort-pass-1 http://localhost/"
[headers]
X-Ops-Key = "ops-key-1"
Authorization = "Bearer bearer-1"
Accept = "application/json"
From-Env = "env:OTHER"
[orders.headers]
X-Order-Key = "order-key-1"
[services.redis]
dsn = "redis://:dsn-pass-1@localhost/0"
[services.redis.control]
process = "redis-server --requirepass process-pass-1"
start = ["redis-server", "--port", "6379", "--requirepass", "start-pass-1", "REDISCLI_AUTH=start-auth-1"]
env = { REDIS_PASSWORD = "env-pass-1", ARGS = "--requirepass args-pass-1", PORT = "6379" }
"""
PLANTED = (
    "api-pass-1", "api-token-1", "abort-key-1", "abort-pass-1", "ops-key-1", "bearer-1", "order-key-1", "dsn-pass-1",
    "process-pass-1", "start-pass-1", "start-auth-1", "env-pass-1", "args-pass-1",
)  # fmt: skip


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "a target.v1.toml"
    path.write_text(TARGET)
    return path


def found(path: Path) -> dict[str, str]:
    import tomllib  # noqa: PLC0415

    return secret_places.in_table(tomllib.loads(path.read_text()), str(path))


def test_every_secret_of_a_target_file_is_found_and_its_reference_leads_back(target: Path) -> None:
    places = found(target)
    assert {references.find(reference): reference for reference in places} == {v: k for k, v in places.items()}
    assert set(PLANTED) <= set(places.values())
    assert not {"application/json", "env:OTHER", "6379", "2", "localhost"} & set(places.values())


def test_what_is_only_called_like_a_secret_stays_readable() -> None:
    table = {
        "facts": {"lock_key": "trader:leader", "orders_key_column": "client_order_id", "stripe_key": "fact-key-1"},
        "broker": {"refuse_tokens": "broker:/sandbox/refuse-tokens", "token": "broker:/token-1"},
        "payments": {"key_header": "Idempotency-Key", "auth_header": "header-1", "ops_key": "/ops-key-1"},
    }
    found = secret_places.in_table(table, "/t.toml", ("lock_key", "orders_key_column"))
    assert sorted(found.values()) == ["/ops-key-1", "broker:/token-1", "fact-key-1", "header-1"]


@pytest.mark.parametrize(
    ("words", "secrets"),
    [
        (["app", "--password=hunter2hunter2", "redis"], ["hunter2hunter2"]),
        (["docker", "run", "-eREDIS_PASSWORD=hunter2", "redis"], ["hunter2"]),
        (["docker", "run", "--env=REDIS_PASSWORD=hunter2", "redis"], ["hunter2"]),
        (["docker", "run", "-e", "REDIS_PASSWORD=hunter2", "redis"], ["hunter2"]),
        (["docker", "run", "-e", "POSTGRES_HOST_AUTH_METHOD=trust", "-e", "ALLOW_EMPTY_PASSWORD=true", "redis"], []),
        (["docker", "start", "-a", "redis"], []),
        (["docker", "exec", "redis", "redis-cli", "-a", "hunter2", "ping"], ["hunter2"]),
        (["redis-server", "--requirepass=hunter2", "redis.conf"], ["hunter2"]),
        (["redis-server", "--requirepass", "hunter2", "redis.conf"], ["hunter2"]),
        (["redis-server", "--tls", "--key", "/etc/redis/redis.key", "--port", "6379"], []),
        (["app", "--token-file=/run/secrets/t", "serve"], []),
        (["app", "--token-file", "/run/secrets/t", "serve"], []),
        (["app", "--no-password", "serve"], []),
        (["app", "--password-stdin", "redis"], []),
        (["app", "--bypass", "redis", "--passive", "redis", "--max-tokens", "redis"], []),
        (["app", "--url=https://tokentoken42@h/"], ["tokentoken42"]),
        (["app", "--url=HTTPS://tokentoken42@h/"], ["tokentoken42"]),
    ],
)
def test_only_the_secret_of_a_command_is_one_and_no_word_behind_it(words: list[str], secrets: list[str]) -> None:
    assert list(secret_places.in_table({"start": words}, "/t.toml").values()) == secrets
    line = " ".join(words)
    assert list(secret_places.in_table({"start": line}, "/t.toml").values()) == secrets


PLAIN = "hunter2hunter2"


@pytest.mark.parametrize(
    "words",
    [
        ["redis-server", "--masterauth", PLAIN],
        ["sh", "-c", f"exec redis-server --requirepass {PLAIN}"],
        ["sh", "-c", f"exec redis-server --port 6379 --masterauth '{PLAIN}'; true"],
        ["sh", "-c", f"export REDIS_PASSWORD={PLAIN}; exec redis-server"],
        ["sh", "-c", f"REDIS_PASSWORD={PLAIN} exec redis-server redis.conf"],
        ["ssh", "db1", f"sh -c 'exec redis-server --requirepass {PLAIN}'"],
        ["redis-server", "--user", "default", "on", f">{PLAIN}", "~*", "+@all"],
        ["redis-server", "--user", f"default on >{PLAIN} ~* +@all", "--port", "6379"],
        ["sh", "-c", f"redis-server --user default on '>{PLAIN}' '~*' +@all > redis.log 2>&1"],
        ["curl", "-u", f"admin:{PLAIN}", "http://h"],
        ["curl", f"-uadmin:{PLAIN}", "http://h"],
        ["curl", "--user", f"admin:{PLAIN}", "http://h"],
        ["/usr/bin/curl", f"--user=admin:{PLAIN}", "http://h"],
        ["app", "--private-key", PLAIN, "serve"],
        ["app", "--jwt", PLAIN, "serve"],
        ["app", "--bearer", PLAIN, "serve"],
        ["docker", "run", "--env", f"REDIS_ARGS=--requirepass {PLAIN}", "redis"],
    ],
)
def test_the_secret_within_a_word_of_a_command_is_found_and_its_reference_leads_back(
    tmp_path: Path, words: list[str]
) -> None:
    for start in (words, shlex.join(words)):
        path = tmp_path / "t.toml"
        path.write_text(f"start = {json.dumps(start)}")
        places = found(path)
        assert set(places.values()) == {PLAIN}
        assert {references.find(reference) for reference in places} == {PLAIN}


@pytest.mark.parametrize(
    "words",
    [
        ["docker", "run", "--user", "redis:redis", "-u", "1000:1000", "redis"],
        ["docker", "exec", "-u", "redis:daemon", "shop", "curl", "http://h"],
        ["sh", "-c", "exec redis-server --port 6379 > redis.log 2>&1"],
        ["sh", "-c", "sudo --user redis redis-server redis.conf >redis.log"],
        ["sh", "-c", 'exec redis-server --requirepass "$REDIS_PASSWORD" --masterauth $(cat /run/pw)'],
        ["app", "--jwt-issuer", "shop", "--jwt-algorithm", "HS256", "--say", "it's"],
    ],
)
def test_no_word_of_a_plan_is_taken_for_a_secret(words: list[str]) -> None:
    assert not [one for one in secret_places.in_table({"start": words}, "/t.toml").values() if len(one) > 3]


def test_words_within_words_have_an_end() -> None:
    assert secret_places.in_table({"start": ["a=" * 5000, "'" * 3000, '"a b" ' * 2000]}, "/t.toml") == {}


def test_a_literal_target_is_concealed_and_revealed_by_somebody_who_only_knows_where(target: Path) -> None:
    text = json.dumps(SecretPlaceholders(found(target)).conceal({"a": [TARGET], "is": "x:Y"}))
    assert not [secret for secret in PLANTED if secret in text]
    learned: list[str] = []
    assert SecretPlaceholders(learn=learned.append).reveal(json.loads(text))["a"] == [TARGET]
    assert not [secret for secret in PLANTED if secret not in " ".join(learned)]


SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=4, max_size=30)


@given(secret=SECRETS, around=st.tuples(st.text(max_size=20), st.text(max_size=20)), depth=st.integers(0, 2))
def test_whatever_is_concealed_comes_back_the_same(secret: str, around: tuple[str, str], depth: int) -> None:
    placeholders = SecretPlaceholders(
        {references.env("A_B"): secret, references.file("/a b.toml", ("x.y", "2"), "word.3"): secret[::-1]}
    )
    data = {"k": [around[0] + secret + around[1], {"deep": secret * 2}], "is": secret}
    hidden = placeholders.conceal(data)
    assert placeholders.reveal(hidden) == data and hidden["is"] == secret
    assert secret not in masked(hidden["k"][1]["deep"]) or secret in "[redacted]"


def test_a_password_that_is_also_a_name_is_only_concealed_where_it_is_the_password() -> None:
    placeholders = SecretPlaceholders({references.env("DATABASE_URL", "password"): "postgres"})
    hidden = placeholders.conceal(["postgresql://postgres:postgres@localhost/postgres", "stop postgres"])
    assert hidden[0].count("postgres") == 3 and hidden[1] == "stop postgres"  # scheme, user, name


@pytest.mark.parametrize(
    ("value", "pick"),
    [
        ("host=db user=u password='two words'", "two words"),
        ("password=kW9xTqZp4 host=db", "kW9xTqZp4"),
        ("postgresql://shop:kW9x?T#q@db/x", "kW9x?T#q"),
    ],
)
def test_a_password_in_libpqs_words_or_with_a_question_mark_is_found_and_masked(
    monkeypatch: pytest.MonkeyPatch, value: str, pick: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"\ufeff{value}\n")
    [(reference, secret)] = secret_places.in_flags({"DATABASE_URL": value}).items()
    assert secret == pick and references.find(reference) == pick
    redactor = Redactor()
    redactor.learn_environment()
    assert pick not in redactor(f"it is {pick}, by {value}")


def test_what_is_lost_stays_marked_and_is_named(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    placeholders = SecretPlaceholders({**found(target), references.env("REDIS_URL", "password"): "url-pass-1"})
    hidden = placeholders.conceal(["redis://:url-pass-1@h", "ops-key-1"])
    target.unlink()
    shown = SecretPlaceholders().reveal(hidden)
    assert shown == hidden
    with pytest.raises(StepFailed) as told:
        demand(shown)
    lost = f"headers.X-Ops-Key in {target}, or else the secret itself in the variable SECRET_HEADERS_X_OPS_KEY"
    assert "the environment variable REDIS_URL, or else" in str(told.value) and lost in str(told.value)
    monkeypatch.setenv("SECRET_HEADERS_X_OPS_KEY", "ops-key-2")
    assert SecretPlaceholders().reveal(hidden)[1] == "ops-key-2"
    assert "url-pass-1" not in masked(shown[0]) and "[redacted]" in masked(shown[0])


# ---------------------------------------------------------------- HEAL.sh


def healed(
    tmp_path: Path, step: Any, placeholders: SecretPlaceholders, **env: str
) -> "subprocess.CompletedProcess[str]":
    change = without(tmp_path / "a")
    object.__setattr__(change, "undo", (step,))
    script = tmp_path / "HEAL.sh"
    heal_script.write(script, "r", [change], placeholders)
    assert not [secret for secret in placeholders.secrets.values() if secret in script.read_text()]
    path = f"{tmp_path}:/usr/bin:/bin"
    return subprocess.run(
        ["sh", str(script)], env={"PATH": path, **env}, capture_output=True, text=True, timeout=60, check=False
    )


def writes(path: Path, word: str) -> Command:
    return Command(("sh", "-c", 'printf %s "$1" >"$2"', "write", word, str(path)))


@pytest.mark.parametrize("pick", ["", "password"])
def test_the_script_takes_a_secret_from_the_environment_without_python(tmp_path: Path, pick: str) -> None:
    reference = references.env("THE_KEY", *filter(None, [pick]))
    value = f"redis://u:{AWKWARD}@h/0" if pick else AWKWARD
    word = f"x:{AWKWARD}@y"
    done = healed(tmp_path, writes(tmp_path / "out", word), SecretPlaceholders({reference: AWKWARD}), THE_KEY=value)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_text() == word


def test_the_script_takes_a_secret_from_the_target_file(tmp_path: Path, target: Path) -> None:
    done = healed(tmp_path, writes(tmp_path / "out", "a start-pass-1 b"), SecretPlaceholders(found(target)))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_text() == "a start-pass-1 b"


def test_a_line_break_in_the_name_of_a_target_file_is_no_line_of_the_script(tmp_path: Path) -> None:
    target = tmp_path / "a\ntouch planted\n\x1b[2J.toml"
    target.write_text(TARGET)
    step = writes(tmp_path / "out", "a start-pass-1 b")
    placeholders = SecretPlaceholders(found(target))
    done = healed(tmp_path, step, placeholders)
    assert done.returncode == 0 and (tmp_path / "out").read_text() == "a start-pass-1 b", done.stderr
    target.unlink()
    failed = healed(tmp_path, step, placeholders)
    assert failed.returncode == 1
    assert not Path("planted").exists() and "\x1b" not in (tmp_path / "HEAL.sh").read_text() + failed.stderr


def test_a_secret_within_a_script_within_the_script_arrives_whole(tmp_path: Path) -> None:
    import shlex  # noqa: PLC0415

    inner = f"printf %s {shlex.quote(AWKWARD)} >{tmp_path}/out"
    done = healed(tmp_path, Command(("sh", "-c", inner)), SecretPlaceholders({references.env("K"): AWKWARD}), K=AWKWARD)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_text() == AWKWARD


def test_the_script_names_the_variable_that_it_needs_and_fails_without_it(tmp_path: Path, target: Path) -> None:
    placeholders = SecretPlaceholders(found(target))
    target.unlink()
    step = writes(tmp_path / "out", "a start-pass-1 b")
    failed = healed(tmp_path, step, placeholders)
    assert failed.returncode == 1 and not (tmp_path / "out").exists()
    assert f"services.redis.control.start.4 in {target}" in failed.stderr
    assert "SECRET_SERVICES_REDIS_CONTROL_START_4" in failed.stderr
    done = healed(tmp_path, step, placeholders, SECRET_SERVICES_REDIS_CONTROL_START_4="start-pass-1")
    assert done.returncode == 0 and (tmp_path / "out").read_text() == "a start-pass-1 b"


def test_a_header_reaches_curl_by_its_input_and_never_by_its_words(tmp_path: Path, target: Path) -> None:
    fake = tmp_path / "curl"
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/words\ncat >{tmp_path}/input\n')
    fake.chmod(0o755)
    step = HttpCall("POST", "http://localhost:1/x", headers={"X-Ops-Key": "ops-key-1", "Accept": "a"})
    assert healed(tmp_path, step, SecretPlaceholders(found(target))).returncode == 0
    assert (tmp_path / "input").read_text() == "X-Ops-Key: ops-key-1\n"
    assert "ops-key-1" not in (tmp_path / "words").read_text()


def test_the_reader_of_references_stands_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-I", references.__file__, "env:NOT_THERE"], capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "NOT_THERE can't be read" in done.stderr

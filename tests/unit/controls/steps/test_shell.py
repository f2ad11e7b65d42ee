"""Steps as lines of plain shell: they do what the step does, fail where it fails, and hold no secret."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blackstart.base.errors import BadTarget
from blackstart.controls.steps.shell import as_typed, describe, ssh_host, to_shell
from blackstart.model.step import Ask, Command, HttpCall


def sh(line: str, **env: str) -> "subprocess.CompletedProcess[str]":
    full = {"PATH": "/usr/bin:/bin", **env}
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, env=full, timeout=10, check=False)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))), min_size=1, max_size=4))
def test_any_words_reach_the_program_as_they_are(words: list[str]) -> None:
    line = to_shell(Command(("printf", "%s\\n--\\n", *words)))
    # As bytes: reading it as text would turn a carriage return into a line end.
    done = subprocess.run(
        ["/bin/sh", "-c", line], capture_output=True, env={"PATH": "/usr/bin:/bin"}, timeout=10, check=False
    )
    assert done.stdout == "".join(f"{word}\n--\n" for word in words).encode()


def test_folder_and_environment_are_set_for_the_command_alone(tmp_path: Path) -> None:
    line = to_shell(Command(("sh", "-c", 'echo "$PWD $WHO"'), cwd=str(tmp_path), env={"WHO": "me & you"}))
    assert sh(f"cd /; {line}; echo $PWD $WHO").stdout == f"{tmp_path} me & you\n/\n"


def test_a_secret_is_written_as_the_name_of_its_variable() -> None:
    line = to_shell(Command(("sh", "-c", "echo $PGPASSWORD"), env={"PGPASSWORD": "env:DB_PASSWORD"}))
    assert "${DB_PASSWORD-}" in line
    for value in ("s e'cret", "\ufeffs e'cret\r\n", "s e'cret\r\n\n"):
        assert sh(line, DB_PASSWORD=value).stdout == "s e'cret\n"


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Command(("true",)), 0),
        (Command(("false",)), 1),
        (Command(("sh", "-c", "exit 7")), 7),
        (Command(("sh", "-c", "exit 7"), ok_codes=(0, 7)), 0),
        (Command(("true",), ok_codes=(7,)), 1),
        (Command(("sh", "-c", "echo ERROR already started; exit 1"), accepts=("already started",)), 0),
        (Command(("sh", "-c", "echo it was already started >&2; exit 1"), accepts=("already started",)), 0),
        (Command(("sh", "-c", "echo no such process; exit 3"), accepts=("already started",)), 3),
        (Command(("true",), cwd="/nowhere/at/all"), 2),
        (Command(("sh", "-c", "pwd; exit 1"), cwd="/usr", accepts=("/usr",)), 0),
        (Command(("no-such-program",)), 127),
        (Command(("no-such-program",), detach=True), 1),
    ],
)
@pytest.mark.parametrize("around", ["{}", "set -e; {}; echo on"])
def test_a_line_fails_where_its_step_fails(step: Command, code: int, around: str) -> None:
    assert sh(around.format(to_shell(step))).returncode == code


def test_a_step_over_ssh_is_one_ssh_command_that_asks_nothing() -> None:
    line = to_shell(Command(("systemctl", "stop", "re dis"), host="ssh://ops@db1:2222"))
    assert line.startswith("ssh -o BatchMode=yes ")
    assert line.endswith(""" -p 2222 ops@db1 'systemctl stop '"'"'re dis'"'"''""")


def test_what_is_accepted_over_ssh_is_judged_on_this_side() -> None:
    line = to_shell(Command(("supervisorctl", "start", "redis"), host="ssh://db1", accepts=("already started",)))
    assert line.startswith("( out=$( ssh ")


@pytest.mark.parametrize(
    ("host", "name", "port", "config"),
    [
        ("ssh://db1", "db1", None, None),
        ("ssh://ops@db1.example.org:22/", "ops@db1.example.org", 22, None),
        ("ssh://ops@[::1]:2222", "ops@::1", 2222, None),
        ("ssh://db1?config=/etc/a b/config", "db1", None, "/etc/a b/config"),
    ],
)
def test_hosts_are_read(host: str, name: str, port: int | None, config: str | None) -> None:
    there = ssh_host(host)
    assert (there.name, there.port) == (name, port)
    assert (config is None) == ("-F" not in there.options)
    assert config is None or there.options[-1] == config


@pytest.mark.parametrize(
    "host",
    ["db1", "ssh://", "ssh://-oProxyCommand=evil", "ssh://a@-b", "ssh://db1:x", "http://db1", "ssh://a b", "ssh://db1/x",
     "ssh://db1?port=3", "ssh://db1?config=relative", "ssh://u:password@db1", "ssh://db1\n"],
)  # fmt: skip
def test_a_host_that_can_not_be_meant_is_refused(host: str) -> None:
    with pytest.raises(BadTarget, match="Not started"):
        ssh_host(host)


def test_a_call_is_one_curl_without_its_secrets() -> None:
    step = HttpCall(
        "POST", "http://localhost:8000/pause?x=1&y=2", {"a": "it's"}, {"X-Ops-Key": "env:OPS_KEY", "X-A": "b"}
    )
    line = to_shell(step)
    assert "| curl -fsS --max-time 10 -X POST" in line and "-H @- -H 'X-A: b'" in line
    # Its words can be read by everybody on the machine, its input can't.
    told = sh(line.replace("curl", "{ cat; printf '%s\\n'", 1) + "; }", OPS_KEY="\ufeffk 1\r\n").stdout.splitlines()
    assert told[0] == "X-Ops-Key: k 1" and not any("k 1" in word for word in told[1:])
    assert '{"a": "it\'s"}' in told and told[-1] == "http://localhost:8000/pause?x=1&y=2"


def test_a_call_that_accepts_a_404_is_judged_by_its_status(tmp_path: Path) -> None:
    fake = tmp_path / "curl"
    fake.write_text('#!/bin/sh\nprintf %s "$STATUS"\n')
    fake.chmod(0o755)
    line = to_shell(HttpCall("DELETE", "http://localhost:1/x", ok_statuses=(204, 404)))
    codes = {
        status: sh(line, PATH=f"{tmp_path}:/bin:/usr/bin", STATUS=status).returncode for status in ("204", "404", "500")
    }
    assert codes == {"204": 0, "404": 0, "500": 1}


def test_what_a_person_must_do_is_printed() -> None:
    assert sh(to_shell(Ask("Start Redis; don't wait."))).stdout == "BY HAND: Start Redis; don't wait.\n"


def test_steps_are_typed_as_a_person_would() -> None:
    script = Command(("sh", "-c", "long script", "docker start redis", "a"), host="ssh://ops@db1:2222?config=/etc/c")
    assert as_typed((script,)) == "ssh -F /etc/c -p 2222 ops@db1 'docker start redis'"
    reset, start = Command(("systemctl", "reset-failed", "r"), ok_codes=(0, 1)), Command(("systemctl", "start", "r"))
    assert as_typed((reset, start, start)) == "systemctl reset-failed r; systemctl start r && systemctl start r"
    assert as_typed((HttpCall("POST", "http://x/pause"),)).startswith("curl ")
    assert as_typed((Command(("docker", "start", "r"), env={"DOCKER_HOST": "unix:///run/d.sock"}),)) == "docker start r"
    elsewhere = Command(("docker", "start", "r"), env={"DOCKER_CONTEXT": "far", "DOCKER_HOST": "ssh://ops@db1"})
    assert as_typed((elsewhere,)) == "DOCKER_CONTEXT=far DOCKER_HOST=ssh://ops@db1 docker start r"
    assert as_typed((Ask("Start it."),)) == "by hand: Start it." and as_typed(()) == ""


def test_a_step_is_described_by_what_it_does_and_not_by_its_script() -> None:
    assert (
        describe(Command(("sh", "-c", "long script", "freeze", "a", "b c"), host="ssh://db1"))
        == "ssh://db1: freeze a 'b c'"
    )
    assert describe(Command(("docker", "stop", "redis"))) == "docker stop redis"
    assert describe(HttpCall("POST", "http://x/pause")) == "POST http://x/pause"
    assert describe(Ask("Stop it.")) == "by hand: Stop it."

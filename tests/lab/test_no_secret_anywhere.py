"""A password of its own in every input, and every kind of run: none of them is in any file or output afterwards."""

import os
import signal
import subprocess
from pathlib import Path

import pexpect
import pytest

from tests.docker_engine import docker, redis_container
from tests.lab.drills import BIN, ledger
from tests.lab.planted import DRILL, Planted, Words, asked, echo
from tests.processes import guardians
from tests.requirements import require
from tests.selected import slow_but
from tests.services import eventually

# What a service is started with is its own command line, and that of the shell which starts it; so is what aborts. That
# one ends so soon that it is seldom seen.
ALLOWED = ("start", "the abort command")


def clean(planted: Planted) -> None:
    assert planted.leaks() == []


def evidence(planted: Planted) -> list[Path]:
    return [path for path in (planted.folder / "reports").iterdir() if path.is_dir()]


def up(planted: Planted) -> bool:
    return asked(planted.redis_port, planted.secrets["start"])


@pytest.mark.parametrize(
    ("how", "code"),
    [("hold", 0), ("break", 20), ("refuse", 40), ("fail", 30), ("crash", 30), ("explode", 30)],
)
def test_no_run_leaves_a_password_however_it_ends(planted: Planted, how: str, code: int) -> None:
    with Words(planted, ALLOWED) as words:
        got = planted.run("chaos.run", str(DRILL), "--pause-on-fail", HOW=how)
    said = "".join(planted.said)
    assert got == code, said
    assert how in ("hold", "refuse") or "[redacted]" in said
    assert up(planted)
    clean(planted)
    assert words.seen == set()


def test_the_tasks_that_only_look_show_no_password(planted: Planted) -> None:
    assert planted.run("chaos.run", str(DRILL), HOW="break") == 20
    note = f"I typed {planted.secrets['a header']}, password: {planted.secrets.plain('report.note')}"
    run = evidence(planted)[0].name
    for words in (
        ("chaos.plan", str(DRILL)), ("chaos.status",), ("chaos.heal",), ("chaos.list",), ("report.note", run, note),
        ("report.show",), ("report.html",), ("report.judge",), ("report.verify",), ("report.trend",), ("proxy.status",),
    ):  # fmt: skip
        planted.run(*words, HOW="hold")
    assert "I typed [redacted]" in (evidence(planted)[0] / "notes.jsonl").read_text()
    clean(planted)


def test_an_interrupted_run_leaves_no_password(planted: Planted) -> None:
    require("terminal")
    with planted.running("chaos.run", str(DRILL), HOW="hold") as run:
        run.send_signal(signal.SIGTERM)
        assert run.wait(timeout=60) == 143
    assert up(planted)
    clean(planted)


def test_a_killed_run_is_mended_by_its_guardian_and_leaves_no_password(planted: Planted) -> None:
    with planted.running("chaos.run", str(DRILL), HOW="hold") as run:
        clean(planted)  # with the fault in force: ledger, undo.json and HEAL.sh are there
        run.kill()
        assert eventually(lambda: up(planted), 20)
    assert eventually(lambda: not ledger(planted.folder / "state"), 20)
    assert eventually(lambda: "end" in (evidence(planted)[0] / "guardian.jsonl").read_text().splitlines()[-1], 20)
    clean(planted)


def kill_both(planted: Planted, run: "subprocess.Popen[bytes]") -> None:
    name = max(evidence(planted), key=lambda path: path.stat().st_ctime).name  # a test may have run several
    (guardian,) = guardians(planted.folder / "state", name)
    run.send_signal(signal.SIGSTOP)  # it must not see its guardian's death, and restore
    os.kill(guardian, signal.SIGKILL)
    run.kill()
    run.wait(timeout=10)


@pytest.mark.parametrize("by", slow_but(("chaos.heal", "HEAL.sh", "a target file that is gone"), "HEAL.sh"))
def test_what_two_dead_left_is_mended_with_the_secret_that_the_undo_needs(planted: Planted, by: str) -> None:
    with planted.running("chaos.run", str(DRILL), HOW="hold") as run:
        kill_both(planted, run)
        assert not up(planted)
        clean(planted)
        script = ["sh", str(evidence(planted)[0] / "HEAL.sh")]
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
        if by == "a target file that is gone":
            file = planted.folder / "target.toml"
            hidden = file.rename(file.with_suffix(".hidden"))
            assert planted.run("chaos.heal") == 50 and not up(planted)
            assert "services.redis.control.start" in planted.said[-2]
            done = subprocess.run(script, env=env, capture_output=True, text=True, timeout=90, check=False)
            assert done.returncode == 1 and "Give it in the variable SECRET_" in done.stderr
            hidden.rename(file)
        if by == "HEAL.sh":
            with Words(planted, ALLOWED) as words:
                done = subprocess.run(script, env=env, capture_output=True, text=True, timeout=90, check=False)
            planted.said += [done.stdout, done.stderr]
            assert done.returncode == 0 and up(planted), done.stdout + done.stderr
            assert words.seen == set()
        assert planted.run("chaos.heal") == 0
        assert up(planted) and not ledger(planted.folder / "state")
    clean(planted)


def test_what_an_operator_types_leaves_no_password(planted: Planted) -> None:
    s = planted.secrets
    env = planted.environment(HOW="break", NONINTERACTIVE="", HOLD_S="6", TERM="xterm")
    terminal = pexpect.spawn(
        str(BIN / "blackstart"), ["chaos.run", str(DRILL)], env=env, cwd=str(planted.folder / "work"),
        encoding="utf-8", timeout=60, echo=False,
    )  # fmt: skip
    with (planted.folder / "terminal").open("w", encoding="utf-8") as shown:
        terminal.logfile_read = shown
        terminal.expect("y/N")
        terminal.sendline("y")
        terminal.expect("the fault bites")
        terminal.sendline(f"redis wanted {s['a long header']}, password: {s.plain('a note')}")
        terminal.expect("noted")
        terminal.expect("A note for the evidence")
        terminal.sendline(f"curl http://me:{s.plain('the last note')}@host and {s['a variable of a header']}")
        terminal.expect("What was learned")
        terminal.sendline(f"curl http://me:{s.plain('a learning')}@host and {s['a variable of a header']}")
        terminal.expect("What will be improved")
        terminal.sendline(f"password: {s.plain('an improvement')}")
        terminal.expect(pexpect.EOF)
    planted.said.append((planted.folder / "terminal").read_text())
    assert "redis wanted [redacted]" in (evidence(planted)[0] / "journal.jsonl").read_text()
    clean(planted)


@pytest.mark.parametrize(
    "flag", ["API=http://me:{}@127.0.0.1:1", "API=http://127.0.0.1:1?token={}", "REDIS_URL=redis://:{}@127.0.0.1:1/0"]
)
@pytest.mark.parametrize("as_option", [True, False])
def test_a_refused_run_shows_no_password_of_its_flags(planted: Planted, flag: str, as_option: bool) -> None:
    name, _, value = flag.format(planted.secrets.plain("a flag")).partition("=")
    option = f"--{name.lower().replace('_', '-')}={value}"
    given = {} if as_option else {name: value}
    words = ("chaos.leader-lock", *([option] if as_option else []))
    assert planted.run(*words, **{"TARGET": "", **given}) == 40
    clean(planted)


def test_the_environment_of_k6_is_in_nothing_that_it_leaves(planted: Planted) -> None:
    require("k6")
    script = planted.folder / "script.js"
    script.write_text(
        "import http from 'k6/http';\n"
        "export default function () { console.log('with ' + __ENV.K6_TOKEN + __ENV.KEY);\n"
        f" http.post('http://127.0.0.1:{planted.api_port}/orders', __ENV.K6_TOKEN); }}\n"
    )
    token = planted.secrets.plain("the environment of k6")
    planted.run("chaos.run", str(DRILL), HOW="hold", K6_SCRIPT=str(script), PLANTED_K6=token)
    assert list((planted.folder / "reports").rglob("history.csv"))
    clean(planted)


@pytest.mark.docker
def test_the_environment_of_a_container_is_in_nothing(tmp_path: Path) -> None:
    require("docker")
    with echo() as port:
        planted = Planted(tmp_path / "planted", port)
        password = planted.secrets.plain("a container's environment")
        with redis_container(env={"REDIS_PASSWORD": password, "REDISCLI_AUTH": password}) as (name, redis_port):
            planted.redis_port = redis_port
            planted.target(f'{{ docker = "{name}" }}')
            assert password in docker("inspect", name)
            assert planted.run("chaos.run", str(DRILL), HOW="hold") == 0, "".join(planted.said)
            planted.run("chaos.plan", str(DRILL), HOW="hold")
            with planted.running("chaos.run", str(DRILL), HOW="hold") as run:
                kill_both(planted, run)
                assert planted.run("chaos.heal") == 0
    clean(planted)

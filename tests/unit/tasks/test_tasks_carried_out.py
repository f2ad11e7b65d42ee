"""What the tasks call: refusals, variants, suites, exit codes and what people read of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from blackstart.commands import answer, healing, plan, run
from blackstart.engine import planning
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.safety.heal import heal
from blackstart.safety.preflight import freeze
from tests.environment import ROOT

# ---------------------------------------------------------------- what the tasks call


def test_a_refusal_is_one_clear_line_and_exit_40(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.run("trader/leader-lock", {"heartbeat_max": "abc"}) == 40
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err.startswith("Not started: --heartbeat-max='abc'") and out.err.count("\n") == 1


def test_an_unknown_experiment_is_refused_with_a_guess(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.run("leader-luck", {}) == 40
    assert 'Did you mean "leader-lock"?' in capsys.readouterr().err


def test_two_variants_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.run("trader/leader-lock", {"bounce": True, "freeze_leader": True}, ("bounce", "freeze-leader")) == 40
    assert "exclude each other" in capsys.readouterr().err


PLAN_TARGET = """name = "trader"
kind = "trader"
api = "http://127.0.0.1:9"
[orders]
route = "/orders"
[services.redis]
address = "127.0.0.1:1"
control = { manual = "it" }
[services.postgres]
address = "127.0.0.1:1"
dsn = "postgresql://t@127.0.0.1:1/t"
control = { manual = "it" }
[services.api]
url = "http://127.0.0.1:9"
address = "127.0.0.1:9"
control = { manual = "it" }
[services.api-2]
url = "http://127.0.0.1:8"
address = "127.0.0.1:8"
control = { manual = "it" }
"""


def planned(here: Path, capsys: pytest.CaptureFixture[str], name: str, **options: Any) -> tuple[int, str]:
    (here / "trader.toml").write_text(PLAN_TARGET)
    variants = ("bounce", "freeze-leader", "freeze")
    code = plan.plan(name, {"target": str(here / "trader.toml"), **options}, variants)
    seen = capsys.readouterr()
    return code, seen.out + seen.err


def test_a_plan_shows_the_abort_that_a_failure_would_be_followed_by(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, told = planned(tmp_path, capsys, "leader-lock", pause_on_fail=True)
    assert code == 0 and "after broke or not restored: pause at once, close all positions" in told
    assert "/flatten" in told
    assert "/flatten" not in planned(tmp_path, capsys, "leader-lock")[1]


def test_a_plan_ends_with_what_would_refuse_its_run_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "freeze"
    monkeypatch.setenv(freeze.NAMED, str(file))
    code, told = planned(tmp_path, capsys, "leader-lock")
    assert code == 0 and "refused now" not in told and "frozen" not in told
    file.write_text("the exchange opens at nine")
    code, told = planned(tmp_path, capsys, "leader-lock")
    assert code == 0 and "Nothing was touched." in told
    last = told.splitlines()[-1]
    assert last.startswith(f"it would be refused now: frozen by {file}, set by ")
    assert ": the exchange opens at nine" in last


def test_status_begins_with_the_freeze_or_with_why_it_can_not_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def first() -> str:
        assert healing.status() == 0
        return capsys.readouterr().out.splitlines()[0]

    file = tmp_path / "freeze"
    monkeypatch.setenv(freeze.NAMED, str(file))
    assert "freeze" not in first()
    file.write_text("an incident")
    told = first()
    assert told.startswith(f"frozen by {file}, set by ") and ": an incident" in told
    file.unlink()
    file.mkdir()
    assert str(file) in first() and "can't be read" in first()


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("leader-lock", {}, "leader-lock on trader"),
        ("postgres-blip", {"freeze": True}, "postgres-blip-freeze on trader"),
        ("postgres-blip", {"variant": "freeze"}, "postgres-blip-freeze on trader"),
        ("trader/postgres-blip", {"freeze": True, "variant": "freeze"}, "postgres-blip-freeze on trader"),
    ],
)
def test_a_variant_is_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, options: dict[str, Any], told: str
) -> None:
    code, said = planned(tmp_path, capsys, name, **options)
    assert (code, said.startswith(told), "Nothing was touched." in said) == (0, True, True), said


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("leader-lock", {"freeze": True}, 'leader-lock has no variant "freeze" (its variants: bounce, freeze-leader)'),
        ("rate-limit-spike", {"bounce": True}, 'rate-limit-spike has no variant "bounce" (it has none)'),
        ("leader-lock", {"variant": "bounse"}, 'leader-lock has no variant "bounse"'),
        ("leader-lock", {"variant": "bounce", "freeze_leader": True}, "exclude each other"),
    ],
)
def test_a_variant_that_it_does_not_have_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, options: dict[str, Any], told: str
) -> None:
    code, said = planned(tmp_path, capsys, name, **options)
    assert code == 40 and said.startswith("Not started:") and told in said


def test_a_users_own_experiment_is_run_again_by_its_file_and_variant(tmp_path: Path) -> None:
    from blackstart.model import flags  # noqa: PLC0415
    from blackstart.suites import discovery  # noqa: PLC0415

    (tmp_path / "mine.py").write_text('"""Mine."""\nVARIANTS = ("slow",)\n')
    found = discovery.find(str(tmp_path / "mine.py"))
    assert found.variants == ("slow",)
    assert run.again(found, flags.read({}, {}), "slow") == f"invoke chaos.run {tmp_path}/mine.py --variant=slow"


def test_the_command_that_runs_it_again_keeps_what_was_given_but_no_password() -> None:
    from blackstart.model import flags  # noqa: PLC0415
    from blackstart.suites import discovery  # noqa: PLC0415

    found = discovery.find("trader/leader-lock")
    given = flags.read(
        {
            "api": "http://staging:8000",
            "hold": "90",
            "redis_url": "redis://:hunter2@h",
            "note": "it's",
            "noninteractive": True,
        },
        {},
    )
    words = run.again(found, given, "bounce")
    assert words == (
        "invoke chaos.leader-lock --api=http://staging:8000 --hold=90 --noninteractive --note='it'\"'\"'s' --bounce"
    )


def test_the_command_that_runs_it_again_leaves_out_what_was_ignored() -> None:
    from blackstart.model import flags  # noqa: PLC0415
    from blackstart.suites import discovery  # noqa: PLC0415

    environ = {"TARGET": "lab", "REDIS_CONTAINER": "foo", "API": "http://127.0.0.1:1", "HOLD": "9"}
    words = run.again(discovery.find("trader/leader-lock"), flags.read({}, environ), "")
    assert words == "invoke chaos.leader-lock --hold=9 --target=lab"


def test_the_operators_hold_and_total_time_are_the_experiments(monkeypatch: pytest.MonkeyPatch) -> None:
    from blackstart.suites import discovery  # noqa: PLC0415

    monkeypatch.setattr(discovery, "declare", lambda *_: Experiment("x", "t", "It holds."))
    found = discovery.find("trader/leader-lock")
    made = run.declared(found, Target("t"), Flags(hold_s=300.0, total_max_s=500.0))
    assert (made.hold_min_s, made.total_max_s) == (300.0, 500.0)


def test_heal_looks_for_copies_where_reports_are_put(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    looked: list[Path] = []
    monkeypatch.setattr(heal, "heal", lambda say, reports, here, take: looked.append(reports) or 0)
    monkeypatch.setenv("REPORTS", str(tmp_path))
    assert healing.heal() == 0 and looked == [tmp_path]


def test_a_job_that_closed_its_output_still_gets_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert answer.answering()(lambda _: print("told to nobody", file=sys.stdout) or int(sys.stdout is None))() == 0


@pytest.mark.parametrize(
    ("task", "words"),
    [("chaos.run", "chaos.list shows them all"), ("gateway.run", "default: all of them"),
     ("chaos.suite", "do not stop at the first failure"), ("report.note", "or path of the run"),
     ("lab.up", " --on-open=STRING")],
)  # fmt: skip
def test_help_says_what_every_option_takes(task: str, words: str) -> None:
    typed = [sys.executable, "-m", "invoke", "--help", task]
    told = subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    options = told.partition("Options:")[2].strip("\n").splitlines()
    assert words in told and "--=STRING" not in told
    assert not [line for line in options if line.lstrip().startswith("--") and len(line.split()) < 2]


def test_what_is_to_be_typed_works_where_invoke_is_on_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLACKSTART_STATE", "/s")
    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.setenv("BLACKSTART_RUN", "/my tools/scripts/run")
    assert heal.heal_command() == "BLACKSTART_STATE=/s '/my tools/scripts/run' chaos.heal"
    monkeypatch.delenv("BLACKSTART_RUN")
    assert heal.heal_command() == "BLACKSTART_STATE=/s invoke chaos.heal"


@pytest.mark.parametrize("words", ["chaos.list", "lab.status", "report.show"])
def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path, words: str) -> None:
    env = {**os.environ, "BLACKSTART_STATE": str(tmp_path / "state"), "REPORTS": str(tmp_path)}
    line = f"{sys.executable} -m invoke --search-root {ROOT} {words} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr and "Broken pipe" not in done.stderr
    assert done.returncode == (40 if words == "report.show" else 0), done.stderr


def test_scripts_run_keeps_the_folder_that_it_was_called_from(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "mine"\nkind = "trader"\napi = "http://127.0.0.1:9"\n')
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "own.py").write_text('"""Mine is found."""\n')
    env = {**os.environ, "BLACKSTART_STATE": str(tmp_path / "state"), "NONINTERACTIVE": "1"}

    def typed(folder: Path, *words: str) -> str:
        done = subprocess.run(
            [str(ROOT / "scripts" / "run"), *words], cwd=folder, env=env,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    assert "No such file" not in (said := typed(tmp_path, "chaos.plan", "leader-lock", "--target=mine.toml"))
    assert '"redis"' in said or "mine" in said
    assert "Mine is found." in typed(tmp_path, "chaos.list")
    assert "Mine is found." not in typed(ROOT, "chaos.list")
    assert "mine.toml" in typed(ROOT / "scripts", "chaos.plan", "leader-lock", "--target=mine.toml")


def test_the_console_script_whose_reader_is_gone_says_nothing_and_its_code_is_no_verdict(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("blackstart")
    ours, theirs = os.pipe()
    os.close(ours)
    with open(theirs, "wb") as out:
        for unbuffered in ("", "1"):
            done = subprocess.run(
                [script, "--list"], cwd=tmp_path, env={**os.environ, "PYTHONUNBUFFERED": unbuffered}, stdout=out,
                stderr=subprocess.PIPE, text=True, timeout=60, check=False,
            )  # fmt: skip
            # A list that is longer than Python's buffer meets the closed pipe before its end.
            assert done.stderr == "" and done.returncode in ((141,) if unbuffered else (0, 141))
        done = subprocess.run(
            [script, "chaos.plan", "no-such-one"], cwd=tmp_path, stdout=out, stderr=subprocess.PIPE, text=True,
            timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 40 and "Traceback" not in done.stderr


def test_an_abort_command_that_is_not_there_is_refused_before_anything_is_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABORT_COMMAND", "/nope/nope")
    monkeypatch.setattr(planning, "make", lambda *_: pytest.fail("it went on"))
    code, said = planned(tmp_path, capsys, "trader/leader-lock")
    assert code == 40 and "ABORT_COMMAND='/nope/nope': there is no program '/nope/nope' that can be run" in said
    assert run.run("trader/leader-lock", {"target": str(tmp_path / "trader.toml"), "noninteractive": True}) == 40
    assert "ABORT_COMMAND='/nope/nope': there is no program" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("switch", "word"),
    [
        ("/etc/blackstart/freeze me", "BLACKSTART_FREEZE='/etc/blackstart/freeze me'"),
        ("https://ops:hunter2@freeze.example.com/now", 'BLACKSTART_FREEZE="$BLACKSTART_FREEZE"'),
    ],
)
def test_run_again_looks_at_the_same_freeze_switch(monkeypatch: pytest.MonkeyPatch, switch: str, word: str) -> None:
    from blackstart.model import flags  # noqa: PLC0415
    from blackstart.suites import discovery  # noqa: PLC0415

    monkeypatch.setenv("BLACKSTART_FREEZE", switch)
    words = run.again(discovery.find("trader/leader-lock"), flags.read({}, {}), "")
    assert words.startswith(f"{word} ") and words.endswith("chaos.leader-lock") and "hunter2" not in words

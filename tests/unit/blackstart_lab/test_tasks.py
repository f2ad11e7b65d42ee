"""The Invoke tasks say what the command line says."""

import pytest
from invoke import Collection, Config, Executor, Exit, Program
from invoke.parser import Parser

from blackstart_lab import cli, tasks


def words_of(monkeypatch: pytest.MonkeyPatch, *argv: str, code: int = 0) -> list[str]:
    seen: list[str] = []

    def record(words: tuple[str, ...]) -> int:
        seen.extend(words)
        return code

    monkeypatch.setattr(cli, "main", record)
    root = Collection()
    root.add_collection(tasks.namespace)
    parsed = Parser(contexts=root.to_contexts(), initial=Program().initial_context).parse_argv(list(argv))
    Executor(root, Config(), parsed).execute(*parsed[1:])
    return seen


def test_up_without_options_leaves_the_defaults_to_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    assert words_of(monkeypatch, "lab.up", "trader") == ["up", "trader"]


def test_up_hands_every_option_on(monkeypatch: pytest.MonkeyPatch) -> None:
    given = "lab.up trader --profile real --mutant ready-lies --instances 2 --older-build --orders-per-s 9 --port 8000"
    expected = given.replace("lab.up", "up").replace(" --older-build", "").split()
    assert sorted(words_of(monkeypatch, *given.split())) == sorted([*expected, "--older-build"])


def test_up_hands_on_what_only_the_gateway_has(monkeypatch: pytest.MonkeyPatch) -> None:
    given = ("--as-coded", "--without-prometheus", "--on-open", "fail-fast")
    words = words_of(monkeypatch, "lab.up", "gateway", *given)
    assert sorted(words) == sorted(["up", "gateway", *given])


def test_down_and_logs_and_status_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert words_of(monkeypatch, "lab.down") == ["down"]
    assert words_of(monkeypatch, "lab.down", "--name", "trader") == ["down", "trader"]
    assert words_of(monkeypatch, "lab.status") == ["status"]
    assert words_of(monkeypatch, "lab.logs", "trader", "--service", "api") == ["logs", "trader", "api", "--lines", "30"]


def test_refusal_becomes_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Exit) as exit_:
        words_of(monkeypatch, "lab.up", "trader", code=40)
    assert exit_.value.code == 40


def test_a_bad_option_of_a_lab_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["up", "trader", "--profile", "slow"]) == 40
    said = capsys.readouterr().err
    assert said.startswith("Not started: argument --profile: invalid choice: 'slow'") and said.count("\n") == 1

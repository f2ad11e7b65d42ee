"""Suites carried out: in their order, until a failure, with a verdict of their own."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.commands import suite
from blackstart.safety.heal import heal


@pytest.mark.parametrize(
    ("codes", "code", "word"),
    [
        ((0, 20, 30), 20, "broke"),  # what is proved is not hidden by what is not known
        ((40, 20, 30), 20, "broke"),
        ((0, 30, 0), 30, "inconclusive"),
        ((0, 40, 0), 30, "inconclusive"),  # 40 would say that nothing was touched
        ((40, 40, 40), 40, "refused"),
        ((20, 50), 50, "not restored"),
        ((20, 143), 143, "interrupted"),
    ],
)
def test_the_verdict_of_a_suite_has_the_precedence_of_verdicts(
    codes: tuple[int, ...], code: int, word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = iter((("a", "-", ""), each) for each in codes)
    monkeypatch.setattr(suite, "_one_of_suite", lambda found, given, redactor: next(outcomes))
    assert suite.suite("trader", {}, keep_going=True) == code
    assert f"chaos.suite: {word}, 0 of 3 held" in capsys.readouterr().out


def test_the_last_line_of_a_suite_that_left_something_broken_is_what_mends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(suite, "_one_of_suite", lambda found, given, redactor: (("a", "not-restored", ""), 50))
    assert suite.suite("trader", {}, keep_going=True) == 50
    assert capsys.readouterr().out.splitlines()[-1] == heal.heal_command()


def test_a_suite_stops_at_the_first_failure_unless_told_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    ran: list[str] = []

    def one(found: Any, given: Any, redactor: Any) -> tuple[tuple[str, str, str], int]:
        ran.append(found.name)
        return (found.name, "broke", ""), 20

    monkeypatch.setattr(suite, "_one_of_suite", one)
    assert suite.suite("trader", {}, keep_going=False) == 20
    assert ran == ["leader-lock"]
    told = capsys.readouterr().out
    assert told.count("not run") == 2
    assert "leader-lock did not hold; --keep-going runs the rest all the same" in told
    assert told.splitlines()[-2:] == ["chaos.suite: broke, 0 of 3 held", "run again: invoke chaos.suite"]


def test_a_suite_that_held_says_so_in_a_line_and_how_to_run_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BLACKSTART_RUN", raising=False)
    monkeypatch.setattr(suite, "_one_of_suite", lambda found, given, redactor: ((found.name, "held", "x"), 0))
    assert suite.suite("trader", {"api": "http://staging"}, keep_going=True) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "chaos.suite: held, 3 of 3",
        "run again: invoke chaos.suite --api=http://staging --keep-going",
    ]


@pytest.mark.parametrize("code", [50, 129, 130, 143])
def test_a_suite_that_was_interrupted_or_is_not_restored_never_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    ran: list[str] = []

    def one(found: Any, given: Any, redactor: Any) -> tuple[tuple[str, str, str], int]:
        ran.append(found.name)
        return (found.name, "ended", ""), code

    monkeypatch.setattr(suite, "_one_of_suite", one)
    assert suite.suite("trader", {}, keep_going=True) == code
    assert ran == ["leader-lock"]
    told = capsys.readouterr().out
    assert told.count("which ends the suite") == 2 and "--keep-going runs" not in told

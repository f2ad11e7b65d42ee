"""Suites carried out: in their order, until a failure, with a verdict of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blackstart.base.errors import NotAvailable, NotShown
from blackstart.commands import suite
from blackstart.safety.heal import heal
from blackstart.safety.preflight import freeze
from blackstart.suites import systems


@pytest.fixture(autouse=True)
def its_original_drills_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else the trader's suite has: these three, and their three variants, of a target that says all."""
    monkeypatch.setattr(suite, "_refuse_undeclared", lambda *_: None)
    order, every = systems.of("trader").order, suite.in_order
    monkeypatch.setattr(suite, "in_order", lambda name: [found for found in every(name) if found.name in order])


def not_shown() -> Any:
    raise NotShown("it needs a second instance")


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
    outcomes = iter(("-", "", each) for each in codes)

    def one(job: suite.Job, *_: Any) -> tuple[str, str, int]:
        return not_shown() if job.variant else next(outcomes)

    monkeypatch.setattr(suite, "_one_of_suite", one)
    assert suite.suite("trader", {}, keep_going=True) == code
    assert f"chaos.suite: {word}, 0 of " in capsys.readouterr().out


def test_the_last_line_of_a_suite_that_left_something_broken_is_what_mends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(suite, "_one_of_suite", lambda *_: ("not-restored", "", 50))
    assert suite.suite("trader", {}, keep_going=True) == 50
    assert capsys.readouterr().out.splitlines()[-1] == heal.heal_command()


def test_a_suite_stops_at_the_first_failure_unless_told_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    ran: list[str] = []

    def one(job: suite.Job, *_: Any) -> tuple[str, str, int]:
        ran.append(job.found.name)
        return "broke", "", 20

    monkeypatch.setattr(suite, "_one_of_suite", one)
    assert suite.suite("trader", {}, keep_going=False) == 20
    assert ran == ["leader-lock"]
    told = capsys.readouterr().out
    assert told.count("not run") == 5
    assert "leader-lock did not hold; --keep-going runs the rest all the same" in told
    assert told.splitlines()[-2:] == ["chaos.suite: broke, 0 of 6 held", "run again: invoke chaos.suite"]


def test_a_suite_that_held_says_so_in_a_line_and_how_to_run_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BLACKSTART_RUN", raising=False)
    monkeypatch.setattr(suite, "_one_of_suite", lambda *_: ("held", "x", 0))
    assert suite.suite("trader", {"api": "http://staging"}, keep_going=True) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "chaos.suite: held, 6 of 6",
        "run again: invoke chaos.suite --api=http://staging --keep-going",
    ]


def test_a_freeze_refuses_one_drill_and_the_rest_are_not_run_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def one(job: suite.Job, *_: Any) -> tuple[str, str, int]:
        ran.append(job.found.name)
        return "refused", "", 40

    monkeypatch.setattr(suite, "_one_of_suite", one)
    monkeypatch.setenv(freeze.NAMED, str(tmp_path / "freeze"))
    assert suite.suite("trader", {}, keep_going=True) == 40
    assert len(ran) == 6 and "not run" not in capsys.readouterr().out  # refused for something else, each by itself
    ran.clear()
    (tmp_path / "freeze").write_text("rollout")
    assert suite.suite("trader", {}, keep_going=True) == 40
    assert ran == ["leader-lock"]
    told = " ".join(capsys.readouterr().out.split())
    assert told.count("not run") == 5 and "rollout" in told and "chaos.suite: refused, 0 of 6 held" in told
    ran.clear()
    monkeypatch.setenv(freeze.NAMED, str(tmp_path / "gone" / "freeze"))
    assert suite.suite("trader", {}, keep_going=True) == 40
    assert ran == ["leader-lock"] and "can't be read" in capsys.readouterr().out


@pytest.mark.parametrize("code", [50, 129, 130, 143])
def test_a_suite_that_was_interrupted_or_is_not_restored_never_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    ran: list[str] = []

    def one(job: suite.Job, *_: Any) -> tuple[str, str, int]:
        ran.append(job.found.name)
        return "ended", "", code

    monkeypatch.setattr(suite, "_one_of_suite", one)
    assert suite.suite("trader", {}, keep_going=True) == code
    assert ran == ["leader-lock"]
    told = capsys.readouterr().out
    assert told.count("which ends the suite") == 5 and "--keep-going runs" not in told


def test_the_variants_come_last_and_those_that_a_target_can_not_show_are_told_and_are_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def one(job: suite.Job, *_: Any) -> tuple[str, str, int]:
        variant = job.variant
        if variant == "bounce":
            raise NotShown("--bounce needs two instances")
        if variant == "freeze":
            raise NotAvailable("its control (manual) can't pause")
        ran.append(f"{job.found.name} {variant}".strip())
        return "held", "x", 0

    monkeypatch.setattr(suite, "_one_of_suite", one)
    assert suite.suite("trader", {}, keep_going=False) == 0
    assert ran == ["leader-lock", "rate-limit-spike", "postgres-blip", "leader-lock freeze-leader"]
    told = capsys.readouterr().out
    assert "chaos.suite: held, 4 of 4" in told
    assert "--bounce needs two instances" in told and told.count("not shown") == 2


def test_a_plain_drill_that_is_refused_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def refused(found: Any, given: Any, redactor: Any, variant: str) -> Any:
        raise NotAvailable("its control (manual) can't stop")

    monkeypatch.setattr(suite, "run_one", refused)
    assert suite.suite("trader", {}, keep_going=True) == 40
    assert "can't stop" in capsys.readouterr().err


def test_a_plain_drill_that_this_target_can_not_show_is_told_beside_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def one(found: Any, given: Any, redactor: Any, variant: str = "") -> Any:
        if found.name == "rate-limit-spike":
            raise NotShown("it has a single broker")
        raise NotAvailable("its control (manual) can't stop")

    monkeypatch.setattr(suite, "run_one", one)
    assert suite.suite("trader", {}, keep_going=True) == 40
    told = capsys.readouterr().out
    assert "it has a single broker" in told and "chaos.suite: refused, 0 of 2" in told

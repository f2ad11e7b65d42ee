"""PAUSE_ON_FAIL: after which verdicts, what is done then, and what is said of it beforehand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base.errors import BadFlag, BadTarget
from blackstart.engine import safe_state
from blackstart.model import flags
from blackstart.model.flags import Flags
from blackstart.model.step import Command, HttpCall
from blackstart.model.target import Target
from blackstart.model.verdict import Verdict
from blackstart.suites import systems

TRADER = systems.of("trader")
TARGET = Target("trader", api="http://h:8000", facts={"backoff_s": [0.1, 0.3], "backoff_jitter_s": 0.0}, system=TRADER)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_given_command_comes_first_then_the_targets_own(here: Path) -> None:
    own = Target("x", api="http://h", abort="./own.sh now")
    assert safe_state.steps(own, Flags(abort_command="./mine.sh 'a b'")) == (
        Command(("./mine.sh", "a b"), timeout_s=60.0),
    )
    assert safe_state.steps(own, Flags()) == (Command(("./own.sh", "now"), timeout_s=60.0),)


def test_make_abort_is_run_where_there_is_one_but_never_for_a_lab(here: Path) -> None:
    (here / "Makefile").write_text("test:\n\ttrue\nabort:\n\ttrue\n")
    assert safe_state.steps(Target("x", api="http://h"), Flags()) == (Command(("make", "abort"), timeout_s=60.0),)
    assert isinstance(safe_state.steps(Target("x", api="http://h", lab=True, system=TRADER), Flags())[0], HttpCall)


@pytest.mark.parametrize("text", [b"aborted:\n", b"\xff\xfe", b""])
def test_a_makefile_without_an_abort_is_none(here: Path, text: bytes) -> None:
    (here / "Makefile").write_bytes(text)
    steps = safe_state.steps(Target("x", api="http://h/", headers={"X-Ops-Key": "env:OPS_KEY"}, system=TRADER), Flags())
    assert [(s.method, s.url) for s in steps if isinstance(s, HttpCall)] == [
        ("POST", "http://h/pause"),
        ("POST", "http://h/flatten?reason=chaos_drill_failed"),
        ("POST", "http://h/mode"),
    ]
    assert all(isinstance(s, HttpCall) and s.headers == {"X-Ops-Key": "env:OPS_KEY"} for s in steps)


@pytest.mark.parametrize("text", ["/nope/nope", "no-such-program --now", "./here", "/tmp"])
def test_an_abort_command_that_can_not_be_run_is_refused_by_the_name_of_its_flag(here: Path, text: str) -> None:
    (here / "here").write_text("#!/bin/sh\n")  # which nobody may execute
    for given, name in (
        (flags.read({"abort_command": text}, {}), "--abort-command"),
        (flags.read({}, {"ABORT_COMMAND": text}), "ABORT_COMMAND"),
    ):
        with pytest.raises(BadFlag, match=f"Not started: {name}=.* (there is no program|it names no program)"):
            safe_state.refuse_missing(Target("x", abort="true"), given)


def test_the_targets_own_abort_and_make_must_be_there_where_they_are_asked_for(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Target("x", abort="/nope/nope 'now")
    safe_state.refuse_missing(own, Flags())
    with pytest.raises(BadTarget, match='target "x": "abort" = .*there is no program'):
        safe_state.refuse_missing(own, Flags(pause_on_fail=True))
    safe_state.refuse_missing(Target("x", abort="true now"), Flags(pause_on_fail=True))
    (here / "Makefile").write_text("abort:\n\ttrue\n")
    monkeypatch.setenv("PATH", str(here))
    with pytest.raises(BadTarget, match="make abort"):
        safe_state.refuse_missing(Target("x"), Flags(pause_on_fail=True))
    safe_state.refuse_missing(Target("x", lab=True, system=TRADER), Flags(pause_on_fail=True))
    (here / "mine.sh").write_text("#!/bin/sh\n")
    (here / "mine.sh").chmod(0o755)
    safe_state.refuse_missing(Target("x"), Flags(abort_command="./mine.sh now"))


def test_a_system_of_which_nothing_is_known_is_refused_where_its_pause_is_asked_for(here: Path) -> None:
    asked, shop = flags.read({}, {"PAUSE_ON_FAIL": "1"}), Target("x", api="http://h", system=systems.of("shop"))
    assert safe_state.steps(shop, asked) == ()
    with pytest.raises(BadFlag, match="PAUSE_ON_FAIL: nothing is known that would pause a shop: name an ABORT_COMMAND"):
        safe_state.refuse_missing(shop, asked)
    safe_state.refuse_missing(replace(shop, abort="true"), asked)


@pytest.mark.parametrize(
    ("asked", "after"),
    [
        (False, ()),
        (True, (Verdict.BROKE, Verdict.NOT_RESTORED)),
        ("inconclusive", (Verdict.BROKE, Verdict.NOT_RESTORED, Verdict.INCONCLUSIVE)),
    ],
)
def test_trading_is_ended_after_the_verdicts_that_were_asked_for_alone(
    asked: bool | str, after: tuple[Verdict, ...]
) -> None:
    given = Flags(pause_on_fail=asked)
    assert {verdict for verdict in Verdict if safe_state.wanted(given, verdict, did_something=True)} == set(after)
    # What can't be told of a run that did nothing is no reason, what is seen to be broken is.
    did_nothing = {verdict for verdict in Verdict if safe_state.wanted(given, verdict, did_something=False)}
    assert did_nothing == set(after) - {Verdict.INCONCLUSIVE}


def test_what_a_failure_would_be_followed_by_is_told_beforehand_in_words(here: Path) -> None:
    told = safe_state.text(TARGET, Flags(pause_on_fail=True))
    assert told == ("after broke or not restored: pause at once, close all positions, switch to PAPER (PAUSE_ON_FAIL)")
    assert safe_state.text(TARGET, Flags(pause_on_fail="inconclusive")).startswith("after broke, inconclusive or not")
    assert safe_state.text(TARGET, Flags()) == "" and safe_state.planned(TARGET, Flags()) == ()
    assert safe_state.text(replace(TARGET, api=""), Flags(pause_on_fail=True)) == ""
    (here / "Makefile").write_text("abort:\n\ttrue\n")
    assert ": pause at once, run `make abort` (" in safe_state.text(TARGET, Flags(pause_on_fail=True))


def test_how_trading_is_resumed_is_a_line_of_shell_that_shows_no_key() -> None:
    assert safe_state.resume(replace(TARGET, headers={"X-Ops-Key": "env:OPS_KEY"})).startswith("printf")
    assert safe_state.resume(TARGET).endswith(" http://h:8000/resume")
    assert safe_state.resume(replace(TARGET, api="")) == "" == safe_state.resume(Target("x", api="http://h"))

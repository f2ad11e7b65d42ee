"""PAUSE_ON_FAIL: the right steps, once leadership has settled, and only a fresh look says that trading stays paused."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blackstart.base import clock
from blackstart.base.console import Console
from blackstart.base.errors import BadFlag, BadTarget
from blackstart.engine import safe_state
from blackstart.engine.observer import Observer
from blackstart.evidence import journal
from blackstart.evidence.journal import Journal
from blackstart.model import flags
from blackstart.model.flags import Flags
from blackstart.model.reading import Reading
from blackstart.model.step import Command, HttpCall
from blackstart.model.target import Target
from blackstart.suites import systems
from blackstart.verdict.monitors import Monitors
from tests.unit.builders import TICK_S, experiment

TRADER = systems.of("trader")
TARGET = Target("trader", api="http://h:8000", facts={"backoff_s": [0.1, 0.3], "backoff_jitter_s": 0.0}, system=TRADER)


class System:
    """What an observer sees of a trader, as fast as it changes."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path / "journal.jsonl")
        self.observer = Observer(Monitors(experiment()), self.journal, 100.0, 1.0)
        self.seen: dict[str, Any] = {"leader": 1, "paused": False}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._end.wait(0.01):
            now_s = clock.now_s()
            readings = [Reading(name, "value", now_s, now_s, value) for name, value in dict(self.seen).items()]
            self.observer._take("x", readings, TICK_S)

    def freeze(self) -> None:
        """Nothing is read any more."""
        self._end.set()
        self._thread.join()

    def events(self, *names: str) -> list[dict[str, Any]]:
        return journal.read(self.journal.path).of(*names)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(safe_state, "_PAUSED_WITHIN_S", 2.0)
    made = System(tmp_path)
    assert made.observer.wait(lambda: len(made.observer.latest) == 2, clock.now_s() + 20)
    yield made
    made.freeze()
    made.journal.close()


def aborted(system: System, tmp_path: Path, then: Any = True, target: Target = TARGET) -> bool:
    """Abort by shell; the system is paused (`then`) when the command has run."""
    mark = tmp_path / "aborted"

    def follow() -> None:
        while not mark.exists():
            threading.Event().wait(0.005)
        system.seen["paused"] = then

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        return safe_state.abort(
            target, Flags(abort_command=f"touch {mark}"), system.observer, Console(True, out=io.StringIO())
        )
    finally:
        mark.touch()
        follower.join()


def test_a_system_that_stays_paused_is_verified(system: System, tmp_path: Path) -> None:
    assert aborted(system, tmp_path)
    assert [e["event"] for e in system.events("abort", "abort step", "abort verified")] == [
        "abort", "abort step", "abort verified",
    ]  # fmt: skip
    assert system.events("abort")[0]["settled"] and system.events("abort verified")[0]["ok"]


def test_a_system_that_does_not_pause_is_not_verified(system: System, tmp_path: Path) -> None:
    assert not aborted(system, tmp_path, then=False)


def test_a_system_that_resumes_by_itself_is_not_verified(system: System, tmp_path: Path) -> None:
    def resume() -> None:
        while not system.events("abort step"):
            threading.Event().wait(0.01)
        threading.Event().wait(0.3)  # it has been seen paused by then, and is watched for another five seconds
        system.seen["paused"] = False

    later = threading.Thread(target=resume)
    later.start()
    patient = replace(TARGET, facts={**TARGET.facts, "backoff_s": [5.0]})
    assert not aborted(system, tmp_path, target=patient)
    later.join()


def test_a_look_from_before_the_abort_verifies_nothing(system: System, tmp_path: Path) -> None:
    system.seen["paused"] = True
    assert system.observer.wait(lambda: system.observer.latest["paused"].value is True, clock.now_s() + 10)
    system.freeze()
    assert not aborted(system, tmp_path)


def test_a_leader_that_nobody_reads_is_not_waited_for(system: System, tmp_path: Path) -> None:
    system.seen.pop("leader")
    threading.Event().wait(0.1)  # a read may be under way
    system.observer.latest.pop("leader", None)
    began_s = clock.now_s()
    aborted(system, tmp_path)
    assert clock.now_s() - began_s < 30


def test_leadership_is_awaited_before_the_abort(system: System, tmp_path: Path) -> None:
    system.seen["leader"] = 0
    assert system.observer.wait(lambda: system.observer.latest["leader"].value == 0, clock.now_s() + 20)
    threading.Timer(0.3, system.seen.update, ({"leader": 1},)).start()
    assert aborted(system, tmp_path)
    assert system.events("abort")[0]["settled"]


def test_a_step_that_fails_does_not_keep_the_others_from_being_tried(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (Command(("false",)), Command(("true",), env={"X": "env:NO_SUCH_VARIABLE"}), Command(("true",)))
    monkeypatch.setattr(safe_state, "steps", lambda target, flags: steps)
    system.seen["paused"] = True
    assert not safe_state.abort(TARGET, Flags(), system.observer, Console(True, out=io.StringIO()))
    assert ["failed" in e for e in system.events("abort step")] == [True, True, False]


@pytest.mark.parametrize("where", ["wait", "steps", "carry_out"])
def test_whatever_fails_on_the_way_a_trader_that_is_not_paused_is_said_to_be_so(
    system: System, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    real = system.observer.wait
    calls: list[int] = []

    def fails(*arguments: Any) -> Any:
        calls.append(1)
        if where != "wait" or len(calls) == 1:
            raise ValueError("what nobody foresaw")
        return real(*arguments)

    monkeypatch.setattr(*((system.observer, "wait", fails) if where == "wait" else (safe_state, where, fails)))
    out = io.StringIO()
    assert not safe_state.abort(TARGET, Flags(abort_command="true"), system.observer, Console(True, out=out))
    assert "TRADING IS NOT PAUSED" in out.getvalue() and "ValueError: what nobody foresaw" in out.getvalue()
    assert system.events("abort verified")[0]["ok"] is False


def test_a_look_that_fails_says_that_nobody_has_seen_it(system: System) -> None:
    broken = replace(TARGET, facts={"backoff_s": []})
    out = io.StringIO()
    assert not safe_state.abort(broken, Flags(abort_command="true"), system.observer, Console(True, out=out))
    assert "NOBODY HAS SEEN that trading stays paused" in out.getvalue().splitlines()[-1]
    assert system.events("abort verified")[0]["ok"] is False


# ---------------------------------------------------------------- what is done


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


def test_a_run_that_did_nothing_and_can_tell_nothing_ends_no_trading() -> None:
    assert not safe_state.wanted("inconclusive", did_something=False)
    assert safe_state.wanted("inconclusive", did_something=True) and safe_state.wanted("broke", did_something=False)
    assert not safe_state.wanted("held", did_something=True) and not safe_state.wanted("refused", did_something=False)


def test_what_a_failure_would_be_followed_by_is_told_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = Flags(pause_on_fail=True)
    assert safe_state.text(TARGET, wanted).startswith(
        "after a failure: POST http://h:8000/pause, POST http://h:8000/flatten"
    )
    assert safe_state.text(TARGET, Flags()) == "" and safe_state.planned(TARGET, Flags()) == ()
    assert safe_state.text(replace(TARGET, api=""), wanted) == ""

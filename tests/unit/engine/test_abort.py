"""PAUSE_ON_FAIL: a pause at once, the rest once leadership has settled; only a fresh look says that it stays paused."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from blackstart.base import clock
from blackstart.base.console import Console
from blackstart.base.errors import EndedEarly
from blackstart.engine import abort, safe_state
from blackstart.engine.observer import Observer
from blackstart.evidence import journal
from blackstart.evidence.journal import Journal
from blackstart.model.flags import Flags
from blackstart.model.reading import Reading
from blackstart.model.step import Command
from blackstart.model.target import Target
from blackstart.model.verdict import Verdict
from blackstart.suites import systems
from blackstart.verdict.monitors import Monitors
from tests.unit.builders import TICK_S, experiment

FACTS = {"backoff_s": [0.1, 0.3], "backoff_jitter_s": 0.0}
ALL = ["/pause", "/flatten?reason=chaos_drill_failed", "/mode"]


class System:
    """A trader's API, and what an observer sees of it, as fast as it changes. `after` is what comes of each post."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path / "journal.jsonl")
        self.observer = Observer(Monitors(experiment()), self.journal, 100.0, 1.0)
        self.seen: dict[str, Any] = {"leader": 1, "paused": False}
        self.posted: list[str] = []
        self.status = 200
        self.after: Callable[[str], None] = lambda path: self.seen.update(paused=True)
        self.out = io.StringIO()
        self._api = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.target = Target(
            "trader", api=f"http://127.0.0.1:{self._api.server_port}", facts=FACTS, system=systems.of("trader")
        )
        self._end = threading.Event()
        self._threads = [threading.Thread(target=run) for run in (self._run, lambda: self._api.serve_forever(0.01))]
        for thread in self._threads:
            thread.start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        system = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                system.posted.append(self.path)
                system.after(self.path)
                self.send_response(system.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def _run(self) -> None:
        while not self._end.wait(0.01):
            now_s = clock.now_s()
            readings = [Reading(name, "value", now_s, now_s, value) for name, value in dict(self.seen).items()]
            readings = [replace(r, kind=r.value, value=None) if r.value == "unreachable" else r for r in readings]
            self.observer._take("x", readings, TICK_S)

    def freeze(self) -> None:
        """Nothing is read any more."""
        self._end.set()
        self._threads[0].join()

    def end(self) -> None:
        self.freeze()
        self._api.shutdown()
        self._api.server_close()
        self._threads[1].join()
        self.journal.close()

    def read(self, **values: Any) -> None:
        """Change what is seen, and wait until it was."""
        self.seen.update(values)
        latest = self.observer.latest
        assert self.observer.wait(
            lambda: all(v in (latest[k].value, latest[k].kind) for k, v in values.items()), clock.now_s() + 20
        )

    def abort(
        self,
        verdict: Verdict = Verdict.BROKE,
        target: Target | None = None,
        between: Callable[[], None] = lambda: None,
        **flags: Any,
    ) -> bool:
        return abort.to_safe_state(
            target or self.target, Flags(**flags), self.observer, Console(True, out=self.out), verdict, between
        )

    def events(self, *names: str) -> list[dict[str, Any]]:
        return journal.read(self.journal.path).of(*names)

    @property
    def verified(self) -> dict[str, Any]:
        (event,) = self.events("abort verified")
        return event

    @property
    def told(self) -> str:
        return self.out.getvalue()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what neither comes to rest nor pauses."""
    monkeypatch.setattr(abort, "_SETTLED_WITHIN_S", 0.3)
    monkeypatch.setattr(abort, "_PAUSED_WITHIN_S", 0.5)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(abort, "_PAUSED_WITHIN_S", 20.0)
    made = System(tmp_path)
    assert made.observer.wait(lambda: len(made.observer.latest) == 2, clock.now_s() + 20)
    yield made
    made.end()


# ---------------------------------------------------------------- what is posted when


def test_a_system_at_rest_is_told_everything_at_once_and_nothing_twice(system: System) -> None:
    assert system.abort()
    assert system.posted == ALL
    assert [e["event"] for e in system.events("abort", "abort step", "abort verified")] == [
        "abort", *["abort step"] * 3, "abort verified",
    ]  # fmt: skip
    (begun,) = system.events("abort")
    assert (begun["verdict"], begun["waits"], begun["settled"]) == ("broke", False, True)
    assert begun["will"] == "pause, close all positions, switch to PAPER"
    assert (system.verified["ok"], system.verified["state"], system.verified["resumes_once"]) == (True, "paused", "")
    assert system.verified["resume"].endswith("/resume")
    assert "PAUSE_ON_FAIL (broke): now: pause, close all positions, switch to PAPER" in system.told


def test_it_is_paused_at_once_and_again_with_all_the_rest_once_it_leads(system: System) -> None:
    """As a trader does that takes its lock again: it un-pauses, whoever had paused it."""
    system.read(leader=0)

    def follow(path: str) -> None:
        system.seen["paused"] = True
        if len(system.posted) == 1:
            threading.Timer(0.3, system.seen.update, ({"leader": 1, "paused": False},)).start()

    system.after = follow
    assert system.abort()
    assert system.posted == ["/pause", *ALL]
    first, then = system.events("abort")
    assert (first["waits"], first["settled"], then["waits"], then["settled"]) == (True, False, False, True)
    steps = system.events("abort step")
    assert [step["at_once"] for step in steps] == [True, False, False, False]
    assert first["at"] <= steps[0]["began"] <= steps[0]["at"] <= then["at"] <= steps[1]["began"]


def test_what_is_not_restored_is_not_waited_for(system: System) -> None:
    system.read(leader=0)
    assert system.abort(Verdict.NOT_RESTORED)
    assert system.posted == ALL
    (begun,) = system.events("abort")
    assert (begun["waits"], begun["settled"]) == (False, False)
    assert system.verified["resumes_once"] == "leader is 1"
    assert "trading may resume by itself once leader is 1: look again then" in system.told


def test_a_leader_that_nobody_reads_is_not_waited_for(system: System) -> None:
    system.seen.pop("leader")
    system.read(paused=True)  # whatever was under way has been read by then
    system.observer.latest.pop("leader", None)
    assert system.abort() and system.posted == ALL


def test_a_command_is_run_once_when_leadership_has_settled_and_the_pause_is_posted_before(
    system: System, tmp_path: Path
) -> None:
    system.read(leader=0)
    system.after = lambda path: system.seen.update(paused=True, leader=1)
    assert system.abort(abort_command=f"sh -c 'echo run >> {tmp_path}/runs'")
    assert system.posted == ["/pause"] and (tmp_path / "runs").read_text() == "run\n"
    assert [step["at_once"] for step in system.events("abort step")] == [True, False]


def test_a_command_at_rest_is_all_that_is_done(system: System, tmp_path: Path) -> None:
    system.seen["paused"] = True
    assert system.abort(abort_command=f"touch {tmp_path}/mark")
    assert system.posted == [] and (tmp_path / "mark").exists()


def test_whoever_has_had_enough_ends_the_waits_and_no_step(system: System) -> None:
    system.read(leader=0)

    def enough() -> None:
        if system.posted:
            raise EndedEarly("asked to end again")

    assert not system.abort(between=enough)
    assert system.posted == ["/pause", *ALL]
    assert system.events("abort")[1]["hurried"] and system.verified["hurried"]
    assert system.verified["state"] == "unseen" and "NOBODY HAS SEEN that trading stays paused" in system.told


def test_a_countdown_says_how_long_and_what_comes_then(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(Console, "progress", lambda self, text: shown.append(text))
    system.read(leader=0)
    system.after = lambda path: system.seen.update(paused=True, leader=1)  # once it waits, however late that is
    assert system.abort()
    first = r"PAUSE_ON_FAIL in \d\d s, or once leader is 1 \(Ctrl-C: at once; it can't be cancelled\)"
    assert re.fullmatch(first, shown[0])
    assert any(re.match(r"PAUSE_ON_FAIL: \d+ s more to see that trading stays paused", line) for line in shown)


def test_what_does_not_come_to_rest_is_aborted_in_the_end(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abort, "_SETTLED_WITHIN_S", 0.3)  # and no shorter look at what comes then
    system.read(leader=0)
    assert system.abort() and system.posted == ["/pause", *ALL]
    assert system.events("abort")[1]["settled"] is False
    assert "leader was not 1 within 0.3 s; all of it now" in system.told


def test_a_pause_that_failed_is_tried_again_while_one_waits_once_the_system_can_be_read(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abort, "_AGAIN_EVERY_S", 0.05)
    system.read(leader=0, paused="unreachable")
    system.status, rounds = 503, []

    def answered(path: str) -> None:
        system.seen.update(paused=True) if system.status == 200 else None

    def between() -> None:
        rounds.append(len(system.posted))
        if len(rounds) == 20:  # it has not been asked again all the while: now it is back, and trades
            assert set(rounds) == {1}
            system.status = 200
            system.seen.update(paused=False)
        if len(system.posted) == 2:
            system.seen.update(leader=1)

    system.after = answered
    system.abort(between=between)
    assert system.posted == ["/pause", "/pause", *ALL]
    first, again = (event for event in system.events("abort step") if event["at_once"])
    assert "503" in str(first) and "curl" in first["by_hand"] and again["code"] == 200
    assert [event["settled"] for event in system.events("abort")] == [False, True]


# ---------------------------------------------------------------- whether it stays paused


def test_a_system_that_does_not_pause_is_said_to_trade(system: System, impatient: None) -> None:
    system.after = lambda path: None
    assert not system.abort()
    assert (system.verified["state"], system.verified["seen"]) == ("running", "paused was False")
    assert "TRADING IS NOT PAUSED (paused was False). Pause it by hand" in system.told


def test_of_a_system_that_does_not_answer_nobody_says_that_it_trades(system: System, impatient: None) -> None:
    system.read(leader="unreachable", paused="unreachable")
    dead = replace(system.target, api="http://127.0.0.1:1")
    assert not system.abort(target=dead)
    steps = system.events("abort step")
    assert len(steps) == 4 and all("failed" in step for step in steps)
    assert system.verified["state"] == "unseen" and "NOT PAUSED" not in system.told
    assert "NOBODY CAN SEE that trading is paused and stays so (paused was unreachable)" in system.told


def test_a_system_that_resumes_by_itself_is_not_verified(system: System) -> None:
    def resume() -> None:
        while not (system.observer.latest["paused"].value is True and len(system.posted) == 3):
            threading.Event().wait(0.01)
        threading.Event().wait(0.3)  # it has been seen paused by then, and is watched for another five seconds
        system.seen["paused"] = False

    later = threading.Thread(target=resume)
    later.start()
    assert not system.abort(target=replace(system.target, facts={**FACTS, "backoff_s": [5.0]}))
    later.join()
    assert system.verified["state"] == "running"


def test_a_look_from_before_the_abort_verifies_nothing(system: System, impatient: None) -> None:
    system.read(paused=True)
    system.freeze()
    assert not system.abort() and system.verified["state"] == "unseen"


def test_a_step_that_fails_does_not_keep_the_others_from_being_tried(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (Command(("false",)), Command(("true",), env={"X": "env:NO_SUCH_VARIABLE"}), Command(("true",)))
    monkeypatch.setattr(safe_state, "steps", lambda target, flags: steps)
    system.seen["paused"] = True
    assert not system.abort()
    assert ["failed" in e for e in system.events("abort step")] == [True, True, False]


def test_positions_that_could_not_be_closed_are_no_success(system: System) -> None:
    system.status = 500
    assert not system.abort() and system.posted == ALL
    assert system.verified["state"] == "paused" and "flatten" in system.told


@pytest.mark.parametrize("where", ["wait", "steps", "carry_out"])
def test_whatever_fails_on_the_way_a_trader_that_is_not_paused_is_said_to_be_so(
    system: System, impatient: None, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    real = system.observer.wait
    calls: list[int] = []

    def fails(*arguments: Any) -> Any:
        calls.append(1)
        if where != "wait" or len(calls) == 1:
            raise ValueError("what nobody foresaw")
        return real(*arguments)

    system.read(leader=0)
    system.after = lambda path: None
    place: Any = {"wait": system.observer, "steps": safe_state, "carry_out": abort}[where]
    monkeypatch.setattr(place, where, fails)
    assert not system.abort()
    assert "TRADING IS NOT PAUSED" in system.told and "ValueError: what nobody foresaw" in system.told
    assert system.verified["ok"] is False


def test_a_look_that_fails_says_that_nobody_has_seen_it(system: System) -> None:
    assert not system.abort(target=replace(system.target, facts={"backoff_s": []}))
    assert "NOBODY HAS SEEN that trading stays paused" in system.told.splitlines()[-1]
    assert system.verified["ok"] is False

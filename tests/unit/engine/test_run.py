"""Whatever goes wrong on the way, what was broken is mended, and the exit code says what came of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.errors import Damaged, Interrupted
from blackstart.engine import run
from blackstart.engine.injection import Injection
from blackstart.engine.narrator import Narrator
from blackstart.engine.observer import Observer
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Journal
from blackstart.model.expect import eventually
from blackstart.model.step import Command
from blackstart.safety.ledger.ledger import Entry, Ledger
from blackstart.safety.preflight.freeze import Frozen
from blackstart.safety.processes.identity import Process
from blackstart.verdict.from_folder import judge_folder
from tests.unit.safety.file_fault import FileThere, without
from tests.unit.stage import NoGuardian, Told, drill, raising


@pytest.fixture
def told(tmp_path: Path, files: tuple[Path, Path]) -> Told:
    return Told(tmp_path, drill(files[0]), without(files[0]))


def test_a_file_that_comes_back_held(told: Told, files: tuple[Path, Path]) -> None:
    told.end()
    assert told.outcome == ("held", 0)
    assert files[0].exists() and Ledger().outstanding() == []
    assert [e["phase"] for e in told.record.of("phase")] == ["baseline", "fault", "recovery", "settle", "end"]
    assert judge_folder(told.result.evidence.path) == told.result.judgement


def test_what_must_be_prepared_is_done_before_the_baseline_and_what_fails_refuses(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    made, there = tmp_path / "made", FileThere(str(tmp_path / "made"))
    before = eventually(there.is_(True), name="prepared")
    told = Told(
        tmp_path, drill(files[0], prepare=(Command(("touch", str(made))),), baseline=(before,)), without(files[0])
    )
    told.end()
    assert told.outcome == ("held", 0)
    told = Told(tmp_path, drill(files[0], prepare=(Command(("false",)),)), without(files[0]))
    told.end()
    assert told.outcome == ("refused", 40)
    assert "what must be prepared failed" in told.result.judgement.reasons[0] and not told.record.of("do")


def test_what_the_load_left_is_awaited_once_it_has_ended(tmp_path: Path, files: tuple[Path, Path]) -> None:
    empty = eventually(FileThere(str(tmp_path / "queue")).is_(False), within_s=5, name="worked_off")
    told = Told(tmp_path, drill(files[0], drained=(empty,)), without(files[0]))
    told.end()
    assert told.outcome == ("held", 0)
    assert [e["phase"] for e in told.record.of("phase")] == [
        "baseline", "fault", "recovery", "settle", "drain", "end"
    ]  # fmt: skip
    full = eventually(FileThere(str(files[1])).is_(False), within_s=1.0, name="worked_off")
    told = Told(tmp_path, drill(files[0], drained=(full,)), without(files[0]))
    told.end()
    assert told.outcome == ("broke", 20)


# ---------------------------------------------------------------- whatever goes wrong, it is mended


@pytest.mark.parametrize("phase", ["fault", "recovery", "settle"])
def test_a_phase_that_cannot_be_entered_does_not_keep_the_undo(
    told: Told, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    entered = Observer.phase

    def phases(self: Observer, name: str, enter: Any = None) -> float:
        return raising(RuntimeError("can't start new thread"))() if name == phase else entered(self, name, enter)

    monkeypatch.setattr(Observer, "phase", phases)
    told.end()
    assert told.outcome == ("inconclusive", 30)
    assert files[0].exists() and Ledger().outstanding() == []


@pytest.mark.parametrize("call", [1, 2])
def test_proofs_that_cannot_be_watched_do_not_keep_the_undo(
    told: Told, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    calls: list[int] = []

    def watch(self: Observer, probes: Any) -> None:
        calls.append(1)
        if len(calls) == call:
            raise ValueError("two different probes are called the same")

    monkeypatch.setattr(Observer, "watch", watch)
    told.end()
    assert told.outcome == ("inconclusive", 30)
    assert files[0].exists()


@pytest.mark.parametrize("state", ["doing", "done", "undoing"])
def test_a_ledger_that_fails_midway_does_not_keep_the_undo(
    told: Told, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    marked = Ledger.mark

    def mark(self: Ledger, entry: str, to: str, *more: Any, **words: Any) -> None:
        if to == state:
            raise Damaged("the ledger can't be used: disk I/O error")
        marked(self, entry, to, *more, **words)

    monkeypatch.setattr(Ledger, "mark", mark)
    told.end()
    assert told.outcome[0] == ("held" if state == "undoing" else "inconclusive")
    assert files[0].exists()


def test_without_a_durable_undo_nothing_is_touched(
    told: Told, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    inode = files[0].stat().st_ino
    monkeypatch.setattr(Ledger, "intend", raising(Damaged("the ledger can't be used: disk full")))
    told.end()
    assert told.outcome == ("inconclusive", 30)
    assert files[0].stat().st_ino == inode and not told.record.of("do")


def test_a_do_that_fails_is_undone(tmp_path: Path, files: tuple[Path, Path]) -> None:
    broken = replace(without(files[0]), do=(Command(("rm", str(files[0]))), Command(("false",))))
    told = Told(tmp_path, drill(files[0]), broken)
    told.end()
    assert told.outcome == ("inconclusive", 30)
    assert files[0].exists()


def test_an_undo_that_raises_does_not_keep_the_others_from_being_undone(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    needs_a_secret = Command(("true",), env={"X": "env:NO_SUCH_VARIABLE_ANYWHERE"})
    cursed = replace(without(files[1]), undo=(needs_a_secret,), undo_is_noop=False)
    told = Told(tmp_path, drill(files[0]), without(files[0]), cursed)
    told.end()
    assert told.outcome == ("not-restored", 50)
    assert files[0].exists() and not files[1].exists()
    assert [entry.change.what for entry in Ledger().outstanding()] == ["remove two"]
    assert "Not started" not in told.out.getvalue().splitlines()[-1]


def test_a_record_that_cannot_be_written_does_not_hide_what_is_broken(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(tmp_path, drill(files[0]), replace(without(files[0], undo="true {}"), undo_is_noop=False))
    do = Injection._do

    def full(self: Injection, *args: Any) -> None:
        monkeypatch.setattr(Journal, "_append", raising(OSError(28, "No space left on device")))
        do(self, *args)

    monkeypatch.setattr(Injection, "_do", full)
    told.end()
    assert told.outcome == ("not-restored", 50)
    assert not told.record.of("do")


@pytest.mark.parametrize(
    "what",
    [
        "recording.collect",
        "recording.write",
        "abort.to_safe_state",
        "from_folder.judge",
        "Narrator.verdict",
        "Narrator.keep_logs",
    ],
)
def test_what_fails_after_the_undo_does_not_change_the_exit_code_to_a_crash(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    # Longer than what a machine that runs other tests, too, may stand still: then it could say nothing.
    never = eventually(FileThere(str(files[1])).is_(False), within_s=1.0, name="never")
    told = Told(
        tmp_path, drill(files[0], during=(never,)), without(files[0]), pause_on_fail=what == "abort.to_safe_state"
    )
    where, _, name = what.partition(".")
    monkeypatch.setattr(getattr(run, where), name, raising(RuntimeError("boom")))
    told.end()
    assert told.outcome == (("inconclusive", 30) if what == "from_folder.judge" else ("broke", 20))
    assert files[0].exists() and Ledger().outstanding() == []


# ---------------------------------------------------------------- being asked to end


@pytest.mark.parametrize("phase", ["baseline", "fault", "recovery", "settle"])
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_any_phase_restores_first(
    told: Told, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, phase: str, signum: int, code: int
) -> None:
    entered = Observer.phase

    def phases(self: Observer, name: str, enter: Any = None) -> float:
        at_s = entered(self, name, enter)
        if name == phase:
            os.kill(os.getpid(), signum)
        return at_s

    monkeypatch.setattr(Observer, "phase", phases)
    told.end()
    assert told.result.exit_code == code
    assert files[0].exists() and Ledger().outstanding() == []
    then = (
        "undone already, its recovery is not waited for; closing the record"
        if phase in ("recovery", "settle")
        else "nothing to undo"
    )
    assert told.out.getvalue().count(f"{Interrupted(signum)}: {then}\n") == 1
    assert told.out.getvalue().count("Z  interrupted by") == 1


def test_a_signal_between_two_steps_of_a_fault_leaves_the_rest_unbroken(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    change, rest = without(files[0]), tmp_path / "broken"
    steps = (*change.do, Command(("sh", "-c", f"kill -INT {os.getpid()}")), Command(("touch", str(rest))))
    told = Told(tmp_path, drill(files[0]), replace(change, do=steps))
    told.end()
    assert told.result.exit_code == 130 and not rest.exists()
    assert files[0].exists() and Ledger().outstanding() == []


def test_a_freeze_ends_the_fault_and_the_last_lines_say_what_must_be_lifted_first(
    told: Told, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = Observer.phase

    def phases(self: Observer, name: str, enter: Any = None) -> float:
        if name == "fault":
            told.run.freeze.frozen = Frozen("/srv/freeze", "a rollout", "jo")
        return entered(self, name, enter)

    monkeypatch.setattr(Observer, "phase", phases)
    told.end()
    assert told.outcome == ("inconclusive", 30)
    assert "first:     wait until the freeze is lifted, or ask who set it (jo, /srv/freeze): " in told.out.getvalue()


def test_what_is_broken_already_is_paused_before_the_others_are_looked_at(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # no Makefile that has an abort
    never = eventually(FileThere(str(files[1])).is_(False), within_s=1.0, name="never")
    dead = {"status": "stopped", "instance": "", "detail": "exit code 1"}
    seen = {"before": {"db": {"status": "running", "instance": "1:1", "detail": ""}}, "after": {"db": dead}}

    def look(self: Any, when: str, observer: Observer, between: Any) -> None:
        observer.note(EventName.SERVICES, when=when, services=seen[when])

    def pause(target: Any, flags: Any, observer: Observer, *_: Any) -> bool:
        observer.note(EventName.ABORT_STEP, step="POST /pause", at_once=True)
        return True

    monkeypatch.setattr(run.bystanders.Bystanders, "look", look)
    monkeypatch.setattr(run.abort, "to_safe_state", pause)
    told = Told(tmp_path, drill(files[0], recovery=(never,)), without(files[0]), pause_on_fail="broke")
    told.end()
    assert told.outcome == ("broke", 20)
    order = [event["event"] for event in told.record.of("abort step", "services")]
    assert order == ["services", "abort step", "services"]  # before the fault, and after the one pause
    # It is told all the same, live and of the record.
    assert judge_folder(told.result.evidence.path) == told.result.judgement
    assert any("db was running before" in finding.message for finding in told.result.judgement.findings)


def test_not_restored_is_louder_than_a_signal(tmp_path: Path, files: tuple[Path, Path]) -> None:
    told = Told(tmp_path, drill(files[0]), replace(without(files[0], undo="true {}"), undo_is_noop=False))
    do = told.run._break

    def interrupted() -> None:
        do()
        os.kill(os.getpid(), signal.SIGINT)

    told.run._break = interrupted  # type: ignore[method-assign]
    assert told.end().exit_code == 50
    assert f"{Interrupted(signal.SIGINT)}: NOT RESTORED; closing the record\n" in told.out.getvalue()


def test_a_run_that_watches_the_recovery_past_its_lease_is_left_alone_by_heal(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[Entry] = []
    monkeypatch.setattr(Injection, "confirm", _spy(listed, Injection.confirm))
    told = Told(tmp_path, drill(files[0]), without(files[0], lease_s=0.05))
    assert told.end().exit_code == 0
    assert [(entry.state, entry.owned()) for entry in listed] == [("undoing", True)]
    assert Ledger().outstanding() == []


def test_what_comes_back_after_its_undo_is_undone_again_and_said(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm = Injection.confirm

    def broken_again(injection: Injection) -> None:
        files[0].unlink()
        confirm(injection)

    monkeypatch.setattr(Injection, "confirm", broken_again)
    told = Told(tmp_path, drill(files[0]), without(files[0]))
    told.end()
    assert "came back after its undo: remove" in told.out.getvalue()
    assert files[0].exists() and Ledger().outstanding() == []


def test_what_was_never_undone_is_not_said_to_have_come_back(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    monkeypatch.setattr(Narrator, "trying", lambda narrator, times: tries.append(times))
    change = without(files[0])
    undo = Command(("false",))
    told = Told(
        tmp_path, replace(drill(files[0]), undo_timeout_s=0.3), replace(change, undo=(undo,), undo_is_noop=False)
    )
    assert told.end().exit_code == 50
    assert "is not undone yet: remove" in told.out.getvalue() and "came back" not in told.out.getvalue()
    assert tries and min(tries) == 1  # whoever waits is told of each


def _spy(listed: list[Entry], confirm: Callable[[Injection], None]) -> Callable[[Injection], None]:
    def confirmed(injection: Injection) -> None:
        listed.extend(Ledger().outstanding())
        confirm(injection)

    return confirmed


def test_the_ledger_knows_the_guardian_from_the_intent_on(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[Entry] = []
    monkeypatch.setattr(Injection, "_do", _spy_do(listed, Injection._do))
    told = Told(tmp_path, drill(files[0]), without(files[0]))
    guardian = Process("boot", 7, "1")
    monkeypatch.setattr(NoGuardian, "start", lambda self, *_: setattr(self, "process", guardian), raising=False)
    assert told.end().exit_code == 0
    assert [(entry.state, entry.guardian) for entry in listed] == [("intent", guardian)]


def _spy_do(listed: list[Entry], do: Any) -> Any:
    def done(injection: Injection, *arguments: Any) -> None:
        listed.extend(Ledger().outstanding())
        do(injection, *arguments)

    return done


def test_a_stop_that_takes_effect_after_its_step_was_given_up_is_undone_too(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    # As an engine that lets a service drain: it goes on stopping it, whatever becomes of who asked for it. It has done
    # so a second after the undo, however late a busy machine comes to that; the undo's rehearsal has left a mark, too.
    mark = tmp_path / "undone"
    stops = f"until [ -e {mark} ]; do sleep 0.05; done; sleep 1; rm -f {files[0]}"
    stop = f"rm -f {mark}; setsid sh -c '{stops}' >/dev/null 2>&1 & sleep 60"
    change = without(files[0], undo=f"touch {{}} {mark}")
    change = replace(change, do=(Command(("sh", "-c", stop), timeout_s=2.0),))
    told = Told(tmp_path, drill(files[0]), change)
    assert told.end().exit_code == 30
    assert "came after its undo: remove" in told.out.getvalue()
    assert files[0].exists() and Ledger().outstanding() == []

"""A schedule: each fault at its own time, proved and undone there, and all of it mended whatever goes wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.errors import BadExperiment
from blackstart.engine import planning, scheduling
from blackstart.engine.injection import Injection
from blackstart.evidence import journal
from blackstart.evidence.events import EventName
from blackstart.faults.bounce import Bounce
from blackstart.model.change import Change
from blackstart.model.expect import eventually
from blackstart.model.schedule import At
from blackstart.model.target import Target
from blackstart.reports import stretches
from blackstart.reports.story import RunView
from blackstart.safety.ledger.ledger import Ledger
from blackstart.verdict.from_folder import judge_folder
from tests.unit.builders import AFTER, Cut, change, experiment, redis
from tests.unit.histories import history_of
from tests.unit.safety.file_fault import FileThere, without
from tests.unit.stage import Told, drill, raising

TIMES = ((0.3, 0.7), (1.3, 2.5))


def scheduled(tmp_path: Path, files: tuple[Path, Path], first: Change, second: Change, **parts: Any) -> Told:
    """A run in which the first file is away for a while, and then, once that is over, the second."""
    changes = first, second
    faults = tuple(
        At(Cut((one,)), at_s, hold_s, name)
        for one, (at_s, hold_s), name in zip(changes, TIMES, ("one", "two"), strict=True)
    )
    quiet = At(None, 0.0, 0.25, "none")
    made = drill(files[0], faults=(quiet, *faults), **({"during": ()} | parts))
    apart = [(), (replace(first, service="one"),), (replace(second, service="two"),)]  # so that no gap is asked for
    return Told(tmp_path, made, *changes, schedule=scheduling.stretches(made, apart))


def order(told: Told) -> list[str]:
    """What happened, in order: instants, phases, and what was done and undone."""
    words = []
    for event in told.record.events:
        if event["event"] == EventName.INSTANT:
            words.append(f"{event['side']} {event['stretch']}")
        elif event["event"] == EventName.PHASE:
            words.append(f"phase {event['phase']}")
        elif event["event"] in (EventName.DO, EventName.UNDO, EventName.GONE):
            words.append(f"{event['event']} {event['change'].rpartition('#')[2]}")
    return words


def test_each_fault_has_its_time_and_is_proved_undone_before_the_next(tmp_path: Path, files: tuple[Path, Path]) -> None:
    told = scheduled(tmp_path, files, without(files[0]), without(files[1]))
    told.end()
    assert told.outcome == ("held", 0), told.out.getvalue()
    assert order(told) == [
        "phase baseline", "phase fault", "begin none", "end none", "begin one", "do 0", "end one", "undo 0",
        "begin two", "do 1", "gone 0", "end two", "phase recovery", "undo 1", "phase settle", "gone 1", "phase end",
    ]  # fmt: skip
    assert all(path.exists() for path in files) and Ledger().outstanding() == []
    assert judge_folder(told.result.evidence.path) == told.result.judgement
    began_s = next(e["began"] for e in told.record.of(EventName.PHASE) if e["phase"] == "fault")
    planned = [round(e["planned"] - began_s, 3) for e in told.record.of(EventName.INSTANT)]
    assert planned == [0.0, 0.25, 0.3, 1.0, 1.3, 3.8]
    assert all(e["began"] >= e["planned"] for e in told.record.of(EventName.INSTANT))


def test_a_fault_that_comes_again_is_not_taken_for_the_return_of_the_one_before(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    """It begins 0.3 s after the first is over, sooner than that is seen to stay undone."""
    told = scheduled(tmp_path, files, without(files[0]), without(files[0]))
    told.end()
    assert "came back" not in told.out.getvalue() and files[0].exists()
    assert order(told)[4:] == [
        "begin one", "do 0", "end one", "undo 0", "gone 0",
        "begin two", "do 1", "end two", "phase recovery", "undo 1", "phase settle", "gone 1", "phase end",
    ]  # fmt: skip


def test_what_waits_for_the_fault_counts_from_the_first_effect_and_reports_tell_each_stretch(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    soon = eventually(FileThere(str(files[1])).is_(False), within_s=0.2, name="second_soon")
    told = scheduled(tmp_path, files, without(files[0]), without(files[1]), during=(soon,))
    told.end()
    assert told.outcome == ("broke", 20) and "second_soon" in told.result.judgement.reasons[0]
    view = RunView(told.record, told.result.judgement, told.result.evidence.path)
    at_s = {(e["stretch"], e["side"]): e["began"] for e in told.record.of(EventName.INSTANT)}
    assert [(one.name, one.from_s, one.to_s) for one in view.stretches] == [
        (name, at_s[name, "begin"], at_s[name, "end"]) for name in ("none", "one", "two")
    ]
    assert [row[0] for row in stretches.rows(view, history_of())] == ["none", "one", "two"]
    first, second = view.bit_s(0), view.bit_s(1)
    assert first is not None and second is not None and view.undone_s(0) is not None
    assert view.bit_s() == first < second and (view.undone_s(0) or 0) < second
    page = (told.result.evidence.path / "report.html").read_text()
    assert "Stretch by stretch" in page and "one begins" in page
    assert (told.result.evidence.path / "stretches.csv").read_text().startswith("stretch,began,ended,late by,outcome")


@pytest.mark.parametrize("number", [0, 1])
def test_a_step_whose_undo_fails_is_not_restored(tmp_path: Path, files: tuple[Path, Path], number: int) -> None:
    wrong = [without(path, undo="false {}" if place == number else "touch {}") for place, path in enumerate(files)]
    told = scheduled(tmp_path, files, *(replace(one, undo_is_noop=False) for one in wrong))
    told.end()
    assert told.outcome == ("not-restored", 50)
    assert f"remove {files[number].name}" in told.result.judgement.reasons[0]
    assert [entry.id.rpartition("#")[2] for entry in Ledger().outstanding()] == [str(number)]
    assert files[1 - number].exists()
    assert ("begin two" in order(told)) is (number == 1)
    for entry in Ledger().outstanding():
        Ledger().close(entry.id)


def test_a_step_that_does_not_bite_says_so_and_the_rest_is_not_begun(tmp_path: Path, files: tuple[Path, Path]) -> None:
    idle = replace(without(files[0]), do=())
    told = scheduled(tmp_path, files, idle, without(files[1]))
    told.end()
    assert told.outcome == ("inconclusive", 30)
    assert "one did not bite within its 0.7 s" in told.result.judgement.reasons
    assert "begin two" not in order(told) and Ledger().outstanding() == []


def test_what_breaks_off_in_the_second_step_is_mended(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = scheduled(tmp_path, files, without(files[0]), without(files[1]))
    done = Injection._do

    def do(self: Injection, entry: str, change: Change, between: Any) -> None:
        done(self, entry, change, between)
        if entry.endswith("#1"):
            raising(RuntimeError("boom"))()

    monkeypatch.setattr(Injection, "_do", do)
    told.end()
    assert told.outcome == ("inconclusive", 30) and "RuntimeError: boom" in told.result.judgement.reasons
    assert all(path.exists() for path in files) and Ledger().outstanding() == []


def test_what_came_late_by_more_than_a_second_is_inconclusive_and_says_by_how_much(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    slow = replace(without(files[0], undo="sleep 1.6; touch {}"), undo_is_noop=False)
    told = scheduled(tmp_path, files, slow, without(files[1]))
    told.end()
    assert told.outcome == ("inconclusive", 30)
    (reason,) = told.result.judgement.reasons
    late = re.fullmatch(r"two began ([\d.]+) s later than planned", reason)
    assert late and float(late[1]) >= 1.3  # from 1.0 s on, when one ends, its undo takes 1.6 s at least
    assert judge_folder(told.result.evidence.path) == told.result.judgement


# ---------------------------------------------------------------- what is refused

TARGET = Target("trader", api="http://localhost:8000")
ONE, OTHER = Cut((change(),)), Cut((replace(change("stop it"), service="postgres", bites=(redis.is_("x"),)),))


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        (
            (At(ONE, 0, 5, "a"), At(ONE, 6, 5, "b")),
            r"b \(from T\+6 s to T\+11 s\) begins before a .* leave 2 s between",
        ),
        ((At(ONE, 0, 5, "a"), At(ONE, 3, 1, "b")), "both are faults of redis"),
        ((At(ONE, 0, 5), OTHER), "some of its faults have a time, and others none"),
        ((At(ONE, 0, 5, "a"), At(OTHER, 0, 5, "a")), "are named a; name them apart"),
        ((At(ONE, 0, 5, "recovery"),), "are named recovery; name them apart"),
        ((At(None, 0, 5, "nothing"),), "its schedule has no fault"),
        ((At(ONE, 0, 5000),), "takes 5000 s, and the run may take 900 s"),
        ((At(ONE, 0, 700),), "may last 600 s at most"),
        ((At(Cut((change(undo_by_hand=True),)), 0, 5),), "is done by hand"),
    ],
)
def test_a_schedule_that_could_not_be_kept_is_refused(faults: tuple[Any, ...], why: str) -> None:
    with pytest.raises(BadExperiment, match=why):
        planning.make(experiment(faults=faults, recovery=(AFTER,)), TARGET)


def test_a_fault_with_a_hold_of_its_own_has_no_place_in_it() -> None:
    made = experiment(faults=(At(Bounce("redis", 300), 0, 5),))
    with pytest.raises(BadExperiment, match="says itself how long it holds"):
        scheduling.stretches(made, [(change(),)])


@pytest.mark.parametrize("wrong", [{"at_s": -1}, {"at_s": float("nan")}, {"hold_s": 0}, {"fault": None}])
def test_times_that_are_none_are_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        At(**({"fault": ONE, "at_s": 0, "hold_s": 1} | wrong))


def test_faults_of_two_services_may_overlap_and_each_has_its_time_in_the_plan() -> None:
    made = planning.make(experiment(faults=(At(ONE, 1, 5, "a"), At(OTHER, 2, 5, "b")), recovery=(AFTER,)), TARGET)
    assert made.whats == ("stop redis, from T+1 s to T+6 s", "stop it, from T+2 s to T+7 s")


def test_proofs_of_two_steps_that_look_at_the_same_place_for_something_else_have_names_of_their_own() -> None:
    first, second = change(bites=(redis.is_("a"),)), change(bites=(replace(redis, where="elsewhere").is_("b"),))
    one, other = scheduling.told_apart([first, second])
    assert one == first
    assert str(other.bites[0]) == "redis_2 is b" and other.gone == second.gone


def test_a_record_without_a_schedule_is_read_as_before(tmp_path: Path, files: tuple[Path, Path]) -> None:
    told = Told(tmp_path, drill(files[0]), without(files[0]))
    told.end()
    view = RunView(journal.read(told.result.evidence.journal), told.result.judgement, told.result.evidence.path)
    assert view.stretches == () and stretches.rows(view, None) == []

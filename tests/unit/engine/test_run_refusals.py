"""Runs that are refused touch nothing, and runs that end early are inconclusive and mended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base.codec import plain
from blackstart.base.console import Console
from blackstart.base.errors import Refused
from blackstart.engine import fault_phase, observer, run
from blackstart.engine.observer import Observer
from blackstart.model.expect import Expectation, eventually
from blackstart.model.flags import Flags
from blackstart.model.plan import Plan
from blackstart.model.reading import Answer, ReadingKind, Scalar
from blackstart.model.step import Command
from blackstart.safety.heal import restorer
from blackstart.safety.ledger.ledger import Ledger
from tests.unit.safety.file_fault import FileThere, without
from tests.unit.stage import Told, drill, raising


@plain
class NoSuchMetric(FileThere):
    """A series that is not there."""

    @property
    def name(self) -> str:
        return "errors"

    def pick(self, answer: Answer) -> tuple[ReadingKind, Scalar, str]:
        return "absent", None, "no such series"


def before(path: Path, within_s: float) -> Expectation:
    return eventually(FileThere(str(path)).is_(True), within_s=within_s, name="before")


@pytest.fixture
def told(tmp_path: Path, files: tuple[Path, Path]) -> Told:
    return Told(tmp_path, drill(files[0]), without(files[0]))


# ---------------------------------------------------------------- refused: nothing was touched


def test_a_start_that_fails_leaves_neither_folder_nor_lock(
    tmp_path: Path, told: Told, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(run, "Injection", raising(Refused("the state folder can't be made")))
        with pytest.raises(Refused):
            told.run.execute()
    assert list(told.reports.iterdir()) == []
    assert Told(tmp_path, drill(files[0]), without(files[0])).end().exit_code == 0


@pytest.mark.parametrize("where", ["baseline", "while the operator was asked"])
def test_a_baseline_that_does_not_hold_is_refused_and_nothing_touched(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    told = Told(tmp_path, drill(files[0], baseline=(before(files[0], 2.0),)), without(files[0]))
    if where == "baseline":
        files[0].unlink()
    else:

        def prove(plan: Plan, flags: Flags, observer: Observer, console: Console) -> None:
            files[0].unlink()
            assert observer.wait(lambda: observer.latest["one"].value is False, run.clock.now_s() + 20)
            observer.wait(lambda: False, run.clock.now_s() + 2.2)

        monkeypatch.setattr(run.link_check, "prove", prove)
        monkeypatch.setattr(run.rehearsal, "rehearse", lambda changes: [])
    told.end()
    assert told.outcome == ("refused", 40)
    assert (
        not told.record.of("do")
        and "Not started: the baseline does not hold: one is True was wanted within 2 s" in told.out.getvalue()
    )


def test_a_baseline_that_flickers_right_before_the_fault_is_given_a_moment(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(tmp_path, drill(files[0], baseline=(before(files[0], 2.0),)), without(files[0]))
    between, keep_undos = told.run._between, told.run._keep_undos

    def comes_back() -> None:
        files[0].touch()
        between()

    def flickers() -> None:
        files[0].unlink()
        assert told.run.observer.wait(lambda: not told.run.observer.baseline_holds(), run.clock.now_s() + 20)
        monkeypatch.setattr(told.run, "_between", comes_back)
        keep_undos()

    monkeypatch.setattr(told.run, "_keep_undos", flickers)
    broke = told.run._break
    monkeypatch.setattr(told.run, "_break", lambda: (monkeypatch.setattr(told.run, "_between", between), broke()))
    told.end()
    assert told.outcome == ("held", 0), told.out.getvalue()


def test_a_baseline_is_waited_for_as_long_as_it_says_and_the_report_says_the_same(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    files[0].unlink()
    patient, short = before(files[0], 0.9), replace(before(files[1], 0.3), name="sooner")
    told = Told(tmp_path, drill(files[0], baseline=(short, patient)), without(files[0]))
    told.end()
    found = {finding.name: finding for finding in told.result.judgement.findings}
    assert told.outcome == ("refused", 40)
    assert (found["before"].status, found["before"].expected) == ("broke", "eventually one is True within 0.9 s")
    assert found["before"].message.startswith("did not come true within 0.9 s")


def test_the_first_limit_that_a_baseline_misses_ends_the_wait_and_refuses(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    files[0].unlink()
    made = drill(files[0], baseline=(before(files[0], 0.4), replace(before(files[0], 20), name="later")))
    told = Told(tmp_path, made, without(files[0]))
    told.end()
    assert told.outcome == ("refused", 40)
    assert "was wanted within 0.4 s" in told.out.getvalue()


def test_a_fault_whose_proof_is_true_already_is_refused(tmp_path: Path, files: tuple[Path, Path]) -> None:
    vacuous = replace(without(files[0]), bites=(FileThere(str(files[0])).is_(True),))
    told = Told(tmp_path, drill(files[0]), vacuous)
    told.end()
    assert told.outcome == ("refused", 40)
    assert "is true already" in told.out.getvalue()


# ---------------------------------------------------------------- ending early


def test_a_fault_that_does_not_bite_is_inconclusive(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_phase, "BITE_WITHIN_S", 0.3)
    told = Told(tmp_path, drill(files[0]), replace(without(files[0]), do=(Command(("true",)),)))
    told.end()
    assert told.outcome == ("inconclusive", 30)


def test_an_abort_condition_ends_the_fault_and_is_inconclusive(tmp_path: Path, files: tuple[Path, Path]) -> None:
    stop = (FileThere(str(files[0])).is_(False),)
    told = Told(tmp_path, drill(files[0], stop_if=stop, hold_min_s=60.0), without(files[0]))
    told.end()
    assert told.outcome == ("inconclusive", 30)
    assert files[0].exists() and told.record.of("aborted")


def test_an_abort_condition_ends_a_step_that_takes_long_and_the_undo_comes_at_once(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observer, "_LOOK_EVERY_S", 1000.0)  # only the reading itself wakes the run
    long = Command(("sh", "-c", f"rm {files[0]}; exec sleep 300"), timeout_s=1.0 + 300.0)
    monkeypatch.setattr(restorer, "outlasts", lambda change, late_s, *_: late_s == long.timeout_s)
    stop = (FileThere(str(files[0])).is_(False),)
    told = Told(tmp_path, drill(files[0], stop_if=stop), replace(without(files[0]), do=(long,)))
    told.end()
    assert told.outcome == ("inconclusive", 30)
    events = [str(event["event"]) for event in told.record.events]
    assert events.index("do") < events.index("aborted") < events.index("undo") and "did" not in events
    assert files[0].exists() and Ledger().outstanding() == []
    (given_up,) = [event for event in told.record.of("undo said") if "given up" in event["message"]]
    assert "exec sleep 300" in given_up["message"]


def test_an_abort_condition_that_nobody_can_see_is_refused(tmp_path: Path, files: tuple[Path, Path]) -> None:
    blind = (NoSuchMetric(str(files[0])).is_(True),)
    told = Told(tmp_path, drill(files[0], baseline=(before(files[0], 0.5),), stop_if=blind), without(files[0]))
    told.end()
    assert told.outcome == ("refused", 40) and not told.record.of("do")
    assert "nobody could see whether to abort (errors absent)" in told.out.getvalue()


def test_the_longest_total_time_that_is_said_is_the_one_that_counted(tmp_path: Path, files: tuple[Path, Path]) -> None:
    told = Told(tmp_path, drill(files[0], total_max_s=1.0, hold_min_s=60.0), without(files[0]))
    told.end()
    assert "reached its longest total time (1 s)" in told.out.getvalue()


def test_the_longest_total_time_ends_the_fault_even_where_nothing_is_expected_of_it(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    told = Told(tmp_path, drill(files[0], during=(), hold_min_s=60.0, total_max_s=1.0), without(files[0]))
    told.end()
    assert told.outcome == ("inconclusive", 30)
    assert files[0].exists() and "Not started" not in told.out.getvalue()

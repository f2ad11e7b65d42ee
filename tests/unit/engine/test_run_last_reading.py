"""What goes wrong with the last reading of a run is looked at until it is known whether it counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blackstart.base import clock
from blackstart.engine import recording, run
from blackstart.engine.observer import Observer
from blackstart.model.expect import always
from tests.unit.safety.file_fault import FileThere, without
from tests.unit.stage import NoGuardian, Told, drill


@pytest.fixture(autouse=True)
def no_guardian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "Guardian", NoGuardian)


def ends_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put_back: bool) -> Told:
    """A run at the very end of which a file that must be there is away, as one reading has it."""
    path, other = tmp_path / "a", tmp_path / "other"
    path.touch()
    other.touch()
    collect: Callable[..., Any] = recording.collect

    def loses_it(experiment: Any, observer: Observer, between: Any) -> None:
        collect(experiment, observer, between)
        other.unlink()
        assert observer.wait(lambda: observer.latest["other"].value is False, clock.now_s() + 10)
        if put_back:
            other.touch()

    monkeypatch.setattr(recording, "collect", loses_it)
    made = drill(path, always=(always(FileThere(str(other)).is_(True), name="kept"),))
    told = Told(tmp_path, made, without(path))
    told.end()
    return told


def test_a_violation_that_began_with_the_last_reading_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = ends_with(tmp_path, monkeypatch, put_back=False)
    assert told.outcome == ("broke", 20)


def test_a_flicker_in_the_last_reading_is_still_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = ends_with(tmp_path, monkeypatch, put_back=True)
    assert told.outcome == ("held", 0)
    kept = next(finding for finding in told.result.judgement.findings if finding.name == "kept")
    assert "violated in 1 of" in kept.message


def test_a_recovery_that_could_not_be_watched_to_the_end_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    told = Told(tmp_path, drill(path, settle_s=60.0, total_max_s=3.0), without(path))
    told.end()
    assert told.outcome == ("inconclusive", 30)
    assert any("of 60 s, since the run had to end (TOTAL_MAX)" in reason for reason in told.result.judgement.reasons)


def test_what_the_final_state_is_compared_with_is_read_before_anything_is_broken(tmp_path: Path) -> None:
    path, kept = tmp_path / "a", tmp_path / "kept"
    path.touch()
    before, after = FileThere(str(tmp_path / "before")), FileThere(str(kept))
    told = Told(tmp_path, drill(path, collect=(after,), collect_before=(before,)), without(path))
    told.end()
    told_of = [
        event.get("phase") or event["probe"]
        for event in told.record.events
        if event["event"] == "final" or event.get("phase") in ("fault", "end")
    ]
    assert told_of == ["before", "fault", "kept", "end"]

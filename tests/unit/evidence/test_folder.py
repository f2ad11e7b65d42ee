"""Runs are numbered by the day in their reports folder, and a run that was never one gives its number back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blackstart.base import clock
from blackstart.evidence import folder
from blackstart.safety.ledger import undo_copies


def test_runs_of_a_day_are_numbered_one_after_the_other(tmp_path: Path) -> None:
    first, second = (
        folder.make(str(tmp_path), "small", undo_copies.claim),
        folder.make(str(tmp_path), "small", undo_copies.claim),
    )
    assert first.id == f"CHAOS-{first.began:%Y%m%d}-001"
    assert second.id.endswith("-002")


def test_a_discarded_run_gives_its_number_back_and_leaves_nothing(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    folder.discard(folder.make(str(reports), "small", undo_copies.claim), undo_copies.forget)
    assert list(reports.iterdir()) == [] and list((tmp_path / "state" / "runs").iterdir()) == []
    assert folder.make(str(reports), "small", undo_copies.claim).id.endswith("-001")


def test_runs_at_once_get_numbers_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = {
            made.id for made in pool.map(lambda n: folder.make(str(tmp_path), f"e{n}", undo_copies.claim), range(24))
        }
    assert len(ids) == 24


def test_runs_of_one_second_have_names_of_their_own_wherever_they_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    monkeypatch.setattr(clock, "utc_now", lambda: now)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: folder.make(str(tmp_path / f"job{n}"), "small", undo_copies.claim), range(8)))
    assert len({one.run for one in made}) == 8
    assert sorted(one.name for one in tmp_path.glob("job*/small_*")) == sorted(one.path.name for one in made)
    folder.discard(made[0], undo_copies.forget)
    assert folder.make(str(tmp_path / "job9"), "small", undo_copies.claim).run == made[0].run


def test_a_link_that_waits_for_the_log_of_a_run_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(clock, "utc_now", lambda: moment)
    (tmp_path / "small_2026-01-01T00-00-00.log").symlink_to(tmp_path / "nowhere")
    made = folder.make(str(tmp_path), "small", undo_copies.claim)
    assert made.log.name == "small_2026-01-01T00-00-00_2.log" and not made.log.is_symlink()

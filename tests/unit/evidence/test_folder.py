"""Runs are numbered by the day in their reports folder, and a run that was never one gives its number back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from blackstart.evidence import folder


def test_runs_of_a_day_are_numbered_one_after_the_other(tmp_path: Path) -> None:
    first, second = folder.make(str(tmp_path), "small"), folder.make(str(tmp_path), "small")
    assert first.id == f"CHAOS-{first.began:%Y%m%d}-001"
    assert second.id.endswith("-002")


def test_a_discarded_run_gives_its_number_back_and_leaves_nothing(tmp_path: Path) -> None:
    folder.discard(folder.make(str(tmp_path), "small"))
    assert list(tmp_path.iterdir()) == []
    assert folder.make(str(tmp_path), "small").id.endswith("-001")


def test_runs_at_once_get_numbers_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = {made.id for made in pool.map(lambda n: folder.make(str(tmp_path), f"e{n}"), range(24))}
    assert len(ids) == 24

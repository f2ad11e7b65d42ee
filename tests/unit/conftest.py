"""What all unit tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from blackstart.model.change import Change
from blackstart.model.experiment import Experiment
from tests.unit.fake_probes import OPENED, READ
from tests.unit.watched_drill import Scene

# A time limit per example fails on a busy machine, and says nothing about the code.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two files that must be there, for runs of `tests.unit.stage`, whose waits are short and whose locks their own."""
    from blackstart.engine import run  # noqa: PLC0415  (only few tests run the engine)
    from tests.unit.stage import NoGuardian  # noqa: PLC0415

    monkeypatch.setenv("BLACKSTART_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setattr(run, "Guardian", NoGuardian)
    monkeypatch.setattr(run, "STAYS_GONE_S", 0.05)
    monkeypatch.setattr(run, "LONGEST_OVERTIME_S", 0.2)
    for name in ("one", "two"):
        (tmp_path / name).touch()
    return tmp_path / "one", tmp_path / "two"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    """Makes scenes of `tests.unit.watched_drill`, and ends them all."""
    made: list[Scene] = []

    def make(drill: Experiment, *changes: Change) -> Scene:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Scene(folder, drill, *changes))
        return made[-1]

    yield make
    for item in made:
        item.end()


@pytest.fixture
def fresh_fakes() -> Iterator[None]:
    """What `tests.unit.fake_probes` reads and has opened is forgotten between two tests."""
    READ.clear()
    OPENED.clear()
    yield
    READ.clear()

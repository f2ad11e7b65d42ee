"""What all unit tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# A time limit per example fails on a busy machine, and says nothing about the code.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two files that must be there, for runs of `tests.unit.stage`, whose waits are short and whose locks their own."""
    from blackstart import engine  # noqa: PLC0415  (only few tests run the engine)
    from tests.unit.stage import NoGuardian  # noqa: PLC0415

    monkeypatch.setenv("BLACKSTART_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setattr(engine, "Guardian", NoGuardian)
    monkeypatch.setattr(engine, "STAYS_GONE_S", 0.05)
    monkeypatch.setattr(engine, "LONGEST_OVERTIME_S", 0.2)
    for name in ("one", "two"):
        (tmp_path / name).touch()
    return tmp_path / "one", tmp_path / "two"

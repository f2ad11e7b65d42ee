"""What the guardian makes of the words of its run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from blackstart.base import clock
from blackstart.safety.guardian.takeover import RunnerState
from blackstart.safety.guardian.watcher import GuardianProcess
from tests.unit.safety.file_fault import without

LEASE_S = 10.0


@pytest.fixture
def watchman(tmp_path: Path) -> GuardianProcess:
    """One that has heard nothing yet, without a process around it."""
    made: Any = GuardianProcess.__new__(GuardianProcess)
    made.changes = {"r#0": without(tmp_path / "x")}
    made.heard = RunnerState({}, {}, [])
    made.lease_s, made.lease_until_s, made.overdue_s = LEASE_S, clock.now_s() - 1.0, None
    made.wire = SimpleNamespace(send=lambda **_: True)
    made.takeover = SimpleNamespace(known=lambda heard: heard, note=lambda *_, **__: None)
    watchman: GuardianProcess = made
    return watchman


def test_a_run_without_a_lease_may_sleep_while_nothing_is_broken(watchman: GuardianProcess) -> None:
    assert watchman._late(clock.now_s()) == ""
    assert watchman._late(clock.now_s() + 86_400.0) == ""


def test_once_it_has_slept_its_lease_counts_from_its_first_change_on(watchman: GuardianProcess) -> None:
    assert watchman._late(clock.now_s()) == ""
    now_s = clock.now_s()
    assert watchman._hear({"change": "r#0", "state": "doing", "at": now_s}) == ""
    assert watchman._late(now_s + LEASE_S - 1.0) == ""
    assert watchman._late(now_s + LEASE_S + 1.0) == "the run has lost its lease"


def test_a_renewed_lease_counts_from_its_renewal(watchman: GuardianProcess) -> None:
    assert watchman._late(clock.now_s()) == ""
    now_s = clock.now_s()
    for message in ({"change": "r#0", "state": "doing", "at": now_s}, {"lease": now_s + 60.0, "at": now_s + 1.0}):
        assert watchman._hear(message) == ""
    assert watchman._late(now_s + 50.0) == ""

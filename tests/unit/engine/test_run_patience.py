"""A run shows signs of life in every phase, so that its guardian can tell a busy one from a stuck one; and a second
Ctrl-C ends the waits after the restoring."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from blackstart.base import clock
from blackstart.base.errors import Refused
from blackstart.engine import abort, run
from blackstart.model.expect import eventually
from blackstart.model.plan import Plan
from blackstart.model.target import Service, Target
from blackstart.safety.guardian import client
from tests.unit.safety.file_fault import FileThere, without
from tests.unit.stage import NoGuardian, Told, drill

# The longest that a wait of these runs goes on between two signs; a phase without any would be several seconds.
_LONGEST_S = 1.8


class Listening(NoGuardian):
    """Notes each sign of life, and with it the time."""

    signs: list[float] = []

    def problem(self) -> str:
        self.signs.append(clock.now_s())
        return ""

    def tell(self, change_id: str, state: str) -> None:
        self.signs.append(clock.now_s())


@pytest.fixture
def signs(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr(run, "Guardian", Listening)
    monkeypatch.setattr(Listening, "signs", made)
    return made


def longest_s(signs: list[float]) -> float:
    return max(later - earlier for earlier, later in zip(signs, signs[1:], strict=False))


def test_every_phase_shows_signs_of_life(tmp_path: Path, signs: list[float]) -> None:
    path = tmp_path / "a"
    path.touch()
    never = FileThere(str(tmp_path / "never"))
    made = drill(path, hold_min_s=2.0, settle_s=2.0, recovery=(eventually(never.is_(True), within_s=2, name="never"),))
    told = Told(tmp_path, made, without(path))
    began_s = clock.now_s()
    told.end()
    assert told.outcome == ("broke", 20) and clock.now_s() - began_s > 6
    assert longest_s(signs) < _LONGEST_S
    assert client._STUCK_S <= 120 and len(signs) > 50


def test_the_waits_of_an_abort_show_signs_of_life_and_end_at_a_second_ctrl_c(
    tmp_path: Path, signs: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.touch()
    monkeypatch.setattr(abort, "_PAUSED_WITHIN_S", 60.0)
    monkeypatch.chdir(tmp_path)
    never = eventually(FileThere(str(tmp_path / "never")).is_(True), within_s=0.2, name="never")
    told = Told(
        tmp_path, drill(path, during=(never,)), without(path), pause_on_fail=True, abort_command=f"touch {path}-aborted"
    )

    def interrupt() -> None:
        while not Path(f"{path}-aborted").exists():
            threading.Event().wait(0.01)
        threading.Event().wait(2.5)
        os.kill(os.getpid(), signal.SIGINT)

    hand = threading.Thread(target=interrupt)
    hand.start()
    began_s = clock.now_s()
    told.end()
    hand.join()
    assert clock.now_s() - began_s < 20 and path.exists()
    (verified,) = told.record.of("abort verified")
    assert verified["hurried"] and not verified["ok"] and told.result.exit_code == 130
    assert "NOBODY HAS SEEN" in told.out.getvalue()
    assert longest_s(signs) < _LONGEST_S


def test_a_run_built_without_the_command_has_its_guard_rails(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    told = Told(tmp_path, drill(path), without(path))
    plan: Plan = told.run.plan
    object.__setattr__(plan, "target", Target("far", api="http://example.org", services={"file": Service("file")}))
    with pytest.raises(Refused, match="is at example.org, not on this machine"):
        told.run.execute()
    assert path.exists() and not (tmp_path / "reports").exists()

"""What can't be read did not come back: looks at a container through an engine that answers late, once or always."""

from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base.errors import Refused
from blackstart.controls.docker import Docker
from blackstart.model.change import Change
from blackstart.probes.control_state import ControlState
from blackstart.safety.heal import restore
from blackstart.safety.heal.restore import stays_gone
from blackstart.safety.preflight import rehearsal
from tests.unit.safety.file_fault import without
from tests.unit.safety.heal.test_restorer import restorer

ENGINE = """#!/bin/sh
case $1 in ps) echo abc; exit ;; esac
[ ! -e {0}/asleep ] || {{ [ -e {0}/always ] || rm {0}/asleep; sleep 30; }}
[ ! -e {0}/slow ] || sleep 1.2
[ -e {0}/up ] && echo 'no {{"Status":"running","Pid":7}}' || echo 'no {{"Status":"exited"}}'
"""


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Change:
    """The file `up` says that the container runs; the file `asleep` that the next look at it is late."""
    monkeypatch.setattr(restore, "_READ_TIMEOUT_S", 0.5)
    monkeypatch.setattr(restore, "_UNREAD_FOR_S", 1.0)
    engine = tmp_path / "docker"
    engine.write_text(ENGINE.format(tmp_path))
    engine.chmod(0o755)
    (tmp_path / "up").touch()
    shown = ControlState("redis", Docker(container="redis", name="redis", engine=str(engine)))
    return replace(without(tmp_path / "up"), gone=(shown.is_("running"),))


def late(tmp_path: Path, *, always: bool = False) -> None:
    (tmp_path / "asleep").touch()
    if always:
        (tmp_path / "always").touch()


def test_one_late_look_is_not_taken_for_the_faults_return(
    tmp_path: Path, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "_UNREAD_FOR_S", 10.0)  # to end a late one may take long, too
    late(tmp_path)
    assert stays_gone(change, 0.0) is True
    late(tmp_path)
    said: list[str] = []
    assert restorer(said).confirm("r#0", change, 0.3)
    assert said[0] == "undone, and proved: remove up"


def test_what_is_never_read_could_not_be_told_and_is_not_said_to_have_come_back(tmp_path: Path, change: Change) -> None:
    late(tmp_path, always=True)
    assert stays_gone(change, 0.0) is None
    said: list[str] = []
    assert not restorer(said, 1.0).confirm("r#0", change)
    assert said[0] == "can't be told, since it can't be read: whether it stays undone: remove up; undoing it again"
    assert "redis_status was timed out" in said[-1] and "did not come back within" in said[-1]
    assert "came back after" not in "".join(said)


def test_what_did_come_back_is_told_so_although_looks_were_late(tmp_path: Path, change: Change) -> None:
    (tmp_path / "up").unlink()
    late(tmp_path)
    assert stays_gone(change, 5.0) is False


def test_a_drill_is_not_refused_for_an_engine_that_is_slow(
    tmp_path: Path, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "_SEEN_WITHIN_S", 0.3)
    monkeypatch.setattr(restore, "_UNREAD_FOR_S", 4.0)
    (tmp_path / "slow").touch()
    assert rehearsal.rehearse([change]) == ["rehearsed the undo of: remove up"]
    late(tmp_path, always=True)
    with pytest.raises(Refused, match="can't be read, so that nobody knows whether it is well: redis_status was timed"):
        rehearsal.rehearse([change])


def test_a_drill_is_refused_for_what_is_seen_to_be_down(
    tmp_path: Path, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "_SEEN_WITHIN_S", 0.3)
    (tmp_path / "up").unlink()
    with pytest.raises(Refused, match="the system does not look healthy to begin with: redis_status was stopped"):
        rehearsal.rehearse([change])


def test_an_engine_that_does_not_answer_says_nothing_of_the_container(tmp_path: Path, change: Change) -> None:
    (tmp_path / "docker").write_text(
        "#!/bin/sh\necho 'dial unix /run/docker.sock: no such file or directory' >&2; exit 1"
    )
    assert stays_gone(change, 0.0) is None

"""Where a lab's files lie."""

import os
from pathlib import Path

import pytest

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.workspace import Workspace, exclusive
from tests.requirements import require


def test_state_folder_follows_the_environment(own_state: Path) -> None:
    assert Workspace("trader").folder == own_state / "labs" / "trader"


def test_socket_path_stays_short_however_long_the_state_path_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLACKSTART_STATE", "/tmp/" + "long/" * 40)
    workspace = Workspace("trader")
    assert len(str(workspace.supervisor_socket)) < 90
    assert workspace.supervisor_socket.parent == workspace.outside


def test_two_states_have_two_outside_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLACKSTART_STATE", "/tmp/one")
    first = Workspace("trader").outside
    monkeypatch.setenv("BLACKSTART_STATE", "/tmp/two")
    assert Workspace("trader").outside != first


def test_outside_folder_lets_others_through_however_strict_the_umask_is(own_state: Path) -> None:
    workspace = Workspace("trader")
    before = os.umask(0o077)
    try:
        workspace.create()
    finally:
        os.umask(before)
    try:
        assert workspace.outside.stat().st_mode & 0o777 == 0o711
    finally:
        workspace.remove()


def test_outside_folder_that_somebody_else_has_put_there_is_refused(own_state: Path) -> None:
    workspace = Workspace("trader")
    workspace.outside.symlink_to("/etc")
    try:
        with pytest.raises(NotStarted, match="is in the way and not ours"):
            workspace.create()
        workspace.remove()
        assert workspace.outside.is_symlink()  # what is not ours is not deleted
    finally:
        workspace.outside.unlink()


def test_second_command_at_the_same_time_is_refused(own_state: Path) -> None:
    with exclusive(), pytest.raises(NotStarted, match="another lab command is at work"), exclusive():
        pass
    with exclusive():
        pass  # free again


def test_state_folder_that_can_not_be_made_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BLACKSTART_STATE", str(tmp_path / "file" / "state"))
    with pytest.raises(NotStarted, match="BLACKSTART_STATE moves it"), exclusive():
        pass


@pytest.mark.parametrize("planted", ["folder", "link", "labs"])
def test_a_state_folder_that_another_user_has_put_there_is_refused(
    own_state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, planted: str
) -> None:
    require("root")
    monkeypatch.delenv("SUDO_UID", raising=False)
    (tmp_path / "theirs").mkdir()
    state = tmp_path / "shared"
    match planted:
        case "folder":
            state.mkdir()
            os.chown(state, 12_345, 12_345)
        case "link":
            state.symlink_to(tmp_path / "theirs")
            os.lchown(state, 12_345, 12_345)
        case "labs":
            state.mkdir()
            (state / "labs").symlink_to(tmp_path / "theirs")
            os.lchown(state / "labs", 12_345, 12_345)
    monkeypatch.setenv("BLACKSTART_STATE", str(state))
    with pytest.raises(NotStarted, match="is another user's; set BLACKSTART_STATE"), exclusive():
        pass
    assert not (tmp_path / "theirs" / "labs.lock").exists()


def test_remove_takes_everything_away(own_state: Path) -> None:
    workspace = Workspace("trader")
    workspace.create()
    workspace.target_file.write_text("")
    (workspace.outside / "data").mkdir()
    workspace.remove()
    assert not workspace.folder.exists()
    assert not workspace.outside.exists()
    assert os.path.isdir(own_state / "labs")

"""The state folder: whose it is, and what is said where it can't be used or found."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from blackstart.base.errors import Refused
from blackstart.base.state import invoke, keep_way, state_dir, state_path
from blackstart.safety.heal import elsewhere, notice
from tests.requirements import require

NOBODY = 12_345


def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs as a number without a name."""
    for name in ("BLACKSTART_STATE", "XDG_STATE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)


def test_a_user_without_a_home_is_refused_with_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    no_home(monkeypatch)
    with pytest.raises(Refused, match="nobody can tell where the state folder is.*Set BLACKSTART_STATE"):
        state_dir()


def test_a_user_without_a_home_is_told_that_nothing_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    no_home(monkeypatch)
    assert notice.unattended().startswith("whether something is still broken can't be told: nobody can tell where")


def as_nobody(state: Path, code: str) -> str:
    """What a process of another user, with this state folder, prints; it is imported first, as root."""
    loaded = "import os; from blackstart.base import state; from blackstart.safety.heal import notice"
    program = f"{loaded}; os.setuid({NOBODY}); {code}"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "BLACKSTART_STATE": str(state)}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_the_state_folder_of_root_is_refused_to_others_with_the_way_to_use_it() -> None:
    require("root")
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders let nobody else in
        Path(folder).chmod(0o755)
        state = Path(folder) / "theirs"
        state.mkdir(mode=0o700)
        (state / "ledger.db").touch()
        told = as_nobody(state, "state.state_dir()")
        assert "Not started: the state folder" in told and "it is root's" in told and "again with sudo" in told
        assert "can't be told" in as_nobody(state, "print(notice.unattended())")


def test_what_mends_a_run_of_sudo_is_typed_with_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("BLACKSTART_RUN", "/b/run")
    monkeypatch.setenv("BLACKSTART_STATE", "/s")
    monkeypatch.setenv("SUDO_UID", "1000")
    assert elsewhere.heal_command() == "sudo BLACKSTART_STATE=/s /b/run chaos.heal"
    monkeypatch.setenv("SUDO_UID", "0")
    assert elsewhere.heal_command() == "BLACKSTART_STATE=/s /b/run chaos.heal"
    monkeypatch.delenv("BLACKSTART_STATE")
    monkeypatch.setenv("SUDO_UID", "1000")
    assert elsewhere.heal_command() == "sudo /b/run chaos.heal"


def test_what_mends_names_the_state_folder_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BLACKSTART_STATE", "state")
    monkeypatch.delenv("SUDO_UID", raising=False)
    assert elsewhere.heal_command().startswith(f"BLACKSTART_STATE={tmp_path}/state ")
    assert state_path() == tmp_path / "state"


def test_a_state_folder_that_everybody_may_write_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLACKSTART_STATE", str(tmp_path / "lax"))
    state_dir().chmod(0o777)
    with pytest.raises(Refused, match=r"everybody may write .* chmod o-w "):
        state_dir()
    (tmp_path / "lax").chmod(0o775)
    assert state_dir() == tmp_path / "lax"


def test_a_state_folder_of_another_user_is_refused_though_root_could_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("root")
    monkeypatch.delenv("SUDO_UID", raising=False)
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, NOBODY, NOBODY)
    monkeypatch.setenv("BLACKSTART_STATE", str(theirs))
    with pytest.raises(Refused, match=f"the state folder .* is the user {NOBODY}'s, .* carried out as root"):
        state_dir()
    monkeypatch.setenv("SUDO_UID", str(NOBODY))  # who asked for it by sudo may have anything done
    assert state_dir() == theirs


def test_a_link_to_the_state_folder_is_followed_where_it_is_ours_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("root")
    monkeypatch.delenv("SUDO_UID", raising=False)
    (tmp_path / "real").mkdir(mode=0o700)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    monkeypatch.setenv("BLACKSTART_STATE", str(link))
    assert state_dir() == link
    os.lchown(link, NOBODY, NOBODY)
    with pytest.raises(Refused, match=f"the link to the state folder .* is the user {NOBODY}'s"):
        state_dir()


@pytest.mark.parametrize("name", ["invoke", "blackstart"])
def test_what_is_to_be_typed_is_what_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("BLACKSTART_RUN", raising=False)
    program = tmp_path / "of mine" / name
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program), "chaos.heal"])
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert invoke() == f"'{program}'"  # it is on no PATH
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    assert invoke() == name


def test_who_prints_for_a_run_prints_what_started_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLACKSTART_RUN", "/x/scripts/run")
    keep_way()
    assert invoke() == os.environ["BLACKSTART_RUN"] == "/x/scripts/run"
    monkeypatch.delenv("BLACKSTART_RUN")
    (tmp_path / "blackstart").touch(0o755)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "blackstart")])
    keep_way()
    monkeypatch.setattr(sys, "argv", ["-m"])  # as in the guardian, which inherits the environment
    assert invoke() == str(tmp_path / "blackstart")


def test_a_program_of_another_name_says_nothing_of_how_ours_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLACKSTART_RUN", raising=False)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/pytest"])
    keep_way()
    assert invoke() == "invoke" and "BLACKSTART_RUN" not in os.environ

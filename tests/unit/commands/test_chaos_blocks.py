"""`dsl.check` and `dsl.format`: exit codes, what is said, and files that are whole or untouched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blackstart.base.secrets.redact import Redactor
from blackstart.commands import chaos_blocks
from blackstart.commands.answer import answering
from blackstart.dsl.parse import parse
from tests.unit.dsl.documents import CHECKOUT, CONCURRENT, CONFLICT

WRONG = CONCURRENT.replace("concurrent_requests", "concurent_requests")
UNTIDY = CONFLICT.replace("  ", " ")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.isl").write_text(CONCURRENT)
    (tmp_path / "deep" / "b.isl").write_text(UNTIDY)
    (tmp_path / "c.isl").write_text("domain D { }\n")
    (tmp_path / "notes.txt").write_text("chaos {")
    return tmp_path


def test_right_files_are_told_with_what_they_hold(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert chaos_blocks.check(str(CHECKOUT)) == 0
    assert capsys.readouterr().out == f"{CHECKOUT}: 2 chaos blocks, 9 scenarios\n"
    assert chaos_blocks.check(str(folder)) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}/a.isl: 1 chaos block, 1 scenario",
        f"{folder}/c.isl: 0 chaos blocks, 0 scenarios",
        f"{folder}/deep/b.isl: 1 chaos block, 1 scenario",
    ]


def test_mistakes_are_told_in_their_places_and_are_a_refusal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.isl").write_text(WRONG)
    assert chaos_blocks.check(str(folder)) == 40
    assert capsys.readouterr().err.splitlines() == [
        f'{folder}/a.isl:3:13: unknown injection "concurent_requests". Did you mean "concurrent_requests"?',
        "      inject: concurent_requests(count: 10)",
        "              ^",
        f"Not started: 1 mistake in {folder}; nothing was written",
    ]


def test_where_there_is_no_block_nothing_was_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert chaos_blocks.check(str(folder / "c.isl")) == 30
    assert "no chaos block, so nothing was checked" in capsys.readouterr().err
    (folder / "empty").mkdir()
    assert chaos_blocks.check(str(folder / "empty")) == 40
    assert chaos_blocks.check(str(folder / "away.isl")) == 40
    assert "away.isl:1:1: can't be read: No such file" in capsys.readouterr().err


def test_files_are_brought_into_form_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "deep" / "b.isl"
    path.chmod(0o640)
    (folder / "link.isl").symlink_to(path)
    assert chaos_blocks.rewrite(str(folder), True) == 20
    assert path.read_text() == UNTIDY and f"{path}: is not in form" in capsys.readouterr().out
    assert chaos_blocks.rewrite(str(folder / "link.isl"), False) == 0
    assert path.read_text() == CONFLICT and path.stat().st_mode & 0o777 == 0o640 and (folder / "link.isl").is_symlink()
    assert chaos_blocks.rewrite(str(folder), True) == 0
    assert sorted(os.listdir(folder / "deep")) == ["b.isl"]


def test_no_file_is_written_where_one_is_wrong(folder: Path) -> None:
    (folder / "z.isl").write_text("chaos {")
    assert chaos_blocks.rewrite(str(folder), False) == 40
    assert (folder / "deep" / "b.isl").read_text() == UNTIDY


def test_any_command_tells_a_wrong_specification_in_its_places(capsys: pytest.CaptureFixture[str]) -> None:
    @answering()
    def run(_: Redactor) -> int:
        return len(parse(WRONG, "shop.isl").blocks)

    assert run() == 40
    assert capsys.readouterr().err.splitlines()[1:] == [
        "      inject: concurent_requests(count: 10)",
        "              ^",
        "Not started: shop.isl is not right: see above",
    ]

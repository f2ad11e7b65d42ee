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


BURST, DOWN = "inject: concurrent_requests(count: 2)", "inject: database_failure(target: Orders)"


@pytest.mark.parametrize(
    ("members", "place", "told"),
    [
        ((DOWN, "expect: eventually_succeeds"), (4, 13), "eventually_succeeds is about what is sent again"),
        (("inject: latency(delay: 0.3ms)", "expect: no_timeout_errors"), (3, 13), "latency_ms must be above 0"),
        (("inject: latency(delay: 10ms, jitter: 1s)", "expect: no_timeout_errors"), (3, 13), "jitter_ms must be"),
        (("inject: rate_limit_storm(requests: 9, window: 1s, limit: 1)", "expect: exactly_one_created"), (4, 13),
         "each request of a storm has a key of its own"),
        ((BURST, "expect: error_returned(DOWN)"), (4, 13), "nothing is broken here"),
        ((BURST, "expect: eventually within 5s: result is success"), (4, 13), "nothing is broken here"),
        (("inject: network_failure(probability: 0.5)", "expect: no_timeout_errors"), (4, 13),
         "the clients' own way is broken"),
        ((BURST, DOWN, "expect: no_data_corruption"), (3, 13), "beside another injection"),
        (("inject: clock_skew(target: Orders, offset: 1s)", "expect: no_data_corruption"), (3, 13), "offset_s must be"),
        ((DOWN, "when { result = Other(input) }", "expect: no_data_corruption"), (4, 12), "result = Open(input)"),
    ],
)  # fmt: skip
def test_what_no_target_could_run_is_told_in_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], members: tuple[str, ...], place: tuple[int, int], told: str
) -> None:
    path = tmp_path / "a.isl"
    path.write_text(f'chaos Open {{\n  scenario "it" {{\n    {(chr(10) + "    ").join(members)}\n  }}\n}}\n')
    assert chaos_blocks.check(str(path)) == 40
    first, *_ = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{path}:{place[0]}:{place[1]}: ") and told in first, first


def test_of_a_scenario_all_that_no_target_could_run_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.isl"
    path.write_text(f"""chaos {{ scenario "it" {{ {BURST}
      expect: error_returned(DOWN)
      expect: exactly_one_created
      expect: eventually_succeeds }} }}""")
    assert chaos_blocks.check(str(path)) == 40
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith(str(path))]
    assert [line.split(":")[1] for line in told] == ["2", "4"]


@pytest.mark.parametrize(
    "members",
    ["inject: latency(p99: 1s, target: Orders) expect: no_timeout_errors",
     "inject: database_failure(operation: insert) retries: 3 expect: eventually_succeeds",
     "inject: network_partition(target: CheckoutAPI) expect: response_within(5s)",
     "inject: latency(delay: 1s) timeout: 1s expect: no_timeout_errors",
     "inject: memory_pressure(target: Nowhere, usage: 0.9) expect: no_duplicate_charges",
     "inject: cpu_pressure(target: A, load: 90%) when { result = Anything(input) } timeout: 30s expect: "
     "eventual_consistency", 'with: idempotency_key("k") expect: CONFLICT when parameters differ',
     "inject { network_latency(target: A, delay: 1s) database_failure(mode: TIMEOUT) } expect: no_data_corruption"],
)  # fmt: skip
def test_what_one_target_lacks_or_is_is_no_mistake_of_the_file(tmp_path: Path, members: str) -> None:
    path = tmp_path / "a.isl"
    path.write_text(f'chaos {{ scenario "it" {{ {members} }} }}')
    assert chaos_blocks.check(str(path)) == 0


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

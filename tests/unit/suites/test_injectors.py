"""A user's injectors are found where their experiments are, are no experiments, and run only where they are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from blackstart.base.errors import BadExperiment
from blackstart.commands import chaos_blocks
from blackstart.suites.discovery import everything
from blackstart.suites.injectors import Own, injected_as, words

DISK = """
from pathlib import Path

Path(__file__).with_name("trace").touch()

from blackstart.dsl import injector
from blackstart.model.target import Service


class DiskFull(injector.Injector):
    def __init__(self, target: Service, megabytes: int) -> None: ...
    def activate(self): ...
    def deactivate(self): ...
    def get_state(self): ...
"""
SPEC = 'chaos { scenario "s" { inject: disk_full(target: A, megabytes: 3) expect: no_timeout_errors } }\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BLACKSTART_PATH", raising=False)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "disk.py").write_text(DISK)
    (tmp_path / "spec.isl").write_text(SPEC)
    return tmp_path


def test_a_class_is_injected_by_its_name() -> None:
    names = ["DiskFull", "DiskFullInjector", "HTTPDown", "Dns2Away", "Slow"]
    assert [injected_as(name) for name in names] == ["disk_full", "disk_full", "http_down", "dns2_away", "slow"]


def test_it_is_found_beside_experiments_and_on_the_path_and_is_none(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(Own()) == ["disk_full"] and "disk" not in {found.name for found in everything()}
    (here / "more").mkdir()
    (here / "more" / "slow.py").write_text(DISK.replace("DiskFull(injector.Injector)", "Slow(injector.Injector)"))
    (here / "more" / "_not.py").write_text(DISK)
    monkeypatch.setenv("BLACKSTART_PATH", str(here / "more"))
    assert list(Own()) == ["disk_full", "slow"]
    assert not (here / "experiments" / "trace").exists()
    assert Own()["slow"].__name__ == "Slow" and set(words()["disk_full"].parameters) == {
        "target", "megabytes", "duration",
    }  # fmt: skip


def test_a_file_runs_only_for_a_block_that_uses_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "experiments" / "broken.py").write_text(DISK.replace("DiskFull", "Broken") + "1 / 0\n")
    (here / "other.isl").write_text(SPEC.replace("disk_full", "disk_ful"))
    assert chaos_blocks.check("other.isl") == 40
    assert 'unknown injection "disk_ful". Did you mean "disk_full"?' in capsys.readouterr().err
    assert not (here / "experiments" / "trace").exists()
    assert chaos_blocks.check("spec.isl") == 0
    (here / "other.isl").write_text(SPEC.replace("megabytes", "megabyte"))
    assert chaos_blocks.check("other.isl") == 40
    assert 'disk_full has no parameter "megabyte". Did you mean "megabytes"?' in capsys.readouterr().err
    (here / "other.isl").write_text(SPEC.replace("disk_full", "broken"))
    assert chaos_blocks.check("other.isl") == 40
    assert "experiments/broken.py: ZeroDivisionError in line" in capsys.readouterr().err


def test_a_name_means_one_injection(here: Path) -> None:
    path = here / "experiments" / "more.py"
    path.write_text(DISK.replace("DiskFull", "LatencyInjector"))
    with pytest.raises(BadExperiment, match=r"more\.py: LatencyInjector is injected as latency, which is one of Bla"):
        Own()
    path.write_text(DISK)
    with pytest.raises(BadExperiment, match=r"more\.py: DiskFull is injected as disk_full, which is one of .*disk\.py"):
        Own()


def test_what_only_looks_like_one_is_refused(here: Path) -> None:
    (here / "experiments" / "odd.py").write_text("class Injector: ...\n\n\nclass Odd(Injector): ...\n")
    with pytest.raises(BadExperiment, match="Odd is not derived from blackstart.dsl.injector.Injector"):
        Own()["odd"]

"""Records of November 2026, made before classes had tags, are judged, verified, shown and healed as they were then."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from blackstart.base.state import state_dir
from blackstart.commands import attesting, report
from blackstart.safety.heal import heal, strange_copy
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.processes.namespaces import here
from tests.services import Supervised, connects, pings, supervised_redis

SAMPLES = Path(__file__).parents[1] / "samples" / "records-2026-11"
HELD = "held/leader_lock_2026-11-28T06-35-49"
BROKE = "broke/redis_latency_2026-11-28T06-37-09"
KILLED = "killed/leader_lock_2026-11-28T06-36-17"
RUN = Path(KILLED).name


@pytest.mark.parametrize(("run", "verdict", "sealed"), [(HELD, 0, 0), (BROKE, 20, 0), (KILLED, 50, 30)])
def test_they_are_judged_verified_and_shown_as_they_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], run: str, verdict: int, sealed: int
) -> None:
    folder = str(SAMPLES / run)
    assert report.judge(folder, "") == verdict
    assert "NOT the same as recorded" not in capsys.readouterr().out
    assert attesting.check(folder, "") == sealed
    assert report.show(folder, "") == 0
    assert report.write_html(folder, "", str(tmp_path / "page.html")) == 0
    assert report.show_trend(folder, "", "20", "", False) == 0


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("supervised")) as made:
        yield made


def moved(tmp_path: Path, config: Path, port: int = 1) -> Path:
    """The killed run's evidence and ledger as if they had been made on this machine; returns the evidence."""
    evidence = tmp_path / "reports" / RUN
    shutil.copytree(SAMPLES / KILLED, evidence)
    swaps = {
        "/tmp/R/st/labs/trader/supervisord.conf": str(config),
        "/root/w/R/.venv/bin/supervisorctl": str(Path(sys.executable).with_name("supervisorctl")),
        "127.0.0.1:22618": f"127.0.0.1:{port}",
        "d736d552bdc79275": here().machine,
        f"/tmp/R/rep2/{RUN}": str(evidence),
    }
    dump, undo = (SAMPLES / "killed" / "ledger.sql").read_text(), (evidence / "undo.json").read_text()
    for old, new in swaps.items():
        dump, undo = dump.replace(old, new), undo.replace(old, new)
    (evidence / "undo.json").write_text(undo)
    state_dir().joinpath("runs").mkdir()
    state_dir().joinpath("runs", RUN).symlink_to(evidence)  # as it was then
    with sqlite3.connect(Ledger().path) as connection:
        connection.executescript(dump)
    return evidence


def test_what_the_old_ledger_lists_is_mended(lab: Supervised, tmp_path: Path) -> None:
    evidence = moved(tmp_path, lab.config, lab.port)
    lab.ctl("stop", "redis")
    assert heal.status(lambda text: None, tmp_path / "reports") == 50
    said: list[str] = []
    assert heal.heal(said.append, tmp_path / "reports") == 0, said
    assert pings(lab.port) and Ledger().outstanding() == [] and not (evidence / undo_copies.NAME).exists()
    assert attesting.check(str(evidence), "") == 30


def test_what_was_broken_in_a_lab_that_is_gone_is_closed(tmp_path: Path) -> None:
    moved(tmp_path, state_dir() / "labs" / "trader" / "supervisord.conf")
    said: list[str] = []
    assert heal.heal(said.append, tmp_path / "reports") == 0, said
    assert "the lab trader was taken down" in said[-2] and Ledger().outstanding() == []


def test_an_old_undo_json_whose_ledger_is_lost_is_mended_once_it_is_agreed_to(lab: Supervised, tmp_path: Path) -> None:
    evidence = moved(tmp_path, lab.config, lab.port)
    Ledger().path.unlink()
    lab.ctl("stop", "redis")
    said: list[str] = []
    assert heal.heal(said.append, tmp_path / "reports") == 0
    assert "as those of older versions" in said[0] and "--from" in said[0] and not connects(lab.port)
    assert (
        heal.heal(said.append, tmp_path / "reports", take=partial(strange_copy.take, evidence, print, lambda: True))
        == 0
    )
    assert pings(lab.port) and not (evidence / undo_copies.NAME).exists(), said

"""Every task says that something is broken and how to mend it, or mends it; telling changes nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from invoke.context import Context

from blackstart.safety.heal import notice
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.processes.identity import Process, boot_id
from blackstart.tasks import namespace
from tests.unit.safety.file_fault import without

MEND = {"chaos.heal", "chaos.status", "chaos.run", "chaos.suite", "gateway.suite", "gateway.run", "chaos.leader-lock"}


def broken(tmp_path: Path, runner: Process | None = None) -> Path:
    ledger, change = Ledger(), without(tmp_path / "x")
    ledger.intend(entry_id="r#0", run="r", experiment="e", target="t", change=change, evidence=tmp_path, lease_s=60.0)
    if runner:
        (entry,) = ledger.outstanding()
        ledger.put(replace(entry, runner=runner))
    return ledger.path


DEAD = Process(boot_id(), 2**22 - 1, "1")


def test_what_a_dead_run_left_is_told_in_one_line_with_what_mends_it(tmp_path: Path) -> None:
    path = broken(tmp_path, DEAD)
    before = (path.read_bytes(), sorted(os.listdir(path.parent)))
    line = notice.unattended()
    assert "what r did" in line and line.endswith("invoke chaos.heal") and "\n" not in line
    assert (path.read_bytes(), sorted(os.listdir(path.parent))) == before and not (tmp_path / "x").exists()


def test_nothing_is_told_where_nothing_is_broken_or_somebody_looks_after_it(tmp_path: Path, own_state: Path) -> None:
    assert notice.unattended() == "" and not own_state.exists()
    broken(tmp_path)
    assert notice.unattended() == ""


@pytest.mark.parametrize("rubbish", [b"", b"rubbish" * 1000])
def test_a_ruined_ledger_is_told(tmp_path: Path, rubbish: bytes) -> None:
    broken(tmp_path, DEAD).write_bytes(rubbish)
    assert "can't be read" in notice.unattended()


def test_every_task_tells_or_mends() -> None:
    root: Any = namespace()
    tasks = {f"{name}.{task}": made for name, part in root.collections.items() for task, made in part.tasks.items()}
    silent = {name for name, made in tasks.items() if not getattr(made.body, "notices", False)}
    assert silent >= MEND
    assert {"lab.up", "lab.down", "proxy.up", "proxy.down", "chaos.plan", "chaos.list", "report.show"} <= {
        *tasks
    } - silent
    assert all(name in MEND or getattr(tasks[name].body, "mends_first", False) for name in silent)


def test_a_task_tells_it_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(tmp_path, DEAD)
    root: Any = namespace()
    root.collections["chaos"].tasks["list"](Context())
    out, err = capsys.readouterr()
    assert "leader-lock" in out and "STILL BROKEN" in err and len(Ledger().outstanding()) == 1

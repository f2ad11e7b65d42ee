"""What a run prints last, as a tired person sees it: golden files of each situation, narrow and wide.

A golden file is made anew where GOLDEN=1 is set, to be looked at before it is committed.
"""

from __future__ import annotations

import io
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from blackstart.base.console import Console
from blackstart.engine import recording
from blackstart.engine.narrator import Narrator
from blackstart.evidence.folder import Folder
from tests.unit.reports.drills import Drill, judged, told
from tests.unit.reports.test_standing import ApiDies
from tests.unit.stage import TARGET

GOLDEN = Path(__file__).with_name("golden")
PAUSED = {"ok": True, "state": "paused", "of": "trading", "resume": "curl -X POST http://127.0.0.1:8000/resume"}
SITUATIONS = {
    "held": Drill(),
    "broke_by_one_cause": ApiDies(end_s=9.5),
    "broke_by_several": Drill(leads_again=False, end_s=9.5, health=lambda at_s: ("value", "ill" if at_s > 6 else "ok")),
    "inconclusive": Drill(bites=False),
    "refused": Drill(stop_at="fault", extra=[("refused", {"message": "Not started: the baseline does not hold"})]),
    "not_restored": Drill(gone_ok=False),
    "not_restored_and_paused": Drill(gone_ok=False, extra=[("abort", {}), ("abort verified", PAUSED)]),
    "interrupted": Drill(end_s=5.0, extra=[("interrupted", {"message": "interrupted by SIGINT"})]),
}  # fmt: skip


class Screen(io.StringIO):
    """A terminal of that width."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns

    def isatty(self) -> bool:
        return True


def printed(
    drill: Drill, path: Path, columns: int, coloured: bool, monkeypatch: pytest.MonkeyPatch, quiet: bool = False
) -> str:
    monkeypatch.setenv("BLACKSTART_RUN", "blackstart")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("BLACKSTART_STATE", raising=False)
    where = told(replace(drill, again="blackstart chaos.leader-lock --target=trader"), path)
    out = Screen(columns) if coloured else io.StringIO()
    console = Console(not coloured, out=out, source=Screen(columns))
    console.quiet = quiet
    monkeypatch.setattr(Console, "columns", columns)
    folder = Folder(where.name, where, datetime(2026, 11, 20, 14, 30, tzinfo=UTC), "CHAOS-20261120-001")
    plan = SimpleNamespace(target=TARGET)
    narrator = Narrator(console, None, plan)  # type: ignore[arg-type]
    narrator.verdict(recording.view_of(folder, judged(where)[1]), folder)
    return out.getvalue().replace(str(path), "/reports")


def test_quiet_there_are_the_last_lines_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = printed(SITUATIONS["broke_by_one_cause"], tmp_path, 80, False, monkeypatch, quiet=True)
    assert whole.startswith("leader-lock on trader: broke\ncause: ")


@pytest.mark.parametrize("coloured", [False, True], ids=["plain", "coloured"])
@pytest.mark.parametrize("columns", [80, 140])
@pytest.mark.parametrize("name", SITUATIONS)
def test_it_looks_as_it_was_looked_at(
    name: str, columns: int, coloured: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = printed(SITUATIONS[name], tmp_path, columns, coloured, monkeypatch)
    file = GOLDEN / f"{name}_{columns}{'_coloured' if coloured else ''}.txt"
    if os.environ.get("GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
    assert all(len(line) <= columns for line in text.splitlines() if "/reports" not in line and "\x1b" not in line)

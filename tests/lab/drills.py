"""Runs drills as a user does: `invoke` in a process of its own, against a lab of its own, and reads what is left."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blackstart.evidence import journal
from blackstart.verdict.from_folder import judge_folder
from blackstart.verdict.judge import Judgement

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@dataclass
class Drill:
    """A drill that has ended: its exit code, what it printed, and where its evidence is."""

    code: int
    output: str
    reports: Path
    left_broken: str = ""

    @property
    def folder(self) -> Path:
        """The one evidence folder."""
        folders = [path for path in self.reports.iterdir() if path.is_dir()]
        assert len(folders) == 1, f"{folders}\n{self.output}"
        return folders[0]

    @property
    def log(self) -> list[str]:
        """The lines of the CSV log."""
        return self.folder.with_suffix(".log").read_text().splitlines()

    @property
    def keys(self) -> list[str]:
        """The first column of the CSV log."""
        return [line.partition(",")[0] for line in self.log]

    def row(self, key: str) -> str:
        """The value of one row of the CSV log."""
        return next(line.partition(",")[2] for line in self.log if line.partition(",")[0] == key)

    @property
    def record(self) -> journal.Record:
        """The journal."""
        return journal.read(self.folder / "journal.jsonl")

    def judged(self) -> Judgement:
        """Judged again from its files."""
        return judge_folder(self.folder)

    def failed(self) -> set[str]:
        """The names of the expectations that broke."""
        return {finding.name for finding in self.judged().findings if finding.status == "broke"}


def command(task: str, *options: str) -> list[str]:
    """The command line of a task."""
    return [str(BIN / "invoke"), task, *options]


def environment(state: Path, reports: Path, **more: str) -> dict[str, str]:
    """A plain environment: what CI would have, with a state folder and a reports folder of the test's own."""
    keep = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "LANG", "TMPDIR", "KUBECONFIG", "BLACKSTART_LAB_PORTS")
        if name in os.environ
    }
    return {
        **keep,
        "PATH": f"{BIN}:{keep.get('PATH', '')}",
        "BLACKSTART_STATE": str(state),
        "REPORTS": str(reports),
        "NONINTERACTIVE": "1",
        "TARGET": "lab",
        **more,
    }


def drill(task: str, state: Path, reports: Path, *options: str, within_s: float = 120, **more: str) -> Drill:
    """Run a task to its end."""
    done = subprocess.run(
        command(task, *options),
        cwd=ROOT,
        env=environment(state, reports, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
    return Drill(done.returncode, done.stdout + done.stderr, reports)


def ledger(state: Path) -> list[dict[str, Any]]:
    """The ledger's open entries, read without our code."""
    import sqlite3  # noqa: PLC0415

    file = state / "ledger.db"
    if not file.exists():
        return []
    with sqlite3.connect(file) as connection:
        connection.row_factory = sqlite3.Row
        return [json.loads(json.dumps(dict(row))) for row in connection.execute("SELECT * FROM entries")]

"""A whole run on the smallest system there is: a file that must be there. Everything is real but the guardian."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from blackstart.base.console import Console
from blackstart.base.secrets.placeholders import SecretPlaceholders
from blackstart.base.secrets.redact import Redactor
from blackstart.engine.run import Run
from blackstart.evidence import journal
from blackstart.model.change import Change
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.plan import Plan
from blackstart.model.schedule import Stretch
from blackstart.model.target import Service, Target
from blackstart.safety.processes.identity import Process
from blackstart.verdict.from_folder import Result
from tests.unit.safety.file_fault import FileThere

TARGET = Target("files", services={"file": Service("file")}, max_rate_hz=200.0, read_timeout_s=1.0, why="a test")


class NoGuardian:
    """Stands where the guardian stands."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.kept: bool | None = None
        self.placeholders = SecretPlaceholders()
        self.process: Process | None = None

    def __getattr__(self, name: str) -> Callable[..., str]:
        return lambda *_, **__: ""


def drill(path: Path, **parts: Any) -> Experiment:
    there = FileThere(str(path))
    made: dict[str, Any] = {
        "baseline": (eventually(there.is_(True), name="before"),),
        "during": (eventually(there.is_(False), within_s=5, name="gone"),),
        "recovery": (eventually(there.is_(True), within_s=5, name="back"),),
        "hold_min_s": 0.1,
        "settle_s": 0.05,
        "undo_timeout_s": 2.0,
    }
    return Experiment("file-drill", "files", "The file comes back.", **(made | parts))


class Told:
    """A run, what it printed, and what it left."""

    def __init__(
        self, tmp_path: Path, made: Experiment, *changes: Change, schedule: tuple[Stretch, ...] = (), **flags: Any
    ) -> None:
        made = made if schedule else replace(made, faults=changes)
        plan = Plan(made, TARGET, changes, ("file:one",), None, schedule=schedule)
        self.out = io.StringIO()
        self.reports = tmp_path / "reports"
        given = Flags(reports=str(self.reports), noninteractive=True, assume_link=True, **flags)
        self.run = Run(plan, given, Console(True, out=self.out), Redactor())

    def end(self) -> Result:
        self.result = self.run.execute()
        self.record = journal.read(self.result.evidence.journal)
        return self.result

    @property
    def outcome(self) -> tuple[str, int]:
        return self.result.judgement.verdict, self.result.exit_code


def raising(error: BaseException) -> Callable[..., Any]:
    def raises(*_: Any, **__: Any) -> Any:
        raise error

    return raises

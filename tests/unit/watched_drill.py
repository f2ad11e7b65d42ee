"""An observer with its journal and monitors, of one drill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from blackstart.base import clock
from blackstart.base.codec import to_data
from blackstart.engine.observer import Observer
from blackstart.evidence import journal
from blackstart.evidence.journal import Journal
from blackstart.model.change import Change
from blackstart.model.experiment import Experiment
from blackstart.model.reading import Reading
from blackstart.verdict.monitors import Monitors
from tests.unit.builders import TICK_S, Seen


class Scene:
    """An observer with its journal and monitors, of one drill."""

    def __init__(self, path: Path, made: Experiment, *changes: Change) -> None:
        self.drill, self.changes = made, changes
        self.journal = Journal(path / "journal.jsonl")
        self.monitors = Monitors(made, changes)
        self.observer = Observer(self.monitors, self.journal, 1000.0, 2.0)
        self.observer.note("run", experiment=to_data(made))

    def see(self, probe: Seen, *values: Any) -> None:
        """Readings of it, now, as the sampler would hand them over."""
        for value in values:
            now_s = clock.now_s()
            self.observer._take("x", [Reading(probe.name, "value", now_s, clock.now_s(), value)], TICK_S)

    def record(self) -> journal.Record:
        self.journal.close()
        return journal.read(self.journal.path)

    def end(self) -> None:
        self.observer.stop()
        self.journal.close()

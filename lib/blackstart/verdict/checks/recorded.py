"""What a run left for its checks to look at: the requests of its load, its final state, and every reading. Pure."""

import json
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from blackstart.evidence.events import EventName
from blackstart.evidence.history import History
from blackstart.evidence.journal import Record, readings_of
from blackstart.model.reading import Reading


@dataclass(frozen=True)
class Recorded:
    """A run's history and journal, as checks ask for them. Times are seconds of the run's clock."""

    history: History
    record: Record

    @cached_property
    def _readings(self) -> dict[str, list[Reading]]:
        found: dict[str, list[Reading]] = {}
        for event in self.record.of(EventName.READ):
            for reading in readings_of(event):
                found.setdefault(reading.probe, []).append(reading)
        return found

    def readings(self, probe: str) -> list[Reading]:
        """All readings of a probe, in order."""
        return self._readings.get(probe, [])

    def final(self, probe: str) -> Reading | None:
        """The final state that was collected under this name, as a reading."""
        for event in self.record.of(EventName.FINAL):
            if event["probe"] == probe:
                # Journals of before say only when it was written down; a read lasted 10 s at most.
                sent_s: float = event["sent"] if "sent" in event else event["at"] - 10.0
                answered_s: float = event["answered"] if "answered" in event else event["at"]
                return Reading(probe, event["kind"], sent_s, answered_s, event["value"], event["note"])
        return None

    def final_json(self, probe: str) -> Any:
        """The final state parsed as JSON. Raises ValueError that says why there is none."""
        reading = self.final(probe)
        if reading is None:
            raise ValueError(f"{probe} was never collected")
        if reading.kind != "value":
            raise ValueError(f"{probe} was {reading.kind}: {reading.note}")
        return json.loads(str(reading.value))

    @cached_property
    def finals(self) -> dict[str, Any]:
        """Every value of the final state that could be read, by its name."""
        return {event["probe"]: event["value"] for event in self.record.of(EventName.FINAL) if event["kind"] == "value"}

    @cached_property
    def load(self) -> dict[str, Any]:
        """The load's own summary (see `blackstart.loads.summary`); empty where it left none."""
        return next((event["summary"] for event in reversed(self.record.of(EventName.LOAD)) if "summary" in event), {})

    @cached_property
    def phases(self) -> dict[str, tuple[float, float]]:
        """When each phase that came to its end began and ended."""
        marks = [(str(event["phase"]), float(event["began"])) for event in self.record.of(EventName.PHASE)]
        return {name: (at_s, until_s) for (name, at_s), (_, until_s) in pairwise(marks)}

    def began_s(self, phase: str) -> float | None:
        """When a phase (baseline, fault, recovery, settle, end) began."""
        return next((float(e["began"]) for e in self.record.of(EventName.PHASE) if e["phase"] == phase), None)

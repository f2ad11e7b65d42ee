"""Applies an experiment's checks to what a run left: history, final state and readings. Pure.

A check is a file in `blackstart/checks` with a function of its name; adding one is adding a file. One that looks at the
load takes `(history, final, **params)`, one that looks at readings takes `(evidence, **params)`.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from blackstart.checks import catalogue
from blackstart.finding import Finding
from blackstart.history import History
from blackstart.journal import Record, readings_of
from blackstart.model import Check, Reading


@dataclass(frozen=True)
class Evidence:
    """What checks may look at: every request of the load, the final state, every reading, and when phases began."""

    history: History
    record: Record

    @cached_property
    def _readings(self) -> dict[str, list[Reading]]:
        found: dict[str, list[Reading]] = {}
        for event in self.record.of("read"):
            for reading in readings_of(event):
                found.setdefault(reading.probe, []).append(reading)
        return found

    def readings(self, probe: str) -> list[Reading]:
        """All readings of a probe, in order."""
        return self._readings.get(probe, [])

    def final(self, probe: str) -> Reading | None:
        """The final state that was collected under this name, as a reading."""
        for event in self.record.of("final"):
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

    def began_s(self, phase: str) -> float | None:
        """When a phase (baseline, fault, recovery, settle, end) began."""
        return next((float(e["began"]) for e in self.record.of("phase") if e["phase"] == phase), None)

    def finals(self) -> dict[str, Any]:
        """Every value of the final state by its name, and under `phases` when each phase began and ended."""
        found: dict[str, Any] = {e["probe"]: e["value"] for e in self.record.of("final") if e["kind"] == "value"}
        marks = [(str(e["phase"]), float(e["began"])) for e in self.record.of("phase")]
        ended = [e["summary"] for e in self.record.of("load") if "summary" in e]
        if ended:
            found["load"] = ended[-1]
        found["phases"] = {name: (at_s, until_s) for (name, at_s), (_, until_s) in pairwise(marks)}
        return found


def apply(check: Check, evidence: Evidence) -> Finding:
    """What the check comes to. Raises BadExperiment for a check that there is not."""
    function = catalogue.check(check.check)
    if "evidence" in inspect.signature(function).parameters:
        result = function(evidence, **check.params)
    else:
        result = catalogue.run(check.check, evidence.history, evidence.finals(), check.params)
    hint = check.hint if result.verdict != "held" else ""
    return Finding(
        check.name, "check", result.verdict, result.message, result.expected, result.actual,
        criterion=check.criterion, hint=hint, premise=check.premise,
    )  # fmt: skip

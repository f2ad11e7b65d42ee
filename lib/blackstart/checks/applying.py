"""The checks that an experiment declares, applied to the record of a run: history, final state, phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blackstart.checks.catalogue import run
from blackstart.history import History
from blackstart.journal import Record
from blackstart.model import Check
from blackstart.watch import Finding


@dataclass(frozen=True)
class Evidence:
    """What the checks of a run look at."""

    history: History
    record: Record

    def final(self) -> Mapping[str, Any]:
        """What each collected probe read, by name; `phases` as (from_s, to_s); `intended`, the load's own figure."""
        state: dict[str, Any] = {"phases": self._phases()}
        for event in self.record.of("load"):
            if event.get("summary"):
                state["intended"] = event["summary"]["intended"]
        for event in self.record.of("final"):
            if event["kind"] == "value":
                state[event["probe"]] = event["value"]
        return state

    def _phases(self) -> dict[str, tuple[float, float]]:
        begins = [(str(event["phase"]), float(event["began"])) for event in self.record.of("phase")]
        ends = [began_s for _, began_s in begins[1:]] + [float("inf")]
        return {phase: (began_s, end_s) for (phase, began_s), end_s in zip(begins, ends, strict=True)}


def apply(check: Check, evidence: Evidence) -> Finding:
    """What the declared check came to. Raises BadExperiment for an unknown check or parameter."""
    result = run(check.check, evidence.history, evidence.final(), check.params)
    return Finding(
        check.name,
        "check",
        result.verdict,
        result.message,
        result.expected,
        result.actual,
        criterion=check.criterion,
        hint=check.hint,
    )

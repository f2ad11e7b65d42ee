"""What a run came to as data for programs, in a versioned form: see "The result as JSON" in docs/ci.md. Pure."""

import json
from typing import Any

from blackstart.base import clock
from blackstart.model.verdict import Verdict
from blackstart.reports.story import RunView
from blackstart.reports.words import result

SCHEMA = 1
"""Raised where a field goes, or comes to mean another thing; not where one is added."""


def of_run(view: RunView, exit_code: int) -> dict[str, Any]:
    """A run that has a record. `exit_code`: of its process, which a signal makes another than the verdict's."""
    judgement = view.judgement
    return blank(view.name, judgement.verdict, exit_code, next(iter(judgement.reasons), "")) | {
        "target": view.target["name"],
        "run": view.run,
        "id": view.run_id,
        "began": clock.utc_iso(view.utc(view.from_s)),
        "took_s": round(view.to_s - view.from_s, 3),
        "faults": [change.what for change in view.changes],
        "restored": view.restored,
        "reasons": list(judgement.reasons),
        "expectations": [
            {"phase": f.phase, "name": f.name, "result": result(f), "expected": f.expected, "message": f.message}
            for f in judgement.findings
        ],
        "evidence": str(view.where),
        "log": str(view.where.with_name(f"{view.where.name}.log")),
        "again": view.again,
    }


def blank(experiment: str, verdict: Verdict | None, exit_code: int | None, cause: str) -> dict[str, Any]:
    """One without a record: refused before it began, or not run at all. Each field of a run is there, and says so."""
    return {
        "experiment": experiment,
        "target": None,
        "verdict": verdict,
        "exit_code": exit_code,
        "cause": cause,
        "run": None,
        "id": None,
        "began": None,
        "took_s": None,
        "faults": [],
        "restored": None,
        "reasons": [cause] if cause else [],
        "expectations": [],
        "evidence": None,
        "log": None,
        "again": None,
    }


def line(data: dict[str, Any]) -> str:
    """It as one line of ASCII that no printer has to change: what steers a CI server (`##[`) is written as a number."""
    return json.dumps(data, ensure_ascii=True).replace("##", "#\\u0023")

"""A committed baseline: the times of runs that held, against which later runs are compared (see `trend`)."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from blackstart import __version__
from blackstart.base import clock
from blackstart.base.errors import Damaged, Refused
from blackstart.model.verdict import Verdict
from blackstart.reports import trend
from blackstart.reports.trend import LEAST_RUNS, Run

SCHEMA = "blackstart.baseline/1"


def of(runs: Sequence[Run]) -> dict[str, Any]:
    """The baseline that these runs make. Raises Refused where fewer than six held."""
    held = [run for run in runs if run.verdict == Verdict.HELD]
    if len(held) < LEAST_RUNS:
        raise Refused(f"a baseline needs at least {LEAST_RUNS} runs that held, and there are {len(held)}")
    taken = {line.name: line for line in trend.lines(held) if line.low_s is not None and math.isfinite(line.p90_s)}
    if not taken:
        raise Refused("these runs have no transition in common that could be compared")
    return {
        "schemaVersion": SCHEMA,
        "experiment": held[-1].key,
        "method": trend.METHOD,
        "madeBy": f"blackstart {__version__}",
        "savedAt": clock.utc_iso(),
        "runs": [run.name for run in held],
        "transitions": {
            name: {
                "n": line.n,
                "median_s": line.median_s,
                "p90_s": line.p90_s,
                "low_s": line.low_s,
                "high_s": line.high_s,
                "times_s": sorted(run.times_s[name] for run in held if name in run.times_s),
            }
            for name, line in taken.items()
        },
    }


def save(path: Path, baseline: dict[str, Any]) -> None:
    """Write it so that a diff of it can be read. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(baseline, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """A committed baseline. Raises Damaged where there is none, or one that can't be used."""
    try:
        baseline = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Damaged(f"no baseline {path}: {error.strerror}. Make one with --save-baseline.") from error
    except ValueError as error:
        raise Damaged(f"{path} is not a baseline: {error}") from error
    if not _well_formed(baseline):
        raise Damaged(f"{path} is not a baseline of the form {SCHEMA}")
    made: dict[str, Any] = baseline
    return made


def _well_formed(baseline: Any) -> bool:
    if not isinstance(baseline, dict) or baseline.get("schemaVersion") != SCHEMA:
        return False
    if not isinstance(baseline.get("runs"), list) or not isinstance(baseline.get("experiment"), str):
        return False
    transitions = baseline.get("transitions")
    if not isinstance(transitions, dict) or not transitions:
        return False
    return all(
        isinstance(item, dict)
        and all(
            isinstance(item.get(key), int | float) and math.isfinite(item[key])
            for key in ("median_s", "low_s", "high_s")
        )
        for item in transitions.values()
    )

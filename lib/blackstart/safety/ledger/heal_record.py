"""`heal.jsonl`, `heal_2.jsonl`, …: the chained record of each healing, beside the journal of the run that was healed.

It also holds what a person has given up (`chaos.heal --forget`): the run's guardian reads that there.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from blackstart.base.errors import Damaged
from blackstart.base.secrets.redact import Redactor
from blackstart.evidence import journal
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Journal, Note


def begin(evidence: Path, redactor: Redactor) -> tuple[Note, Callable[[], None]]:
    """A record of this healing, and what closes it; where that folder can't be written, one that forgets."""
    for name in ("heal", *(f"heal_{number}" for number in range(2, 1000))):
        try:
            made = Journal(evidence / f"{name}.jsonl", redactor.scrub, journal.anchor(evidence))
        except FileExistsError:
            continue
        except OSError:
            break
        return made.write, made.close
    return _forgetful, lambda: None


def given_up(evidence: Path) -> dict[str, str]:
    """Each entry that somebody has given up, and who it was and why, in words. Only whole records of this run count."""
    found: dict[str, str] = {}
    for path in sorted(evidence.glob("heal*.jsonl")):
        try:
            events = journal.read_beside(evidence, path.name).of(EventName.GIVEN_UP)
        except Damaged:
            continue  # `report.verify` says so
        told = [event for event in events if {"change", "by", "reason"} <= set(event)]
        found |= {str(event["change"]): f"given up by {event['by']}: {event['reason']}" for event in told}
    return found


def _forgetful(event: EventName, *, sync: bool = False, **fields: Any) -> None:
    """There is no place to write: mending goes ahead all the same, and says everything aloud."""

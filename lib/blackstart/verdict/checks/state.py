"""What a check reads: the rows it is about, and keys and numbers of the final state."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from blackstart.evidence.history import History
from blackstart.verdict.checks.recorded import Recorded


class Missing(Exception):
    """The final state does not hold what the check needs; the message says what."""


def selected(evidence: Recorded, op: str = "", phase: str = "") -> History:
    """The rows of an operation that were due in a phase.

    What was unreadable stays: it may belong to any operation and any phase. Raises Missing for an unknown phase.
    """
    rows = evidence.history.of(op)
    if not phase:
        return rows
    if phase not in evidence.phases:
        raise Missing(f'the run did not get to the end of the phase "{phase}"')
    from_s, to_s = evidence.phases[phase]
    return History(tuple(row for row in rows.rows if from_s <= row.intended_s < to_s), rows.unreadable)


def keys_in(evidence: Recorded, source: str) -> Counter[str]:
    """How often each key stands in the final state. A list, a JSON list, or text with one key on each line.

    Raises Missing where it was not read.
    """
    value = evidence.finals.get(source)
    if value is None:
        raise Missing(_unread(evidence, source))
    return Counter(_listed(value, source))


def number_in(evidence: Recorded, source: str) -> float:
    """A number of the final state. Raises Missing where it was not read or is none."""
    value = evidence.finals.get(source)
    if value is None:
        raise Missing(_unread(evidence, source))
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Missing(f'the final state\'s "{source}" is {value!r}, not a number')
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Missing(f'the final state\'s "{source}" is {value!r}, not a number')
    return number


def _unread(evidence: Recorded, source: str) -> str:
    there = ", ".join(sorted(evidence.finals)) or "nothing"
    reading = evidence.final(source)
    why = f"it was {reading.kind}: {reading.note}" if reading else "it was not read after the run"
    return f'the final state has no "{source}" (it has {there}): {why}'


def waiting(evidence: Recorded, depth: str) -> str:
    """Why something may still be in the queue, of which `depth` is the probe, at the end; "" where it was empty."""
    last = next(reversed(evidence.readings(depth)), None)
    if last is None:
        return f"{depth} was never read"
    return "" if last.kind == "value" and last.value == 0 else str(last)


def _listed(value: Any, source: str) -> Sequence[str]:
    if isinstance(value, str):
        text = value.strip()
        value = (
            json.loads(text) if text.startswith("[") else [line.strip() for line in text.splitlines() if line.strip()]
        )
    if not isinstance(value, list | tuple):
        raise Missing(f'the final state\'s "{source}" is {type(value).__name__}, not a list of keys')
    return [str(item) for item in value]


def vacuity(history: History, *, ok_needed: bool = True, keys_needed: bool = True) -> str:
    """Why these rows prove nothing; "" where they may."""
    if history.unreadable:
        torn = sum(bad.torn for bad in history.unreadable)
        rest = len(history.unreadable) - torn
        kinds = [f"{torn} torn at the end" if torn else "", f"{rest} in the middle" if rest else ""]
        return f"{len(history.unreadable)} lines of the history can't be read ({', '.join(filter(None, kinds))})"
    if not history.rows:
        return "no request was recorded"
    if not any(row.sent for row in history.rows):
        return "no request was sent"
    if ok_needed and not any(row.outcome == "ok" for row in history.rows):
        return f"none of {len(history.rows)} requests was acknowledged"
    if keys_needed and not any(row.key for row in history.rows):
        return "no request carried a key"
    return ""

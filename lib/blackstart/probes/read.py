"""What a probe sees in an answer; and one reading of one probe, outside of sampling: for link proofs, final states and
single questions."""

import gc
import importlib
import math
import sys
from collections.abc import Iterable

from blackstart.base import clock
from blackstart.base.errors import Refused
from blackstart.model.reading import Answer, Picked, Probe, Reading

_MOST_DIGITS = 400


def read_once(probe: Probe, timeout_s: float) -> Reading:
    """Open, read, close. The probe must be bound. Never raises for what it reads."""
    sent_s = clock.now_s()
    try:
        reader = probe.endpoint().open()
        try:
            sent_s = clock.now_s()
            answer = reader.read(timeout_s)
        finally:
            reader.close()
    except Refused:
        raise
    except Exception as error:  # a user's probe may raise anything; it is a reading that can't be used
        note = f"the probe failed: {type(error).__name__}: {error}"
        return Reading(probe.name, "unreadable", sent_s, clock.now_s(), None, note)
    return reading_of(probe, answer, sent_s, clock.now_s())


def reading_of(probe: Probe, answer: Answer, sent_s: float, answered_s: float) -> Reading:
    """What `probe` sees in `answer`. A probe that fails at it makes an `unreadable` reading, not an exception."""
    kind, value, note = picked(probe, answer)
    return Reading(probe.name, kind, sent_s, answered_s, value, note)


def picked(probe: Probe, answer: Answer) -> Picked:
    """Kind, value and note of the reading that `reading_of` makes."""
    if answer.kind != "answer":
        return answer.kind, None, answer.note
    try:
        kind, value, note = probe.pick(answer)
    except Exception as error:  # a user's probe may raise anything
        return "unreadable", None, f"the probe failed: {short(error)}"
    if isinstance(value, float) and math.isnan(value):
        # Such as a share of no requests: of it no `never` is violated, and no `always` held.
        return "absent", None, "NaN is no number"
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        value = math.inf if value > 0 else -math.inf  # nobody can reckon with it
    return kind, value if kind == "value" else None, note


def whole_number(text: str | bytes) -> int | float:
    """It, infinite where nobody can reckon with it: Python refuses thousands of digits."""
    return int(text) if len(text) <= _MOST_DIGITS else float(text)


def short(error: BaseException) -> str:
    """An error in one line of bearable length."""
    return f"{type(error).__name__}: {error}"[:300]


def load(probes: Iterable[Probe], also: Iterable[str] = ()) -> None:
    """Import what these probes' readers are made of (`loads` of their endpoints), before the first of them reads.

    Half a client library that is loaded beside the first readings makes them late, and a collector that walks through
    all that was loaded makes later ones late.
    """
    endpoints = [probe.endpoint() for probe in probes]
    for name in (*also, *(name for endpoint in endpoints for name in getattr(endpoint, "loads", ()))):
        importlib.import_module(name)
    gc.freeze()

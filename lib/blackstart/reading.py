"""One reading of one probe, outside of sampling: for link proofs, final states and single questions."""

from __future__ import annotations

from blackstart import clock
from blackstart.model import Probe, Reading


def read_once(probe: Probe, timeout_s: float) -> Reading:
    """Open, read, close. The probe must be bound. Never raises for what it reads."""
    reader = probe.endpoint().open()
    try:
        sent_s = clock.now_s()
        answer = reader.read(timeout_s)
        answered_s = clock.now_s()
    finally:
        reader.close()
    if answer.kind != "answer":
        return Reading(probe.name, answer.kind, sent_s, answered_s, None, answer.note)
    kind, value, note = probe.pick(answer)
    return Reading(probe.name, kind, sent_s, answered_s, value, note)

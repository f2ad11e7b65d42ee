"""One reading of one probe, outside of sampling: for link proofs, final states and single questions."""

from __future__ import annotations

from blackstart import clock
from blackstart.errors import Refused
from blackstart.follower import reading_of
from blackstart.model import Probe, Reading


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
        return Reading(probe.name, "malformed", sent_s, clock.now_s(), None, note)
    return reading_of(probe, answer, sent_s, clock.now_s())

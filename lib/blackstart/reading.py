"""One reading of one probe, outside of sampling: for link proofs, final states and single questions."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterable

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


def load(probes: Iterable[Probe], also: Iterable[str] = ()) -> None:
    """Import what these probes' readers are made of (`loads` of their endpoints), before the first of them reads.

    Half a client library that is loaded beside the first readings makes them late, and a collector that walks through
    all that was loaded makes later ones late.
    """
    endpoints = [probe.endpoint() for probe in probes]
    for name in (*also, *(name for endpoint in endpoints for name in getattr(endpoint, "loads", ()))):
        importlib.import_module(name)
    gc.freeze()

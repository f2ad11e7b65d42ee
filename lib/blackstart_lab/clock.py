"""Time as the lab's programs report it: a clock that goes on while the machine sleeps, and UTC for people."""

import time
from datetime import UTC, datetime

# A frozen process must see on waking how long it was away; CLOCK_BOOTTIME also counts the machine's own sleep.
# macOS has no such clock, but its CLOCK_MONOTONIC_RAW goes on during sleep.
_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC_RAW", time.CLOCK_MONOTONIC))


def now_s() -> float:
    """Seconds since boot, suspended time included; comparable across processes of one machine."""
    return time.clock_gettime(_CLOCK)


def utc_now() -> str:
    """`2026-11-20T14:30:00.123Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

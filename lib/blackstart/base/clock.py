"""Time as the tool sees it: one clock that goes on while the machine sleeps, and UTC for people."""

import time
from datetime import UTC, datetime

# CLOCK_BOOTTIME counts suspended time and is the same for every process of the machine; macOS has no such clock,
# but its CLOCK_MONOTONIC_RAW does go on during sleep.
_CLOCK = int(getattr(time, "CLOCK_BOOTTIME", 0) or getattr(time, "CLOCK_MONOTONIC_RAW", time.CLOCK_MONOTONIC))


def now_s() -> float:
    """Seconds since boot, suspended time included; comparable across processes of one machine."""
    return time.clock_gettime(_CLOCK)


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def utc_iso(moment: datetime | None = None) -> str:
    """`2026-11-20T14:30:00.123Z`, the form used inside evidence."""
    return (moment or utc_now()).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_stamp(moment: datetime | None = None) -> str:
    """`2025-11-13T14-30-00`, the form used in file names and in the first row of a CSV log."""
    return (moment or utc_now()).strftime("%Y-%m-%dT%H-%M-%S")

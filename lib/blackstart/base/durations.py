"""Durations as people write them: `30s`, `250ms`, `1.5h`, `90` (seconds)."""

import re

_UNITS_S = {
    "ms": 0.001, "millisecond": 0.001, "s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0,
}  # fmt: skip
_FORM = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>[a-z]*)", re.IGNORECASE | re.ASCII)


def seconds(text: str) -> float:
    """The seconds in a duration; a bare number is seconds. Raises ValueError that says what would be right."""
    match = _FORM.fullmatch(text.strip())
    unit = match["unit"].lower() if match else ""
    factor = 1.0 if not unit else _UNITS_S.get(unit) or _UNITS_S.get(unit.removesuffix("s"))
    if match is None or factor is None:
        raise ValueError(f"{text!r} is not a duration; write it as 30s, 250ms or 1.5h")
    return float(match["number"]) * factor


def shown(value_s: float) -> str:
    """`340 ms`, `4.31 s`, `2 min 05 s`: a duration for people."""
    if value_s < 1:
        return f"{value_s * 1000:.0f} ms"
    if value_s < 100:
        return f"{value_s:.2f} s"
    return f"{int(value_s // 60)} min {int(value_s % 60):02d} s"

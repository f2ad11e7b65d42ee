"""What a circuit breaker did in a run, from the readings of its states: each change, and how long the steps took. Pure.

Its states are the probes that the suite's descriptor names, which read 1 while it is so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from blackstart.model.reading import Reading
from blackstart.reports.story import RunView


@dataclass(frozen=True)
class Change:
    """The breaker was first seen in this state by `at_s`; `from_s` is when the last look at the old one began."""

    state: str
    from_s: float
    at_s: float


@dataclass(frozen=True)
class Steps:
    """Seconds from the fault's proved effect to OPEN, and from the beginning of the undo to HALF-OPEN, to CLOSED.

    `to_closed_s` is that of the last change, after which it stayed closed. None where it did not happen. A breaker that
    opened only after the undo, under a herd, say, has no time to OPEN, and `opened` all the same.
    """

    opened: bool = False
    to_open_s: float | None = None
    to_half_open_s: float | None = None
    to_closed_s: float | None = None


def changes(view: RunView) -> tuple[Change, ...]:
    """Every change that was seen, the state at the beginning first; nothing where no breaker was looked at.

    A state that came and went between two looks is not among them.
    """
    seen: list[Change] = []
    last_s = view.from_s
    for reading in _readings(view):
        state = view.system.breaker[reading.probe]
        if not seen or seen[-1].state != state:
            seen.append(Change(state, last_s, reading.answered_s))
        last_s = reading.sent_s
    return tuple(seen)


def _readings(view: RunView) -> list[Reading]:
    true = (r for r in view.readings(view.system.breaker) if r.kind == "value" and r.value == 1)
    return sorted(true, key=lambda r: r.answered_s)


def steps(view: RunView, seen: Sequence[Change]) -> Steps:
    broke_s, mended_s = view.times.bit_s or view.times.did_s, view.times.undid_s
    if broke_s is None:
        return Steps()
    opened = [c for c in seen[1:] if c.state == "OPEN" and c.at_s >= broke_s]
    by_fault = [c.at_s for c in opened if mended_s is None or c.from_s < mended_s]
    to_open_s = max(0.0, by_fault[0] - broke_s) if by_fault else None
    if mended_s is None or not opened:
        return Steps(bool(opened), to_open_s)
    tried = [c.at_s for c in seen if c.state == "HALF-OPEN" and c.at_s >= mended_s]
    closed = seen[-1].at_s if seen[-1].state == "CLOSED" else None
    return Steps(
        True,
        to_open_s,
        tried[0] - mended_s if tried else None,
        max(0.0, closed - mended_s) if closed is not None else None,
    )

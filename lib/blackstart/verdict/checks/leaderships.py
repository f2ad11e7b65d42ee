"""What the instances of a target told of their own leaderships, in the time of the run."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.state import Missing

# Of two times that are brought from one clock to the run's.
_ROUNDED_S = 1e-6


@dataclass(frozen=True)
class Leadership:
    """One stretch of leadership, in seconds of the run's clock.

    It is certain from `acquired_s` to `acted_s`. `until_s` is the end of the lease as last known, None where it was not
    told; `lost_s` is None while it lasts. `slack_s` is how far off all these may be: 0 for one clock with the run.
    `tells_acts` is whether its report says of any leadership when it acted last, or that it never did.
    """

    report: str
    instance: str
    token: str
    acquired_s: float
    acted_s: float
    until_s: float | None
    lost_s: float | None
    slack_s: float = 0.0
    tells_acts: bool = True

    def __str__(self) -> str:
        return f"{self.instance[:8]} (token {self.token})"

    def in_force_at(self, at_s: float) -> bool:
        """Whether it had begun by then and was not known to be lost."""
        return self.acquired_s <= at_s and (self.lost_s is None or self.lost_s >= at_s)

    def same(self, other: "Leadership") -> bool:
        """Whether both tell of one leadership: by one clock, that may have been read twice."""
        off_s = 0.0 if self.report == other.report else self.slack_s + other.slack_s + _ROUNDED_S
        began_together = abs(self.acquired_s - other.acquired_s) <= off_s
        return (self.instance, self.token) == (other.instance, other.token) and began_together


def of_run(evidence: Recorded, reports: Sequence[str]) -> list[Leadership]:
    """Those that were in force at some time of the run, by when they began. Raises Missing where one can't be read, and
    where two reports tell of the same one: what answered there for the other instance is not known."""
    began_s = evidence.began_s("baseline")
    if began_s is None:
        raise Missing("the run never began")
    found: list[Leadership] = []
    for one in (one for report in reports for one in _reported(evidence, report)):
        twin = next((other for other in found if one.same(other)), None)
        if twin is not None and twin.report != one.report:
            raise Missing(f"not observable: {twin.report} and {one.report} are both of instance {one.instance}")
        found += [one] if twin is None else []
    return sorted(
        (one for one in found if one.lost_s is None or one.lost_s >= began_s),
        key=lambda one: (one.acquired_s, one.acted_s),
    )


def _reported(evidence: Recorded, report: str) -> Iterable[Leadership]:
    try:
        answer = evidence.final_json(report)
        shift_s, slack_s = _clock(evidence, report, answer)
        tells = any("acted" in interval for interval in answer["intervals"])
        return [_leadership(report, answer, interval, shift_s, slack_s, tells) for interval in answer["intervals"]]
    except KeyError as error:
        raise Missing(f"not observable: {report} says nothing of {error}") from error
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise Missing(f"not observable: {error}") from error


def _leadership(report: str, answer: Any, interval: Any, shift_s: float, slack_s: float, tells: bool) -> Leadership:
    acquired_s = _time(interval["acquired"]) + shift_s
    acted_s, until_s, lost_s = (
        None if interval.get(key) is None else _time(interval[key]) + shift_s for key in ("acted", "until", "lost")
    )
    return Leadership(
        report, str(answer["instance_id"]), str(interval["token"]),
        acquired_s, max(acquired_s, acted_s or acquired_s), until_s, lost_s, slack_s, tells,
    )  # fmt: skip


def _clock(evidence: Recorded, report: str, answer: Any) -> tuple[float, float]:
    """What brings the instance's times to the run's, and how far off that may be; its `now` was read in between.

    An instance of this machine has our clock: its `now` lies within the read. So does one that tells no `now`.
    """
    reading = evidence.final(report)
    now = None if answer.get("now") is None else _time(answer["now"])
    if now is None or reading is None or reading.sent_s <= now <= reading.answered_s:
        return 0.0, 0.0
    half_s = (reading.answered_s - reading.sent_s) / 2
    return reading.sent_s + half_s - now, half_s


def _time(value: Any) -> float:
    """JSON has 1e400, and of many a language NaN: nothing is before or after these."""
    time_s = float(value)
    if not math.isfinite(time_s):
        raise ValueError(f"{value!r} is no time")
    return time_s


def fault_window(evidence: Recorded) -> tuple[float, float] | None:
    """From the first step of the fault to the beginning of its undo, or until somebody else ended it; None where there
    was no fault, or no end of it."""
    from_s, to_s = evidence.struck_s, evidence.began_s("recovery")
    return None if from_s is None or to_s is None else (from_s, max(from_s, min(to_s, evidence.mended_s)))


def hit(evidence: Recorded) -> frozenset[str]:
    """The services that the faults of the run were on."""
    return frozenset(change.service for change in evidence.record.changes())


def successor(reported: Sequence[Leadership], window: tuple[float, float], of: Collection[str]) -> Leadership | None:
    """The first leadership of one of these reports that certainly began in a window."""
    from_s, to_s = window
    begun = (one for one in reported if one.report in of)
    return next((one for one in begun if from_s + one.slack_s <= one.acquired_s <= to_s - one.slack_s), None)


def forgotten(reported: Sequence[Leadership], window: tuple[float, float]) -> tuple[Leadership, Leadership] | None:
    """The leadership that the fault found, and one begun after its undo and within the lease of the first.

    A lock that is still there can't be taken before its lease is over: this proves that it was gone.
    """
    from_s, to_s = window
    for old in (one for one in reported if one.in_force_at(from_s)):
        for new in reported:
            slack_s = old.slack_s + new.slack_s
            if old.until_s is not None and to_s + slack_s <= new.acquired_s <= old.until_s - slack_s:
                return old, new
    return None

"""Why what came true, or was not violated, still proves nothing: nothing was seen, or nothing could have come. Pure."""

from typing import Protocol

from blackstart.model.expect import SILENCES, Expectation
from blackstart.model.finding import Interval, shown
from blackstart.model.reading import Reading

_LEAST_KEPT = 2  # as two readings decide whether something is violated
MOST_UNSEEN_PART = 0.5  # of the time in which something should never have been so
# Single violations are flicker; this many, as this part of all readings, are more than that.
OFTEN, _OFTEN_PART = 5, 0.1


class Followed(Protocol):
    """What is asked of a monitor; see `blackstart.verdict.expectation_monitor`."""

    expectation: Expectation
    phase: str
    opened_s: float
    answered: bool
    count: int
    values: int
    kept: int
    silent_s: float
    violations: int
    last: Reading | None
    unwatched: Interval | None

    @property
    def wavering(self) -> bool: ...


def of_entering(monitor: Followed) -> str:
    """Of an `eventually` that has come true; "" where there is none."""
    lasts = monitor.expectation.stays and monitor.expectation.for_s  # what is lost for less than that is not lost yet
    if monitor.wavering and (lasts or monitor.phase == "recovery"):
        return f"came true, and its last reading was another one: {shown(monitor.last)}"
    return _never_spoke(monitor)


def of_staying(monitor: Followed, unread: str) -> str:
    """Of what has come true and should stay; `unread` says that nobody saw its end. "" where there is none."""
    if monitor.expectation.stays and monitor.unwatched is not None:
        return f"came true, and may have been lost meanwhile: not seen for {monitor.unwatched.length_s:.2f} s"
    return f"came true, and {unread}" if monitor.expectation.stays and unread else ""


def of_window(monitor: Followed, at_s: float) -> str:
    """Of an `always` or `never` that was not violated until `at_s`; "" where there is none."""
    expectation = monitor.expectation
    # One broken instance of two behind a balancer looks like this: every other answer is wrong.
    if not expectation.for_s and (often := too_often(monitor)):
        return often
    if monitor.wavering:
        return f"violated in its last reading, and not looked at for long enough to tell: {shown(monitor.last)}"
    if short := too_short(monitor, at_s):
        return short
    if expectation.when == "always":
        return _never_spoke(monitor) or _hardly_seen(monitor)
    if monitor.values < _LEAST_KEPT or (monitor.last is not None and monitor.last.kind != "value"):
        return f"{monitor.values} of {monitor.count} readings gave a value; last, {shown(monitor.last)}"
    lasted_s = at_s - monitor.opened_s
    if monitor.silent_s > MOST_UNSEEN_PART * lasted_s:
        return f"for {monitor.silent_s:.1f} of {lasted_s:.1f} s no reading gave a value: it may have been so unseen"
    return ""


def too_often(monitor: Followed) -> str:
    """That it was violated for a moment more often than what flickers is; "" where it was not."""
    if monitor.violations < max(OFTEN, _OFTEN_PART * monitor.count):
        return ""
    return f"{flicker(monitor)}, but too often for a flicker"


def too_short(monitor: Followed, at_s: float) -> str:
    """That nothing could have violated it in its window; "" where something could."""
    lasted_s, for_s = at_s - monitor.opened_s, monitor.expectation.for_s
    if for_s < lasted_s:
        return ""
    return f"was looked at for {lasted_s:.1f} s, and only what lasts {for_s:g} s would have violated it"


def flicker(monitor: Followed) -> str:
    """How often it was violated for a moment; "" where it was not."""
    if not monitor.violations:
        return ""
    return f"violated in {monitor.violations} of {monitor.count} readings, never for long enough to count"


def seen(monitor: Followed) -> str:
    """In how many readings it was not violated; what gave no value can't violate a `never`, and is not counted."""
    if monitor.expectation.when == "never" and monitor.values < monitor.count:
        return f"in {monitor.values} values of {monitor.count} readings"
    return f"in all {monitor.count} readings"


def _hardly_seen(monitor: Followed) -> str:
    if monitor.kept >= _LEAST_KEPT:
        return ""
    return f"seen as wanted in {monitor.kept} of {monitor.count} readings, and {_LEAST_KEPT} decide"


def _never_spoke(monitor: Followed) -> str:
    silent = monitor.expectation.condition.op in SILENCES
    return "it had never answered before: its silence says nothing" if silent and not monitor.answered else ""

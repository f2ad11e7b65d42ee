"""drains_evenly on readings written by hand."""

from __future__ import annotations

from collections.abc import Callable

from blackstart.base.scheduling_lag import LagSample
from blackstart.evidence.history import Row
from blackstart.evidence.journal import Record
from blackstart.verdict.checks.drains_evenly import drains_evenly
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.lateness import event_of
from tests.unit.histories import history_of

HEIGHT, TOOK_S = 10_000, 10.0
SENT = Row("event", "k-1", 1, 0.0, 0.0, 1.0, "ok")


def drained(
    left: Callable[[float], float],
    *,
    until_s: float = TOOK_S,
    late: bool = False,
    sent: Row = SENT,
    unread: tuple[float, float] = (0.0, 0.0),
    threads: float = 0.0,
    shared_until_s: float = 20.0,
) -> CheckResult:
    """What is left as a function of the part of the time that has passed, read every half second from second 1 on, but
    for the seconds between `unread`, on a machine with so many `threads` for each processor, of which some always
    wait, until then."""
    steps = int(until_s * 2)
    values = [(1.0 + step / 2, round(HEIGHT * left(step / 2 / TOOK_S))) for step in range(steps + 1)]
    reads = [
        {
            "event": "read",
            "endpoint": "x",
            "at": at,
            "sent": at,
            "answered": at,
            "tick": 0.5,
            "r": [["lag", "value", n]],
        }
        for at, n in values
        if not unread[0] < at <= unread[1]
    ]
    stood = {"event": "lateness", "who": "run", "from": 4.0, "to": 6.0, "late": 2.0, "worst": 2.0, "at": 6.0}
    waiting = LagSample(0.0, shared_until_s, 0.02, 0.0, 0.1, 0.9, threads)
    shared = [{"event": "lateness", "who": "run", "at": 20.0, **event_of(waiting)}] if threads else []
    return drains_evenly(
        Recorded(history_of([sent]), Record((*reads, *([stood] if late else []), *shared))), probe="lag"
    )


def straight(passed: float) -> float:
    return 1 - passed


def stands_still(passed: float) -> float:
    return max(0.5, 1 - 2.5 * passed) if passed < 0.8 else 2.5 * straight(passed)


def test_one_pace_holds_and_tells_it() -> None:
    result = drained(straight)
    assert (result.verdict, result.actual) == ("held", "10000 in 10.0 s, 1000 a second; 0% off")


def test_what_slows_down_with_its_length_or_stands_still_on_the_way_broke() -> None:
    assert drained(lambda passed: (1 - passed) ** 2).verdict == "broke"  # fast at first
    assert drained(lambda passed: 1 - passed**2).verdict == "broke"  # slow at first
    assert drained(stands_still).verdict == "broke"


def test_steps_of_a_batch_are_no_change_of_pace() -> None:
    assert drained(lambda passed: -(-straight(passed) * 20 // 1) / 20).verdict == "held"


def test_steps_that_are_as_high_as_what_a_pace_may_be_off_say_nothing() -> None:
    result = drained(lambda passed: -(-straight(passed) * 4 // 1) / 4)
    assert result.verdict == "inconclusive" and "fell by 2500 at a time" in result.message


def test_a_fast_end_of_small_steps_is_a_change_of_pace_however_many_lie_between_two_readings() -> None:
    result = drained(lambda passed: -(-(1 - passed**4) * 20 // 1) / 20)
    assert result.verdict == "broke" and "the pace changed on the way" in result.message


def test_what_was_not_read_on_the_way_says_nothing() -> None:
    result = drained(lambda passed: 1 - passed**2, unread=(4.0, 6.0))
    assert result.verdict == "inconclusive" and "was not read for 2.5 s" in result.message
    assert drained(straight, unread=(4.0, 6.0)).verdict == "held"


def test_a_pace_that_changed_while_we_stood_still_says_nothing() -> None:
    result = drained(lambda passed: 1 - passed**2, late=True)
    assert result.verdict == "inconclusive" and "stood still" in result.message


def test_a_pace_that_others_may_have_changed_says_nothing_and_one_that_they_can_not_have_accuses() -> None:
    """With four threads for each processor in the first two thirds it is at a quarter of its pace there."""

    def slowed(passed: float) -> float:
        return 1 - 0.5 * passed if passed <= 2 / 3 else 2 * (1 - passed)

    assert [drained(slowed, threads=threads).verdict for threads in (0.0, 1.9)] == ["broke", "broke"]
    result = drained(slowed, threads=4.0, shared_until_s=1 + TOOK_S * 2 / 3)
    assert result.verdict == "inconclusive" and "others may have had" in result.message
    assert "4.0 threads for each processor" in result.message
    # All of the time shared bends nothing, and neither does a crowd that came when it was slow no longer.
    assert drained(slowed, threads=4.0).verdict == "broke"
    assert drained(lambda passed: (1 - passed) ** 2, threads=4.0).verdict == "broke"
    assert drained(lambda passed: (1 - passed) ** 2, threads=4.0, shared_until_s=1 + TOOK_S / 2).verdict == "broke"


def test_too_little_and_what_never_ended_say_nothing() -> None:
    assert "too few waited" in drained(lambda passed: 0.01 * straight(passed)).message
    assert "never seen at 0" in drained(straight, until_s=TOOK_S / 2).message
    assert "read only" in drained(lambda passed: 1.0 if passed < 0.1 else 0.0).message
    unanswered = SENT._replace(start_s=None, end_s=None, outcome="fail")
    assert "no request was answered" in drained(straight, sent=unanswered).message

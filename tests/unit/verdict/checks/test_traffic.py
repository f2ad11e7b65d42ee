"""rate_reached, outcomes, latency_within and overlap on histories written by hand."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base.scheduling_lag import LagSample
from blackstart.evidence.history import GIVEN_UP, Row
from blackstart.verdict.checks.acknowledged import acknowledged
from blackstart.verdict.checks.fault_observed import fault_observed
from blackstart.verdict.checks.latency_within import latency_within
from blackstart.verdict.checks.outcomes import outcomes
from blackstart.verdict.checks.overlap import overlap
from blackstart.verdict.checks.per_window import per_window
from blackstart.verdict.checks.rate_reached import rate_reached
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.checks.thresholds import thresholds
from tests.unit.verdict.checks.rows import RUBBISH, history, recorded, row, unsent

TEN = [row(f"k{n}", at_s=10 + n / 10) for n in range(10)]


def test_everything_sent_in_time_reaches_the_rate() -> None:
    result = rate_reached(recorded(history(*TEN)), intended=10)
    assert (result.verdict, result.actual) == ("held", "10 of 10 sent, 0 more than 100 ms late")


def test_the_rate_is_never_broke() -> None:
    late = [row(f"k{n}", start_s=11.0, end_s=11.1) for n in range(10)]
    for rows, intended in ((history(*TEN, unsent("u")), None), (history(*TEN), 11), (history(*late), None)):
        assert rate_reached(recorded(rows), intended=intended).verdict == "inconclusive"
    assert rate_reached(recorded(history(*TEN, unreadable=(RUBBISH,)))).verdict == "inconclusive"
    assert rate_reached(recorded(history())).verdict == "inconclusive"


def test_the_rate_is_what_the_summary_of_the_load_says() -> None:
    load = {"intended": 10, "complete": True, "reasons": []}
    assert rate_reached(recorded(history(*TEN), load=load)).verdict == "held"
    assert rate_reached(recorded(history(*TEN), load={**load, "intended": 12})).verdict == "inconclusive"
    cut = {**load, "complete": False, "reasons": ["1 of 2 workers died"]}
    assert "1 of 2 workers died" in rate_reached(recorded(history(*TEN), load=cut)).message


def test_retries_do_not_count_for_the_rate() -> None:
    assert rate_reached(recorded(history(*TEN, row("k1", "ok", 2))), intended=10).verdict == "held"


def test_only_allowed_statuses_hold() -> None:
    rows = history(row("a"), row("b", "fail"), row("c", "fail", status=302))
    assert outcomes(recorded(rows), allowed=("2xx", 302, 409)).verdict == "held"
    result = outcomes(recorded(rows), allowed=("2xx", 302))
    assert (result.verdict, result.offenders, result.actual) == ("broke", ("b",), "1 × 201, 1 × 302, 1 × 409")


def test_requests_without_a_key_are_no_examples() -> None:
    result = outcomes(recorded(history(row("", "fail"), row("", "fail"))), allowed=("200",))
    assert (result.message, result.offenders) == (
        "2 of 2 answers were not allowed (share of allowed ones 0.0000)",
        (),
    )


def test_no_answer_is_never_allowed() -> None:
    assert outcomes(recorded(history(row("a"), row("b", "info"))), allowed=("2xx", "5xx")).verdict == "broke"


def test_a_share_is_enough_where_it_is_declared() -> None:
    rows = history(*TEN, row("x", "info"))
    assert outcomes(recorded(rows), min_share=0.9).verdict == "held"
    assert outcomes(recorded(rows), min_share=0.95).verdict == "broke"


def test_whoever_waited_an_outage_out_was_answered_by_a_system_that_is_back() -> None:
    def judged(*rows: Row, **more: bool) -> CheckResult:
        return outcomes(recorded(history(*rows), in_force=(20.0, 30.0)), allowed=("5xx",), **more)

    refused = row("x", "info", at_s=20, start_s=20.0, end_s=21.0, status=500)
    patient = [row(f"p{n}", at_s=21.0 + n, start_s=21.0 + n, end_s=30.5, status=200) for n in range(9)]
    under_way = row("u", at_s=19.9, start_s=19.9, end_s=20.1, status=200)
    result = judged(under_way, refused, *patient, meanwhile=True)
    assert (result.verdict, result.actual) == ("held", "9 × 200, 1 × 500; 9 of them when it was over")
    assert judged(under_way, refused, *patient).verdict == "broke"
    result = judged(refused, *patient, row("e", at_s=29, start_s=29.0, end_s=29.9, status=200), meanwhile=True)
    assert (result.verdict, result.offenders) == ("broke", ("e",))
    assert judged(under_way, meanwhile=True).verdict == "inconclusive"
    never = outcomes(recorded(history(refused)), allowed=("5xx",), meanwhile=True)
    assert never.verdict == "inconclusive"
    for allowed in (("5xx",), ("2xx", "5xx")):
        silent = outcomes(recorded(history(*patient), in_force=(20.0, 30.0)), allowed=allowed, meanwhile=True)
        assert (silent.verdict, silent.actual) == ("inconclusive", "9 × 200; 9 of them when it was over")
        assert silent.message == "none of 9 requests was answered while the fault was in force"
    gone = row("g", "info", at_s=21, start_s=21.0, end_s=29.0)
    assert outcomes(recorded(history(gone), in_force=(20.0, 30.0)), allowed=("5xx",), meanwhile=True).verdict == "broke"


def test_unreadable_lines_leave_a_share_open_unless_it_is_missed_anyhow() -> None:
    rows = history(*TEN, row("x", "info"), unreadable=(RUBBISH,))
    assert outcomes(recorded(rows), min_share=0.9).verdict == "inconclusive"
    assert outcomes(recorded(rows), min_share=0.95).verdict == "broke"


def test_what_the_load_sent_late_is_no_fault_of_the_system() -> None:
    herd = [row(f"h{n}", "fail", start_s=15.0, end_s=15.1, status=503) for n in range(10)]
    result = outcomes(recorded(history(*TEN, *herd)), min_share=0.95)
    assert result.verdict == "inconclusive"
    assert "10 of 10 that were not allowed were sent more than 100 ms late" in result.message
    in_time = [row(f"t{n}", "fail", status=503) for n in range(2)]
    assert outcomes(recorded(history(*TEN, *herd, *in_time)), min_share=0.95).verdict == "broke"


def test_unsent_requests_leave_the_outcomes_open() -> None:
    assert outcomes(recorded(history(*TEN, unsent("u")))).verdict == "inconclusive"
    assert outcomes(recorded(history(unsent("u")))).verdict == "inconclusive"
    assert outcomes(recorded(history())).verdict == "inconclusive"


def test_latency_counts_from_the_intended_time_and_for_one_outcome() -> None:
    rows = history(*TEN, row("slow", "info", end_s=15.0))
    result = latency_within(recorded(rows), limits_ms={"p95": 101, "max": 101})
    assert (result.verdict, result.actual) == ("held", "p95 100.0 ms, max 100.0 ms (n = 10)")
    assert latency_within(recorded(rows), limits_ms={"p95": 101}, outcome="").offenders[0] == "slow"
    assert latency_within(recorded(rows), limits_ms={"p50": 101}, outcome="").verdict == "held"


def test_only_requests_over_the_limit_are_offenders() -> None:
    rows = history(*TEN, row("slow", "fail", at_s=20, end_s=23.0), row("slower", "fail", at_s=20, end_s=24.0))
    result = latency_within(recorded(rows), limits_ms={"p50": 3500, "p95": 101}, outcome="")
    assert (result.verdict, result.offenders) == ("broke", ("slower", "slow"))
    assert result.message.endswith("(slower, slow)")


def test_a_latency_that_only_our_own_late_sending_made_proves_nothing() -> None:
    late = row("late", at_s=10.0, start_s=10.5, end_s=10.55)
    result = latency_within(recorded(history(*TEN, late)), limits_ms={"max": 101})
    assert (result.verdict, "sent late" in result.message) == ("inconclusive", True)
    # All at once after a stall, they wait for each other.
    herd = [row(f"h{n}", start_s=15.0, end_s=15.0 + n / 5) for n in range(10)]
    assert latency_within(recorded(history(*TEN, *herd)), limits_ms={"p99": 101}).verdict == "inconclusive"
    slow_too = late._replace(end_s=10.7)
    assert latency_within(recorded(history(*TEN, slow_too)), limits_ms={"max": 101}).verdict == "broke"


def test_requests_behind_a_crowd_that_the_load_sent_at_once_are_not_measured() -> None:
    herd = [row(f"h{n}", at_s=12.0, start_s=15.0, end_s=15.0 + n / 5) for n in range(10)]
    behind = row("behind", at_s=16.0, start_s=16.0, end_s=17.9)
    assert latency_within(recorded(history(*TEN, *herd, behind)), limits_ms={"max": 101}).verdict == "inconclusive"
    refused = [behind._replace(key=f"b{n}", outcome="fail", status=503) for n in range(3)]
    assert outcomes(recorded(history(*TEN, *herd, *refused)), min_share=0.95).verdict == "inconclusive"
    after = behind._replace(intended_s=17.0, start_s=17.0)
    assert latency_within(recorded(history(*TEN, *herd, after)), limits_ms={"max": 101}).verdict == "broke"


def test_a_limit_missed_by_less_than_we_were_late_ourselves_proves_nothing() -> None:
    slow = history(*TEN, row("slow", at_s=20, start_s=20.0, end_s=20.15))
    for worst_s, verdict in ((0.06, "inconclusive"), (0.04, "broke")):
        seen = recorded(slow, late=(LagSample(19.5, 20.5, 0.1, worst_s, 0.1, 0.9, 1.9),))
        assert latency_within(seen, limits_ms={"max": 101}).verdict == verdict


def test_what_was_not_answered_on_a_crowded_machine_says_nothing_of_the_system() -> None:
    crowded = LagSample(20.0, 21.0, 0.05, 0.01, 0.1, 1.0, 10.0)
    lost = [row(f"l{n}", "info", at_s=20.0, start_s=20.0, end_s=20.9) for n in range(5)]
    result = outcomes(recorded(history(*TEN, *lost), late=(crowded,)))
    assert (result.verdict, "10.0 threads for each processor" in result.message) == ("inconclusive", True)
    assert outcomes(recorded(history(*TEN, *lost))).verdict == "broke"
    for took_s, verdict in ((0.9, "inconclusive"), (0.05, "broke")):  # a limit of its own may have passed, or can't
        errors = [one._replace(status=500, end_s=20.0 + took_s) for one in lost]
        assert outcomes(recorded(history(*TEN, *errors), late=(crowded,))).verdict == verdict
    hanging = [one._replace(end_s=24.0) for one in lost]
    assert outcomes(recorded(history(*TEN, *hanging), late=(crowded,))).verdict == "broke"
    for took_s, verdict in ((0.9, "inconclusive"), (2.0, "broke")):  # by far too long for ten threads too
        slow = recorded(history(*TEN, row("slow", at_s=20, start_s=20.0, end_s=20.0 + took_s)), late=(crowded,))
        assert latency_within(slow, limits_ms={"max": 101}).verdict == verdict


@pytest.mark.parametrize(
    ("threads", "pressure", "verdict"),
    [
        (4.0, 0.9, "inconclusive"), (4.0, 0.3, "broke"), (1.9, 1.0, "broke"), (4.0, None, "broke"),
        (6.0, None, "inconclusive"),
    ],
)  # fmt: skip
def test_a_limit_of_milliseconds_says_nothing_where_threads_wait_for_each_other(
    threads: float, pressure: float | None, verdict: str
) -> None:
    """A healthy gateway was called broken for 30 ms in place of 15, beside four other campaigns on two processors."""
    shared = LagSample(20.0, 21.0, 0.05, 0.0, 0.1, pressure, threads)
    slow = recorded(history(*TEN, row("slow", at_s=20.2, start_s=20.2, end_s=20.5)), late=(shared,))
    result = latency_within(slow, limits_ms={"max": 101})
    told = f"others had the processor; the run itself was late by 50 ms in 1.00 s (by 0 ms at worst), with {threads}"
    assert (result.verdict, verdict == "broke" or told in result.message) == (verdict, True), result.message


def test_what_came_behind_a_crowd_waits_for_what_it_left_and_nobody_is_accused() -> None:
    """500 requests a second that get a fifth of a processor are queued: what they wait grows with the crowd."""
    crowd = tuple(
        LagSample(16.0 + n, 17.0 + n, 0.02, 0.0, 0.1, 1.0, threads) for n, threads in enumerate((6.0, 8.0, 4.5))
    )
    for at_s, took_s, verdict in (
        (17.8, 1.6, "inconclusive"), (17.8, 2.6, "broke"),  # 0.87 s are lost before, 0.95 s meanwhile
        (18.5, 0.9, "inconclusive"), (19.5, 0.9, "broke"),  # the crowd is over, for less than a second, and for more
    ):  # fmt: skip
        waited = row("waited", at_s=at_s, start_s=at_s, end_s=at_s + took_s)
        seen = recorded(history(*TEN, waited), late=crowd)
        assert latency_within(seen, limits_ms={"max": 101}).verdict == verdict, (at_s, took_s)


def test_a_crowd_that_has_gone_excuses_no_answer_of_a_machine_at_rest() -> None:
    times = [LagSample(float(n), n + 1.0, 0.02, 0.0, 0.1, 0.9, 0.7 if n >= 15 else 5.5) for n in range(60)]
    late = row("late", at_s=15.5, start_s=15.5, end_s=20.0)
    assert latency_within(recorded(history(*TEN, late), late=times), limits_ms={"max": 101}).verdict == "broke"
    now_and_then = [LagSample(float(n), n + 1.0, 0.02, 0.0, 0.1, 0.9, 5.5 * (n % 2)) for n in range(60)]
    slow = row("slow", at_s=20.5, start_s=20.5, end_s=29.5)
    assert latency_within(recorded(history(*TEN, slow), late=now_and_then), limits_ms={"max": 101}).verdict == "broke"


def test_who_says_that_it_is_too_busy_or_too_late_on_a_crowded_machine_may_be_right() -> None:
    crowded = LagSample(20.0, 21.0, 0.05, 0.01, 0.1, 1.0, 10.0)
    for status, at_s, verdict in (
        (503, 20.5, "inconclusive"), (504, 20.5, "inconclusive"), (500, 20.5, "broke"), (502, 20.5, "broke"),
        (503, 21.5, "inconclusive"), (504, 21.5, "broke"), (503, 23.0, "broke"),  # its breaker may still be open
    ):  # fmt: skip
        refused = [row(f"r{n}", "info", at_s=at_s, start_s=at_s, end_s=at_s + 0.02, status=status) for n in range(5)]
        seen = recorded(history(*TEN, *refused), late=(crowded,))
        assert outcomes(seen).verdict == verdict, (status, at_s)
    assert outcomes(recorded(history(*TEN, *refused))).verdict == "broke"


def test_a_breaker_that_a_crowd_opened_accuses_nobody_where_it_closed_again() -> None:
    phases = {"recovery": (5.0, 10.0), "settle": (10.0, 20.0)}
    crowd = (LagSample(10.0, 11.0, 0.05, 0.01, 0.1, 1.0, 6.0),)

    def settled(opened: Sequence[int], late: Sequence[LagSample] = crowd, **fallback: object) -> set[str]:
        rows = [row(f"k{n}", at_s=10 + n / 10, detail="confirmed") for n in range(100)]
        rows = [one._replace(**fallback) if n in opened else one for n, one in enumerate(rows)]
        found = recorded(history(*rows), phases=phases, late=late)
        checks = (acknowledged(found, usual="confirmed", min_share=0.95), outcomes(found, min_share=0.95))
        return {check.verdict for check in checks}

    # A leader whose lease has lapsed answers 409, which the load is not told to take for none of its answers.
    for fallback in ({"detail": "pending"}, {"status": 503, "outcome": "fail"}, {"status": 409, "outcome": "fail"}):
        accused = {"broke"} if fallback.get("status") == 503 else {"held", "broke"}
        spared = {"inconclusive"} if fallback.get("status") == 503 else {"held", "inconclusive"}
        assert settled(range(8, 40), **fallback) == spared  # of the crowd, and ended
        assert settled(range(8, 40), (), **fallback) == accused  # of no crowd
        assert settled(range(8, 100), **fallback) == accused  # lasts
        assert settled(range(8, 95), **fallback) == accused  # whether it ended was hardly seen
        assert settled(range(25, 50), **fallback) == accused  # began when the crowd had gone
        assert settled([*range(8, 20), *range(40, 60)], **fallback) == accused  # as did its second time
        crowded_on = [LagSample(10.0 + n, 11.0 + n, 0.05, 0.01, 0.1, 1.0, 6.0) for n in range(10)]
        assert settled(range(80, 100), crowded_on, **fallback) == spared  # the crowd lasts as well
        assert settled(range(8, 100, 5), **fallback) == accused  # one in five, with and without a crowd
    for opened, verdict in ((range(60), {"inconclusive"}), (range(85), {"broke"})):
        rows = [row(f"k{n}", at_s=10 + n / 4) for n in range(100)]
        rows = [one._replace(status=503, outcome="fail") if n in opened else one for n, one in enumerate(rows)]
        # Longer than any breaker that is set as usual is open. The phase began in its midst, and ended before it did.
        for stretch in ((10.0, 40.0), (12.0, 40.0), (12.0, 24.0)):
            found = recorded(history(*rows), phases={"settle": stretch}, late=crowd)
            assert {outcomes(found, phase="settle", min_share=0.95).verdict} == verdict
            assert {acknowledged(found, min_share=0.95).verdict} == verdict
    assert settled(range(8, 40), status=500, outcome="fail") == {"broke"}  # no limit of time makes it
    assert settled(range(8, 40), status=404, outcome="fail") == {"held", "broke"}


def test_latency_may_be_narrowed_to_a_status_a_detail_or_a_phase() -> None:
    rows = history(*TEN, row("late", status=200, detail="fallback", at_s=30, start_s=30.0, end_s=30.9))
    assert latency_within(recorded(rows), limits_ms={"max": 101}, status=201).verdict == "held"
    assert latency_within(recorded(rows), limits_ms={"max": 101}, detail="fallback").verdict == "broke"
    seen = recorded(rows, phases={"fault": (20, 40)})
    assert latency_within(seen, limits_ms={"max": 101}, phase="fault").verdict == "broke"
    assert latency_within(recorded(rows), limits_ms={"max": 101}, phase="fault").verdict == "inconclusive"


def test_latency_of_nothing_is_inconclusive() -> None:
    for rows in (
        history(),
        history(row("a", "info")),
        history(*TEN, unsent("u")),
        history(*TEN, unreadable=(RUBBISH,)),
    ):
        assert latency_within(recorded(rows), limits_ms={"p50": 1000}).verdict == "inconclusive"


@pytest.mark.parametrize("name", ["p0", "p101", "95", "median", "p"])
def test_a_percentile_that_is_none_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="is no percentile"):
        latency_within(recorded(history(*TEN)), limits_ms={name: 1})


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=60), st.integers(1, 5000))
def test_a_limit_on_p90_means_that_nine_in_ten_are_within(waits_ms: list[int], limit_ms: int) -> None:
    rows = history(*(row(f"k{n}", start_s=10.0, end_s=10 + wait / 1000) for n, wait in enumerate(waits_ms)))
    within = sum(wait <= limit_ms for wait in waits_ms)
    held = latency_within(recorded(rows), limits_ms={"p90": limit_ms + 1e-6}).verdict == "held"
    assert held == (within * 10 >= len(waits_ms) * 9)


def test_requests_that_share_a_moment_overlap() -> None:
    rows = history(row("a", at_s=10), row("b", at_s=10.05))
    assert overlap(recorded(rows), n=2).verdict == "held"
    assert overlap(recorded(rows), n=3).verdict == "inconclusive"


def test_requests_that_share_none_do_not_overlap() -> None:
    assert overlap(recorded(history(row("a", at_s=10), row("b", at_s=10.099)))).verdict == "inconclusive"
    assert overlap(recorded(history(row("a"), unsent("b")))).verdict == "inconclusive"
    assert overlap(recorded(history(row("a")))).verdict == "inconclusive"
    assert overlap(recorded(history())).verdict == "inconclusive"


def test_thresholds_of_a_complete_load_are_judged() -> None:
    load = {"complete": True, "reasons": [], "thresholds": [{"name": "p(95)<5", "held": True}]}
    assert thresholds(recorded(history(), load=load)).verdict == "held"
    unseen = {"name": "p(95)<1", "held": True, "seen": False}
    assert thresholds(recorded(history(), load={**load, "thresholds": [*load["thresholds"], unseen]})).verdict == (
        "inconclusive"
    )
    crossed = {**load, "thresholds": [{"name": "p(95)<5", "held": False}, {"name": "count>1", "held": True}]}
    result = thresholds(recorded(history(), load=crossed))
    assert (result.verdict, result.offenders, result.actual) == ("broke", ("p(95)<5",), "1 of 2 held")


def test_thresholds_without_a_complete_load_prove_nothing() -> None:
    dropped = {"complete": False, "reasons": ["k6 dropped 3 iterations"], "thresholds": [{"name": "x", "held": True}]}
    assert "k6 dropped 3 iterations" in thresholds(recorded(history(), load=dropped)).message
    for load in ({}, dropped, {"complete": True, "thresholds": []}):
        assert thresholds(recorded(history(), load=load)).verdict == "inconclusive"


def test_a_2xx_that_was_not_acknowledged_is_a_lie_only_where_honesty_is_asked_for() -> None:
    rows = history(*TEN, row("lie", "fail", status=200))
    assert outcomes(recorded(rows), allowed=("2xx",)).verdict == "held"
    result = outcomes(recorded(rows), allowed=("2xx",), honest=True)
    assert (result.verdict, result.offenders) == ("broke", ("lie",))
    assert "1 × 200 that is none" in str(result.actual)


LIMIT = {"status": 200, "most": 20, "window_s": 1.0}


def limiter(most: int, begins_s: float, seconds: int = 8) -> list[Row]:
    """One client, a hundred requests a second, its limiter's windows beginning at this part of a second."""
    counts: Counter[int] = Counter()
    rows = []
    for n in range(100 * seconds):
        at_s = 50 + n / 100
        window = int(at_s + 0.001 - begins_s)
        counts[window] += 1
        passed = counts[window] <= most
        told = ("ok", 200) if passed else ("fail", 429)
        rows.append(row(f"k{n}", told[0], status=told[1], start_s=at_s, end_s=at_s + 0.004))
    return rows


def test_a_limit_counts_only_answers_that_say_so() -> None:
    many = [row(f"a{n}", status=200, detail="bypassed", end_s=10.002) for n in range(50)]
    some = [row(f"b{n}", status=200, detail="counted", end_s=10.002) for n in range(20)]
    limited = [row("c", "fail", status=429)]
    assert per_window(recorded(history(*many, *some, *limited)), **LIMIT).verdict == "broke"
    assert per_window(recorded(history(*many, *some, *limited)), **LIMIT, detail="counted").verdict == "held"
    assert per_window(recorded(history(*many, *some)), **LIMIT, detail="counted").verdict == "inconclusive"


@given(st.floats(0, 1))
def test_a_limit_that_is_kept_holds_wherever_its_windows_begin(begins_s: float) -> None:
    assert per_window(recorded(history(*limiter(20, begins_s))), **LIMIT).verdict == "held"


@given(st.floats(0, 1))
def test_a_limit_that_leaks_a_quarter_is_found_wherever_its_windows_begin(begins_s: float) -> None:
    assert per_window(recorded(history(*limiter(25, begins_s))), **LIMIT).verdict == "broke"


@pytest.mark.parametrize(("answers", "verdict"), [(40, "held"), (41, "broke")])
def test_requests_that_may_lie_in_either_of_two_windows_are_as_many_as_both_allow(answers: int, verdict: str) -> None:
    at_once = [row(f"k{n}", status=200, start_s=10.0, end_s=10.5) for n in range(answers)]
    assert per_window(recorded(history(*at_once, row("c", "fail", status=429))), **LIMIT).verdict == verdict


def test_a_limit_whose_answers_were_never_seen_proves_nothing() -> None:
    """A word that no answer says (a mistyped one, a header that is gone), and nobody is counted at all."""
    mute = [row(f"a{n}", status=200, detail="", end_s=10.002) for n in range(50)]
    result = per_window(recorded(history(*mute, row("c", "fail", status=429))), **LIMIT, detail="counted")
    assert (result.verdict, "no answer 200 said counted" in result.message) == ("inconclusive", True)


def test_limits_that_nothing_could_miss_or_nothing_could_keep_are_refused() -> None:
    with pytest.raises(ValueError, match="no limit"):
        latency_within(recorded(history(*TEN)), limits_ms={})
    for share in (0, 95, float("nan")):
        with pytest.raises(ValueError, match="min_share"):
            outcomes(recorded(history(*TEN)), min_share=share)


def test_a_load_that_was_late_itself_is_no_sign_of_a_fault() -> None:
    phases = {"fault": (9, 60)}
    late = [row(f"h{n}", start_s=15.0, end_s=15.1) for n in range(10)]
    assert fault_observed(recorded(history(*TEN, *late), phases=phases), slow_ms=1000.0).verdict == "inconclusive"
    slow = row("slow", start_s=10.0, end_s=15.1)
    assert fault_observed(recorded(history(*TEN, *late, slow), phases=phases), slow_ms=1000.0).verdict == "held"


# ---------------------------------------------------------------- acknowledged, in the settling

SETTLE = {"recovery": (5.0, 10.0), "settle": (10.0, 15.0)}


def test_what_is_refused_once_more_while_it_settles_is_a_relapse() -> None:
    again = [row(f"a{n}", "info", at_s=12 + n / 10, status=503) for n in range(3)]
    before = [row(f"b{n}", "info", at_s=9 + n / 10) for n in range(9)]  # of the outage: not counted
    assert acknowledged(recorded(history(*TEN, *before), phases=SETTLE), min_share=0.9).verdict == "held"
    relapsed = acknowledged(recorded(history(*TEN, *again), phases=SETTLE), min_share=0.9)
    assert (relapsed.verdict, relapsed.actual) == ("broke", "3 × info, 10 × ok")
    assert "3 of 13 answers were not acknowledged" in relapsed.message


def test_what_is_acknowledged_another_way_than_usual_is_none() -> None:
    rows = [one._replace(detail="counted" if n < 8 else "bypassed") for n, one in enumerate(TEN)]
    assert acknowledged(recorded(history(*rows), phases=SETTLE)).verdict == "held"
    assert acknowledged(recorded(history(*rows), phases=SETTLE), usual="counted", min_share=0.9).verdict == "broke"
    assert acknowledged(recorded(history(*rows), phases=SETTLE), usual="counted", min_share=0.8).verdict == "held"


def test_a_fallback_or_late_error_on_a_crowded_machine_may_be_a_limit_of_time_that_the_crowd_made_pass() -> None:
    crowd = tuple(LagSample(11.0 + n, 12.0 + n, 0.05, 0.01, 0.1, 1.0, 6.0) for n in range(2))
    over, long_over = (
        tuple(LagSample(*bounds, 0.05, 0.01, 0.1, 1.0, 6.0) for bounds in one)
        for one in (((10.5, 11.2),), ((9.0, 10.2),))
    )
    again = [row(f"a{n}", at_s=11.5 + n / 10, detail="pending") for n in range(5)]
    usual = [one._replace(detail="confirmed") for one in TEN]
    for rows, late, verdict in (
        (again, (), "broke"),
        (again, crowd, "inconclusive"),
        (again, over, "inconclusive"),
        (again, long_over, "broke"),
        ([one._replace(outcome="fail", status=500) for one in again], crowd, "broke"),
        ([one._replace(outcome="fail", status=500, end_s=one.start_s + 0.57) for one in again], (), "broke"),
        ([one._replace(outcome="fail", status=500, end_s=one.start_s + 0.57) for one in again], crowd, "inconclusive"),
        ([one._replace(outcome="fail", status=404, end_s=one.start_s + 0.57) for one in again], crowd, "broke"),
    ):
        found = recorded(history(*usual, *rows), phases=SETTLE, late=late)
        assert acknowledged(found, usual="confirmed", min_share=0.9).verdict == verdict


def test_a_settling_without_requests_or_cut_short_says_nothing() -> None:
    early = recorded(history(row("k", at_s=7.0)), phases=SETTLE)
    assert acknowledged(early).verdict == "inconclusive"
    assert acknowledged(recorded(history(*TEN))).verdict == "inconclusive"
    assert acknowledged(recorded(history(*TEN, unsent("u")), phases=SETTLE), min_share=0.5).verdict == "inconclusive"


def test_what_our_own_lateness_may_have_made_is_no_relapse() -> None:
    late = [row(f"l{n}", "info", at_s=12.0, start_s=13.0, end_s=13.2) for n in range(9)]
    assert acknowledged(recorded(history(*TEN, *late), phases=SETTLE), min_share=0.9).verdict == "inconclusive"


def test_a_share_that_is_none_is_refused() -> None:
    for share in (0.0, 1.1):
        with pytest.raises(ValueError, match="min_share"):
            acknowledged(recorded(history()), min_share=share)


def test_a_command_answers_without_a_status_unless_it_was_given_up() -> None:
    placed = [row(f"p{n}", at_s=10 + n / 10, status=None) for n in range(3)]
    refused = [row(f"r{n}", "info", at_s=20 + n / 10) for n in range(3)]
    given_up = [one._replace(detail=f"{GIVEN_UP}2 s") for one in refused]
    phases = {"baseline": (5.0, 15.0), "fault": (15.0, 30.0)}
    for fault, verdict in ((refused, "held"), (given_up, "inconclusive")):
        seen = recorded(history(*placed, *fault), phases=phases)
        assert latency_within(seen, limits_ms={"max": 500}, outcome="", phase="fault").verdict == verdict

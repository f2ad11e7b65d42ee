"""What chaos blocks expect of keys that come again, on histories written by hand: each false pass is impossible."""

import pytest

from blackstart.base.scheduling_lag import LagSample
from blackstart.evidence.history import Row
from blackstart.evidence.journal import Record
from blackstart.verdict.checks.claim_holds import claim_holds
from blackstart.verdict.checks.code_returned import code_returned
from blackstart.verdict.checks.conflict_told import conflict_told
from blackstart.verdict.checks.consistent import consistent
from blackstart.verdict.checks.created_once import created_once
from blackstart.verdict.checks.latency_within import latency_within
from blackstart.verdict.checks.no_timeouts import no_timeouts
from blackstart.verdict.checks.not_doubled import not_doubled
from blackstart.verdict.checks.outcomes import outcomes
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.recovered_by_retry import recovered_by_retry
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.checks.same_result import same_result
from blackstart.verdict.checks.turned_away import turned_away
from tests.unit.verdict.checks.rows import DONE, RUBBISH, TORN, history, recorded, row

TEN = [row("k", attempt=n + 1, detail="s1") for n in range(10)]


def once(
    *rows: Row,
    sessions: object = ("k",),
    prefix: str = "k",
    load: dict[str, object] | None = DONE,
    torn: tuple[str, ...] = (),
    op: str = "",
) -> CheckResult:
    evidence = recorded(history(*rows, unreadable=torn), {"sessions": sessions}, load=load)
    return created_once(evidence, source="sessions", key_prefix=prefix, op=op)


def test_a_409_is_another_answer_also_on_a_crowded_machine() -> None:
    crowded = (LagSample(9.0, 11.0, 0.05, 0.01, 0.1, 1.0, 6.0),)
    refused = [one._replace(outcome="fail", status=409) for one in TEN[1:]]
    assert same_result(recorded(history(TEN[0], *refused), late=crowded), every=True).verdict == "broke"


def test_one_key_made_one_thing() -> None:
    assert once(*TEN).verdict == "held"
    assert once(*TEN, sessions=("k", "k")).verdict == "broke"
    assert once(*TEN, sessions=()).verdict == "broke"
    assert once(*TEN, sessions=("k", "k-2")).message == "1 entries under keys that nobody sent"
    assert "several results" in once(*TEN[:9], row("k", attempt=10, detail="s2")).message


def test_an_entry_whose_request_may_have_left_no_row_or_was_another_operation_accuses_nobody() -> None:
    both = ("k", "k-2")
    for load in (None, DONE | {"intended": 3}, DONE | {"dropped_iterations": 0}):
        result = once(*TEN, sessions=both, load=load)
        assert (result.verdict, "1 entries are there of which" in result.message) == ("inconclusive", True)
    assert once(*TEN, sessions=both, torn=(TORN,)).verdict == "inconclusive"
    assert once(*TEN, row("k-2", op="first"), sessions=both, op="order").verdict == "held"


def test_where_nothing_could_be_made_twice_nothing_is_said() -> None:
    assert once(TEN[0]).verdict == "inconclusive"
    assert once(*[row("k", "info", n) for n in (1, 2)], sessions=()).verdict == "inconclusive"
    assert once(sessions=()).verdict == "inconclusive"
    assert once(*TEN, sessions=None).verdict == "inconclusive"


def test_answers_without_a_name_are_no_result_and_not_several() -> None:
    unnamed = row("k", attempt=11, detail="")
    told = once(*TEN, unnamed)
    assert (told.verdict, told.message) == (
        "inconclusive", "1 acknowledged answers name no result: does result_from say where it stands?"
    )  # fmt: skip
    assert once(*[row("k", attempt=n) for n in (1, 2)]).verdict == "inconclusive"
    assert once(*TEN, unnamed, sessions=("k", "k")).verdict == "broke"


def test_all_answers_name_one_result() -> None:
    assert same_result(recorded(history(*TEN)), every=True).verdict == "held"
    other = same_result(recorded(history(*TEN, row("k", attempt=11, detail="s2"))))
    assert (other.verdict, other.offenders) == ("broke", ("k",))
    # Two keys may have two results, and one answer alone can't differ from another.
    assert same_result(recorded(history(row("a", detail="1"), row("b", detail="2")))).verdict == "inconclusive"


@pytest.mark.parametrize("status", [None, 500, 429])
def test_an_error_is_not_the_same_result_where_nothing_was_broken(status: int | None) -> None:
    failed = row("k", "info", 11, status=status)
    assert same_result(recorded(history(*TEN, failed)), every=True).verdict == "broke"
    assert same_result(recorded(history(*TEN, failed))).verdict == "held"  # there it may be ours


def test_answers_that_name_nothing_are_not_taken_for_equal_ones() -> None:
    assert same_result(recorded(history(*[row("k", attempt=n, detail="") for n in (1, 2)]))).verdict == "inconclusive"


def test_what_our_own_fault_has_lost_is_not_charged_to_the_target() -> None:
    lost = row("b", "info", at_s=15.0)
    fault = recorded(history(TEN[0], lost), in_force=(14.0, 16.0), phases={"fault": (14.0, 20.0)})
    late = recorded(history(TEN[0], lost, row("c", "info", at_s=18.0)), in_force=(14.0, 16.0))
    assert outcomes(fault).verdict == "broke" and outcomes(fault, lossy=True).verdict == "held"
    assert outcomes(late, lossy=True).verdict == "broke"  # it was gone then: that is the target's own silence
    limits = {"limits_ms": {"max": 50.0}, "outcome": "", "phase": "fault"}
    assert latency_within(fault, **limits).verdict == "broke"
    assert latency_within(fault, **limits, lossy=True).verdict == "inconclusive"
    claim = {"claim": ("<", "latency", 0.05), "text": "soon", "phase": "fault"}
    assert claim_holds(fault, **claim).verdict == "broke"
    assert claim_holds(fault, **claim, lossy=True).verdict == "inconclusive"


FIRST = row("k", op="first", detail="s1")
TOLD = row("k", "fail", 2, op="other", detail="CONFLICT")
AGAIN = row("k", attempt=3, op="again", detail="s1")


def conflict(
    *rows: Row,
    sessions: object = ("k",),
    count: object = 1,
    ids: object = ("s1 k",),
    late: tuple[LagSample, ...] = (),
) -> CheckResult:
    final = {"sessions": sessions, "sessions_count": count, "ids": ids}
    names = {"first": "first", "other": "other", "again": "again", "source": "sessions", "entries": "sessions_count"}
    return conflict_told(recorded(history(*rows), final, late=late), code="CONFLICT", **names, ids="ids")


def test_a_conflict_is_told_and_makes_nothing() -> None:
    assert conflict(FIRST, TOLD, AGAIN).verdict == "held"
    assert conflict(FIRST, row("k", attempt=2, op="other", detail="s2"), AGAIN).verdict == "broke"
    assert conflict(FIRST, TOLD._replace(detail="INVALID"), AGAIN).verdict == "broke"
    assert conflict(FIRST, TOLD, AGAIN._replace(detail="s2")).verdict == "broke"
    assert conflict(FIRST, TOLD, TOLD._replace(op="again")).verdict == "broke"
    assert conflict(FIRST, TOLD, AGAIN, sessions=("k", "k"), count=2).verdict == "broke"
    assert conflict(FIRST, TOLD, AGAIN, count=2).verdict == "broke"


def test_a_conflict_needs_something_to_conflict_with_and_an_answer() -> None:
    assert conflict(FIRST._replace(outcome="fail", status=503, detail="DOWN"), TOLD, AGAIN).verdict == "inconclusive"
    assert conflict(FIRST, row("k", "info", 2, op="other"), AGAIN).verdict == "inconclusive"  # silence is no conflict
    assert conflict(FIRST, TOLD).verdict == "inconclusive"
    assert conflict(FIRST, TOLD, AGAIN, sessions=None).verdict == "inconclusive"


def test_a_conflict_of_which_a_crowd_or_a_limit_said_nothing_accuses_nobody() -> None:
    crowd = (LagSample(9.0, 12.0, 0.05, 0.05, runnable=20.0),)
    down, limited = {"outcome": "info", "status": 503, "detail": "DOWN"}, {"status": 429, "detail": "RATE"}
    for two, three in ((down, {}), ({}, down)):
        asked = (FIRST, TOLD._replace(**two), AGAIN._replace(**three))
        assert (conflict(*asked, late=crowd).verdict, conflict(*asked).verdict) == ("inconclusive", "broke")
    assert conflict(FIRST, TOLD._replace(**limited), AGAIN).verdict == "inconclusive"
    assert conflict(FIRST, TOLD, AGAIN._replace(outcome="fail", **limited)).verdict == "inconclusive"
    assert conflict(FIRST, TOLD, AGAIN, late=crowd).verdict == "held"
    assert conflict(FIRST, TOLD._replace(**limited), AGAIN, sessions=("k", "k"), count=2).verdict == "broke"
    # What is accepted under a used key, or of another result, no lateness makes.
    assert conflict(FIRST, row("k", attempt=2, op="other", detail="s2"), AGAIN, late=crowd).verdict == "broke"
    assert conflict(FIRST, TOLD, AGAIN._replace(detail="s2"), late=crowd).verdict == "broke"
    assert conflict(FIRST, TOLD._replace(detail="NO"), AGAIN._replace(**down), late=crowd).verdict == "broke"


def test_that_a_conflict_left_the_first_answer_as_it_was_needs_answers_that_name_it() -> None:
    nameless = [one._replace(detail="") for one in (FIRST, AGAIN)]
    told = conflict(nameless[0], TOLD, nameless[1])
    assert (told.verdict, "result_from" in told.message) == ("inconclusive", True)
    assert conflict(FIRST, TOLD, nameless[1]).verdict == "inconclusive"
    assert conflict(nameless[0], TOLD, nameless[1], sessions=("k", "k")).verdict == "broke"
    assert conflict(nameless[0], TOLD, TOLD._replace(op="again")).verdict == "broke"


def test_stores_agree_with_the_answers_and_with_each_other() -> None:
    def of(sessions: object, charges: object, *rows: Row) -> str:
        run = recorded(history(*rows), {"sessions": sessions, "charges": charges}, load=DONE)
        return consistent(run, sources=("sessions", "charges"), key_prefix="k").verdict

    ok, unknown, rejected = row("k1"), row("k2", "info"), row("k3", "fail")
    assert of(["k1"], ["k1"], ok, unknown, rejected) == "held"
    assert of(["k1", "k2"], ["k1", "k2"], ok, unknown, rejected) == "held"
    assert of(["k1"], ["k1", "k2"], ok, unknown) == "broke"  # paid, and nothing for it
    assert of(["k1", "k2"], ["k1"], ok, unknown) == "broke"
    assert of([], [], ok) == "broke"
    assert of(["k1", "k3"], ["k1", "k3"], ok, rejected) == "broke"
    assert of(None, ["k1"], ok) == "inconclusive"
    assert of([], [], unknown) == "inconclusive"


def test_an_answer_names_what_is_recorded_under_its_key() -> None:
    final = {"sessions": ["a", "b"], "sessions_count": 2, "ids": ["s1 a", "s2 b"]}
    right = [row(key, attempt=n, detail=of) for key, of in (("a", "s1"), ("b", "s2")) for n in (1, 2)]
    phantom = [one._replace(detail="s9") if one.key == "b" else one for one in right]
    swapped = [one._replace(detail={"s1": "s2", "s2": "s1"}[one.detail]) for one in right]
    for rows, verdict, offenders in ((right, "held", ()), (phantom, "broke", ("b",)), (swapped, "inconclusive", ())):
        run = recorded(history(*rows), final)
        for result in (
            created_once(run, source="sessions", ids="ids"), consistent(run, sources=["sessions"], ids="ids")
        ):  # fmt: skip
            assert (result.verdict, result.offenders) == (verdict, offenders)
            # Of all at once, the query is as likely the wrong one.
            assert ("does result_from read" in result.message) == (verdict == "inconclusive")
        assert created_once(run, source="sessions").verdict == "held"  # as in a record of before
    for ids, verdict in ((["s1 k"], "held"), (["s7 k"], "inconclusive")):
        assert conflict(FIRST, TOLD, AGAIN, ids=ids).verdict == verdict
    for result in (
        created_once(recorded(history(*right), {"sessions": ["a", "b"]}), source="sessions", ids="ids"),
        consistent(recorded(history(*right), {"sessions": ["a", "b"]}), sources=["sessions"], ids="ids"),
    ):
        assert result.verdict == "inconclusive" and '"ids"' in result.message


def test_nothing_is_doubled_where_it_could_have_been() -> None:
    again = (row("a"), row("a", attempt=2, at_s=11.0))
    assert not_doubled(recorded(history(*again), {"keys": ["a"]})).verdict == "held"
    assert not_doubled(recorded(history(row("a")), {"keys": ["a"]})).verdict == "inconclusive"
    # The system's own repetitions count too: nobody sent b again.
    assert not_doubled(recorded(history(*again, row("b")), {"keys": ["a", "b", "b"]})).verdict == "broke"


def test_what_was_sent_again_before_the_fault_alone_shows_nothing_of_it() -> None:
    before = (row("a", at_s=1.0), row("a", attempt=2, at_s=2.0))
    hit, again = row("b", "info", at_s=15.0), row("b", attempt=2, at_s=25.0)

    def of(*rows: Row) -> str:
        run = recorded(history(*before, *rows), {"keys": ["a", "b"]}, in_force=(10.0, 20.0))
        assert not_doubled(run).verdict == "held"
        return not_doubled(run, again="in_force").verdict

    assert of() == of(hit) == of(again) == "inconclusive"
    assert of(hit._replace(start_s=8.0, end_s=9.0), again) == "inconclusive"
    assert of(hit, again) == of(hit._replace(start_s=9.0, end_s=10.5), again) == "held"
    gone = recorded(history(*before, hit, again), {"keys": ["a"]}, in_force=(10.0, 20.0))
    assert not_doubled(gone, again="in_force").verdict == "inconclusive"


def test_of_a_burst_two_of_one_key_that_were_acknowledged_could_both_have_made_it() -> None:
    def of(*rows: Row, keys: tuple[str, ...] = ("k",)) -> str:
        return not_doubled(recorded(history(*rows), {"keys": keys}), again="at_once").verdict

    assert not_doubled(recorded(history(*TEN), {"keys": ["k"]})).verdict == "inconclusive"
    assert of(*TEN) == "held" and of(*TEN, keys=("k", "k")) == "broke"
    assert of(TEN[0]) == of(TEN[0], row("k", "info", 2)) == of(row("k", "info")) == "inconclusive"


def test_a_time_out_is_a_time_out_by_status_code_or_silence() -> None:
    for late in (
        row("b", "info", status=504, detail="TIMEOUT"),
        row("b", "info", status=200, detail="TIMEOUT"),
        row("b", "info", detail="timed out after 7 s"),
    ):
        assert no_timeouts(recorded(history(row("a"), late))).verdict == "broke"
    assert no_timeouts(recorded(history(row("a"), row("b", "info", status=503, detail="DOWN")))).verdict == "held"
    assert no_timeouts(recorded(history())).verdict == "inconclusive"


def test_where_nobody_was_answered_nobody_was_in_time() -> None:
    refused = row("a", "fail", status=None, detail="connection refused")
    for rows in (history(refused), history(row("b", "info"), refused)):
        assert no_timeouts(recorded(rows)).verdict == "inconclusive"
        assert latency_within(recorded(rows), limits_ms={"max": 500}, outcome="").verdict == "inconclusive"
    seen = recorded(history(refused, row("b")))
    assert no_timeouts(seen).verdict == latency_within(seen, limits_ms={"max": 500}, outcome="").verdict == "held"


def returned(*rows: Row) -> str:
    return code_returned(recorded(history(*rows), in_force=(5.0, 20.0)), code="DOWN").verdict


def test_only_the_code_itself_is_the_expected_error() -> None:
    down = row("a", "info", status=503, detail="DOWN")
    assert returned(down, row("b")) == "held"
    assert returned(down, row("b", "info", detail="timed out after 7 s")) == "broke"  # a time-out is no answer
    assert returned(down, row("b", "info", status=500, detail="INTERNAL")) == "broke"
    assert returned(row("a", "info", detail="DOWN")) == "broke"  # nobody said it
    assert returned(row("a")) == "inconclusive"
    assert returned(down._replace(intended_s=30.0, start_s=30.0, end_s=30.1)) == "inconclusive"
    assert returned() == "inconclusive"


def recovered(*rows: Row, undone: bool = True) -> str:
    seen = recorded(history(*rows), in_force=(5.0, 20.0))
    undo = {"event": "undone", "at": 20.0, "ok": undone}
    return recovered_by_retry(Recorded(seen.history, Record((*seen.record.events, undo))), attempts=3).verdict


def test_what_failed_gets_through_after_the_fault() -> None:
    lost = [row("a", "info", n, at_s=10.0 + n) for n in (1, 2)]
    assert recovered(*lost, row("a", attempt=3, at_s=25.0)) == "held"
    assert recovered(*lost, row("a", "info", 3, at_s=25.0)) == "broke"
    assert recovered(*lost, row("a", "info", 3, at_s=19.0)) == "inconclusive"  # all of them fell into the fault
    assert recovered(*lost) == "inconclusive"  # it was not tried again
    assert recovered(row("a"), row("b")) == "inconclusive"  # nothing had failed
    assert recovered(*lost, row("a", attempt=3, at_s=25.0), undone=False) == "inconclusive"
    assert recovered() == "inconclusive"


def test_what_failed_and_got_through_before_the_fault_or_after_it_shows_nothing_of_it() -> None:
    assert recovered(row("a", "info", at_s=2.0), row("a", attempt=2, at_s=3.0)) == "inconclusive"
    assert recovered(row("a", "info", at_s=22.0), row("a", attempt=2, at_s=23.0)) == "inconclusive"
    assert recovered(row("a", "info", at_s=8.0), row("a", attempt=2, at_s=9.0)) == "inconclusive"
    # What waits the fault out was answered after it.
    assert recovered(row("a", "info", at_s=8.0), row("a", attempt=2, at_s=19.0, end_s=20.2)) == "held"


def test_only_a_last_try_that_we_sent_late_says_nothing_of_its_key() -> None:
    def late(one: Row) -> Row:
        return one._replace(intended_s=(one.start_s or 0.0) - 1.0)

    def tries(key: str, last: Row) -> list[Row]:
        return [late(row(key, "info", 1, at_s=11.0)), row(key, "info", 2, at_s=12.0), last]

    in_time, ours = row("a", "info", 3, at_s=25.0), [late(row(f"k{n}", "info", 3, at_s=25.0)) for n in range(30)]
    assert recovered(*tries("a", in_time)) == "broke"
    assert recovered(*tries("a", late(in_time))) == "inconclusive"
    many = [one for each in ours for one in tries(each.key, each)]
    assert recovered(*many) == "inconclusive"
    assert recovered(*many, *tries("z", row("z", "info", 3, at_s=28.0))) == "broke"


def test_under_a_storm_each_is_served_or_refused() -> None:
    limited = [row(f"l{n}", "fail", status=429, detail="LIMITED") for n in range(3)]

    def of(*rows: Row) -> str:
        return turned_away(recorded(history(*rows)), code="LIMITED", most=2, window_s=1.0, sliding=True).verdict

    assert of(row("a"), *limited) == "held"
    assert of(row("a"), row("b"), row("c"), *limited) == "broke"  # more than the limit
    assert of(row("a"), *limited, row("x", "info", status=503)) == "broke"
    assert of(row("a"), *limited, row("x", "info")) == "broke"
    assert of(row("a"), *limited, row("x", "fail", status=429, detail="other")) == "broke"
    # Who says it by another status has limited all the same.
    assert of(row("a"), row("b"), *[one._replace(status=403) for one in limited]) == "held"
    assert of(row("a"), row("b"), *[one._replace(status=403, detail="other") for one in limited]) == "broke"
    late = [one._replace(end_s=(one.start_s or 0.0) + 5.0) for one in map(row, "abc")]
    assert of(*late, *limited) == "inconclusive"  # in which window they were counted can't be told
    assert of(*limited) == "inconclusive"  # others may have used the window up
    assert of(*limited, limited[0]._replace(intended_s=12.0, start_s=12.0, end_s=12.1)) == "broke"  # nobody was served
    assert of(row("a"), row("b")) == "inconclusive"  # nobody was refused
    assert of() == "inconclusive"


CHECKS = {
    "created_once": lambda run: created_once(run, source="keys"),
    "same_result": same_result,
    "not_doubled": not_doubled,
    "no_timeouts": no_timeouts,
    "consistent": lambda run: consistent(run, sources=("keys",)),
    "turned_away": lambda run: turned_away(run, code="LIMITED", most=20, window_s=1.0),
}


@pytest.mark.parametrize("name", CHECKS)
def test_lines_that_can_t_be_read_hold_nothing(name: str) -> None:
    rows = (*TEN, row("l", "fail", status=429, detail="LIMITED"))
    assert CHECKS[name](recorded(history(*rows, unreadable=(RUBBISH,)), {"keys": ["k"]})).verdict == "inconclusive"

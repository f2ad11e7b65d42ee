"""exactly_once on histories written by hand, and against an oracle on any history."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.evidence.history import History, Outcome, Row
from blackstart.evidence.journal import Record
from blackstart.verdict.checks.attempts_recorded import attempts_recorded
from blackstart.verdict.checks.consistent import consistent
from blackstart.verdict.checks.exactly_once import exactly_once
from blackstart.verdict.checks.no_lost_write import no_lost_write
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.checks.stock_conserved import stock_conserved
from tests.unit.verdict.checks.rows import DONE, RUBBISH, TORN, history, recorded, row, unsent


def test_each_acknowledged_key_once_holds() -> None:
    result = exactly_once(recorded(history(row("a"), row("b")), {"keys": ["a", "b", "somebody-elses"]}))
    assert result.verdict == "held"
    assert result.actual == "2 acknowledged, 2 of them there; 0 unknown, 0 of them there; 0 rejected, 0 of them there"


def test_an_acknowledged_key_that_is_not_there_breaks() -> None:
    result = exactly_once(recorded(history(row("a"), row("b")), {"keys": ["a"]}))
    assert (result.verdict, result.offenders) == ("broke", ("b",))
    assert result.message == "1 acknowledged but not there (b)"


def test_a_key_that_is_there_twice_breaks() -> None:
    assert exactly_once(recorded(history(row("a")), {"keys": ["a", "a"]})).offenders == ("a",)


def test_an_unknown_key_may_be_there_or_not_but_not_twice() -> None:
    rows = history(row("a"), row("b", "info"), row("c", "info"))
    assert exactly_once(recorded(rows, {"keys": ["a", "b"]})).verdict == "held"
    assert exactly_once(recorded(rows, {"keys": ["a", "b", "b"]})).verdict == "broke"


def test_a_rejected_key_that_is_there_breaks() -> None:
    result = exactly_once(recorded(history(row("a"), row("b", "fail")), {"keys": ["a", "b"]}, load=DONE))
    assert result.verdict == "broke"
    assert "there although rejected" in result.message


def test_an_unsent_key_that_is_there_breaks() -> None:
    assert exactly_once(recorded(history(row("a"), unsent("b")), {"keys": ["a", "b"]}, load=DONE)).verdict == "broke"


def test_a_retry_that_was_acknowledged_counts() -> None:
    rows = history(row("a", "info"), row("a", "ok", 2))
    assert exactly_once(recorded(rows, {"keys": ["a"]})).verdict == "held"
    assert exactly_once(recorded(rows, {"keys": []})).verdict == "broke"


def test_a_retry_that_was_rejected_leaves_the_key_unknown() -> None:
    rows = history(row("z"), row("a", "info"), row("a", "fail", 2))
    assert exactly_once(recorded(rows, {"keys": ["z", "a"]})).verdict == "held"
    assert exactly_once(recorded(rows, {"keys": ["z"]})).verdict == "held"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (history(), "no request was recorded"),
        (history(unsent("u")), "no request was sent"),
        (history(row("a", "info")), "none of 1 requests was acknowledged"),
        (history(row("")), "no request carried a key"),
        (history(row("a"), unreadable=(TORN,)), "1 lines of the history can't be read (1 torn at the end)"),
        (history(row("a"), unreadable=(RUBBISH,)), "1 lines of the history can't be read (1 in the middle)"),
    ],
)
def test_too_little_is_inconclusive(rows: History, reason: str) -> None:
    result = exactly_once(recorded(rows, {"keys": ["a"]}))
    assert (result.verdict, result.message) == ("inconclusive", reason)


def test_a_proved_violation_beats_unreadable_lines() -> None:
    assert exactly_once(recorded(history(row("a"), unreadable=(TORN,)), {"keys": ["a", "a"]})).verdict == "broke"


def test_a_rejected_key_is_no_violation_where_an_unread_line_may_be_its_acknowledgement() -> None:
    rows = history(row("a"), row("b", "fail"), unreadable=(TORN,))
    assert exactly_once(recorded(rows, {"keys": ["a", "b"]})).verdict == "inconclusive"


def test_a_final_state_that_was_not_read_is_inconclusive() -> None:
    result = exactly_once(recorded(history(row("a")), {"stock": 3}))
    assert result.verdict == "inconclusive"
    assert 'has no "keys" (it has stock)' in result.message


def test_keys_may_be_lines_or_json() -> None:
    assert exactly_once(recorded(history(row("a"), row("b")), {"keys": "a\nb\n"})).verdict == "held"
    assert exactly_once(recorded(history(row("a"), row("b")), {"sql": '["a", "b"]'}), source="sql").verdict == "held"
    assert exactly_once(recorded(history(row("a")), {"keys": ""})).verdict == "broke"
    assert exactly_once(recorded(history(row("a")), {"keys": 7})).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ('["a', "begins as a JSON list and is none: Unterminated string"),
        ("[" * 100_000, "begins as a JSON list and is none: maximum recursion depth"),
        ('[{"key": "a"}]', "lists what is no key: {'key': 'a'}"),
        ('["a", []]', "lists what is no key: []"),
    ],
)
def test_a_list_that_is_none_of_keys_accuses_nobody(listed: str, told: str) -> None:
    result = exactly_once(recorded(history(row("a")), {"keys": listed}))
    assert (result.verdict, f'"keys" {told}' in result.message) == ("inconclusive", True), result.message


def test_a_key_with_half_a_character_is_none_of_ours() -> None:
    half = "\ud800"
    for keys in (["a", half], f"a\n{half}", json.dumps(["a", half])):
        assert exactly_once(recorded(history(row("a")), {"keys": keys})).verdict == "held"
    assert exactly_once(recorded(history(row("a")), {"keys": [f"a{half}"]})).verdict == "broke"


def phantom(load: dict[str, object] | None = DONE, torn: tuple[str, ...] = (), **params: str) -> CheckResult:
    rows = history(row("t-1"), row("t-3", op="other"), unreadable=torn)
    return exactly_once(recorded(rows, {"keys": ["t-1", "t-2", "x"]}, load=load), op="order", **params)


def test_a_key_of_ours_that_nobody_sent_breaks() -> None:
    result = phantom(key_prefix="t-")
    assert (result.verdict, result.message, result.offenders) == ("broke", "1 there that nobody sent (t-2)", ("t-2",))
    assert phantom().verdict == "held"  # whose they are is not known
    # The prefix is that of all operations.
    rows = history(row("t-1"), row("t-3", op="other"))
    both = recorded(rows, {"keys": ["t-1", "t-3"]}, load=DONE)
    assert exactly_once(both, op="order", key_prefix="t-").verdict == "held"


@pytest.mark.parametrize(
    ("load", "torn", "why"),
    [
        (DONE, (TORN,), "1 lines of the history can't be read"),
        (None, (), "the load was not seen to its end"),
        (DONE | {"intended": 3}, (), "2 requests of the load left no row"),
    ],
)
def test_a_key_of_ours_that_may_have_left_no_row_accuses_nobody(
    load: dict[str, object] | None, torn: tuple[str, ...], why: str
) -> None:
    result = phantom(load, torn, key_prefix="t-")
    assert (result.verdict, result.offenders, why in result.message) == ("inconclusive", ("t-2",), True)


STOPPED = DONE | {"dropped_iterations": 0, "complete": True, "stopped": True}


@pytest.mark.parametrize("load", [None, DONE | {"intended": 3}, STOPPED])
def test_a_rejected_key_may_be_there_where_another_attempt_may_have_left_no_row(load: dict[str, object] | None) -> None:
    rows = history(row("a"), row("b", "fail"))
    result = exactly_once(recorded(rows, {"keys": ["a", "b"]}, load=load))
    assert (result.verdict, "may explain what was seen" in result.message) == ("inconclusive", True)
    assert exactly_once(recorded(rows, {"keys": ["a", "b"]}, load=STOPPED | {"stopped": False})).verdict == "broke"


def test_what_a_k6_forgot_or_sent_without_a_key_is_told() -> None:
    result = phantom(DONE | {"dropped_iterations": 0}, key_prefix="t-")
    assert (result.verdict, "1 there of which k6 left no row" in result.actual) == ("held", True)


def test_what_was_accepted_without_a_key_is_compared_with_nothing() -> None:
    rows = history(row("a"), *[row("") for _ in range(9)])
    result = exactly_once(recorded(rows, {"keys": ["a"]}))
    assert (result.verdict, result.message) == ("inconclusive", "9 of 10 acknowledged requests carried no key")
    assert exactly_once(recorded(rows, {"keys": []})).verdict == "broke"
    assert exactly_once(recorded(history(row("a"), row("", "fail")), {"keys": ["a"]})).verdict == "held"


def test_other_operations_do_not_count() -> None:
    rows = history(row("a"), row("read-1", op="read"))
    assert exactly_once(recorded(rows, {"keys": ["a"]}), op="order").verdict == "held"
    assert exactly_once(recorded(rows, {"keys": ["a"]})).verdict == "broke"


def test_offenders_are_bounded() -> None:
    result = exactly_once(recorded(history(*(row(f"k{n}") for n in range(100))), {"keys": []}))
    assert len(result.offenders) == 20
    assert result.message == "100 acknowledged but not there (k0, k1, k2 and 97 more)"


attempts = st.lists(st.sampled_from(["ok", "fail", "info"]), min_size=1, max_size=3)
key_data = st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(attempts, st.integers(0, 2)), max_size=8)


@given(key_data, st.booleans())
def test_it_agrees_with_the_definition_on_any_history(data: dict[str, tuple[list[Outcome], int]], torn: bool) -> None:
    rows: list[Row] = []
    for key, (outcomes, _) in data.items():
        rows += [row(key, outcome, number) for number, outcome in enumerate(outcomes, 1)]
    present = list(Counter({key: count for key, (_, count) in data.items()}).elements())
    result = exactly_once(recorded(history(*rows, unreadable=(TORN,) if torn else ()), {"keys": present}, load=DONE))
    wrong = False
    for outcomes, count in data.values():
        if "ok" in outcomes:
            wrong = wrong or count != 1
        elif "info" in outcomes:
            wrong = wrong or count > 1
        else:
            wrong = wrong or count > 1 or (count == 1 and not torn)
    some_ok = any("ok" in outcomes for outcomes, _ in data.values())
    assert result.verdict == ("broke" if wrong else "held" if some_ok and not torn else "inconclusive")


def queue_at(depth: object, *there: str, sent_s: float = 60.0) -> str:
    """Two accepted plans, of which these are there at the end, and what the queue's depth was last, and when."""
    evidence = recorded(history(row("a", op="plan"), row("b", op="plan")), {"keys": list(there)})
    seen = {"event": "read", "endpoint": "x", "sent": sent_s, "answered": sent_s + 0.1, "tick": 0.2}
    kind = "absent" if depth is None else "value"
    read = () if depth == "never read" else ({**seen, "r": [["depth", kind, depth]]},)
    run = replace(evidence, record=Record((*evidence.record.events, *read)))
    return exactly_once(run, op="plan", drained="depth").verdict


def test_a_plan_that_is_neither_there_nor_in_the_queue_any_more_is_lost() -> None:
    assert queue_at(0.0, "a") == "broke"
    assert queue_at(0.0, "a", "b") == "held"
    assert queue_at(0.0, "a", sent_s=10.05) == "inconclusive", "read before the last of them was accepted"


@pytest.mark.parametrize(
    "check",
    [
        exactly_once,
        no_lost_write,
        lambda run: stock_conserved(run, initial=5, stocks=("left",)),
        lambda run: consistent(run, sources=("keys", "other")),
        lambda run: attempts_recorded(run, source="keys", statuses=(201, 409)),
    ],
)
def test_an_interrupted_run_waited_for_nothing_that_was_on_its_way(check: Any) -> None:
    rows = history(row("a"), row("b"), row("c", "fail"))
    run = recorded(rows, {"keys": ["a"], "other": ["a", "b"], "left": 3}, load=DONE)
    assert check(run).verdict == "broke"
    told = replace(run, record=Record((*run.record.events, {"event": "interrupted", "message": "by the operator"})))
    assert check(told).verdict == "inconclusive"


@pytest.mark.parametrize("depth", [1.0, None, "never read"])
def test_a_plan_that_may_still_wait_is_not_lost(depth: object) -> None:
    assert queue_at(depth, "a") == "inconclusive"
    assert queue_at(depth, "a", "b") == "held"
    assert queue_at(depth, "a", "a") == "broke", "no queue doubles what is there"

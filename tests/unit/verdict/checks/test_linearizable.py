"""linearizable on histories written by hand: what it finds, what it tells of it, and when it says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.evidence.history import LONGEST_DETAIL, Row
from blackstart.verdict.checks.linearizable import linearizable
from blackstart.verdict.checks.result import CheckResult
from tests.unit.verdict.checks.rows import RUBBISH, history, recorded, row, unsent

DONE = {"intended": 1, "sent": 1, "unsent": 0}
REGISTER: dict[str, Any] = {"model": "register", "reads": ["get"], "writes": {"put-1": "1", "put-2": "2"}}
LIST: dict[str, Any] = {"model": "list", "reads": ["get"], "writes": {"add-1": "1", "add-2": "2"}}
IDEMPOTENCY: dict[str, Any] = {"model": "idempotency"}


def did(op: str, start_s: float, end_s: float, detail: str = "", status: int = 200, key: str = "k") -> Row:
    outcome: Any = "ok" if status < 400 else "fail" if status < 500 else "info"
    return row(key, outcome, op=op, start_s=start_s, end_s=end_s, status=status, detail=detail)


def asked(rows: list[Row], **params: Any) -> CheckResult:
    return linearizable(recorded(history(*rows), load=DONE, phases={"baseline": (10.0, 20.0)}), **params)


@pytest.mark.parametrize(
    ("rows", "params", "verdict"),
    [
        ([did("put-1", 11, 12), did("get", 13, 14, "1")], REGISTER, "held"),
        ([did("put-1", 11, 12), did("get", 13, 14, "", 404)], REGISTER, "broke"),
        ([did("put-1", 11, 12), did("get", 13, 14, "null")], REGISTER, "broke"),
        ([did("put-1", 11, 13), did("get", 12, 14, "", 404)], REGISTER, "held"),  # they overlap
        ([did("put-1", 11, 12), did("get", 12, 14, "", 404)], REGISTER, "held"),  # they touch
        ([did("get", 13, 14, "1")], REGISTER, "broke"),
        ([did("put-1", 11, 12), did("put-2", 13, 14), did("get", 15, 16, "1")], REGISTER, "broke"),
        ([did("put-1", 11, 12), did("put-2", 13, 14, status=503), did("get", 15, 16, "1")], REGISTER, "held"),
        ([did("put-1", 11, 12), did("put-2", 13, 14, status=503), did("get", 95, 96, "2")], REGISTER, "held"),
        ([did("put-1", 11, 12), did("put-2", 13, 14, status=429), did("get", 15, 16, "2")], REGISTER, "broke"),
        ([did("add-1", 11, 12), did("add-2", 11, 12), did("get", 15, 16, '["2", 1]')], LIST, "held"),
        ([did("add-1", 11, 12), did("add-2", 13, 14), did("get", 15, 16, "[2, 1]")], LIST, "broke"),
        ([did("add-1", 11, 12), did("get", 13, 14, "[1]"), did("get", 15, 16, "null")], LIST, "broke"),
        ([did("new", 11, 12, "s-1", 201), did("new", 13, 14, "s-1")], IDEMPOTENCY, "held"),
        ([did("new", 11, 12, "s-1", 201), did("new", 13, 14, "s-2")], IDEMPOTENCY, "broke"),
        ([did("new", 11, 12, "s-1", 201), did("new", 11, 12, "s-2", 201)], IDEMPOTENCY, "broke"),
        ([did("new", 11, 12, "s-1", 201), did("other", 13, 14, "", 409)], IDEMPOTENCY, "held"),
        ([did("new", 11, 12, "s-1", 201), did("other", 13, 14, "s-1")], IDEMPOTENCY, "broke"),
        ([did("new", 11, 12, "s-1", 201), did("new", 13, 14, "", 409)], IDEMPOTENCY, "broke"),
        ([did("new", 11, 12, "", 409), did("other", 13, 14, "s-1", 201)], IDEMPOTENCY, "broke"),
        ([did("new", 11, 12, "", 503), did("other", 13, 14, "", 409), did("new", 15, 16, "s-1")], IDEMPOTENCY, "held"),
        ([did("new", 11, 12, "", 503), did("new", 13, 14, "s-1", 201), did("new", 15, 16, "s-1")], IDEMPOTENCY, "held"),
        ([did("new", 11, 12, "s-1"), did("new", 13, 14, "s-1")], IDEMPOTENCY, "broke"),
        # Some bind a key to what they reject, some don't.
        ([did("new", 11, 12, "", 429), did("new", 13, 14, "s-1"), did("new", 15, 16, "s-1")], IDEMPOTENCY, "held"),
        ([did("new", 11, 12, "", 402), did("new", 13, 14, "s-1", 201), did("new", 15, 16, "s-1")], IDEMPOTENCY, "held"),
        ([did("new", 13, 14, "", 409), did("new", 11, 12, "", 409), did("new", 15, 16, "", 402)], IDEMPOTENCY, "broke"),
    ],
)
def test_an_order_is_looked_for_that_agrees_with_every_answer(
    rows: list[Row], params: dict[str, Any], verdict: str
) -> None:
    assert asked(rows, **params).verdict == verdict


def test_a_system_that_does_not_tell_created_from_same_is_judged_by_its_ids() -> None:
    rows = [did("new", 11, 12, "s-1"), did("new", 13, 14, "s-1"), did("new", 15, 16, "s-2")]
    assert asked(rows[:2], model="idempotency", created=200).verdict == "held"
    assert asked(rows, model="idempotency", created=200).verdict == "broke"


def test_only_a_conflict_with_its_code_is_one() -> None:
    rows = [did("new", 11, 12, "s-1", 201), did("new", 13, 14, "IN_PROGRESS", 409), did("new", 15, 16, "s-1", 201)]
    equal = {**IDEMPOTENCY, "created": 200, "same": 200, "conflict_code": "CONFLICT"}
    assert asked(rows, **equal).verdict == "held"
    assert asked([*rows, did("new", 17, 18, "CONFLICT", 422)], **equal).verdict == "broke"
    assert asked([*rows, did("new", 17, 18, "s-2", 201)], **equal).verdict == "broke"


def test_operations_that_send_the_same_parameters_are_told_as_such() -> None:
    rows = [did("first", 11, 12, "s-1", 201), did("again", 13, 14, "s-1"), did("other", 15, 16, "", 409)]
    assert asked(rows, model="idempotency").verdict == "broke"
    assert asked(rows, model="idempotency", requests={"first": "a", "again": "a", "other": "b"}).verdict == "held"
    assert asked(rows, model="idempotency", requests={"first": "a", "again": "a", "other": "a"}).verdict == "broke"


def test_a_contradiction_is_told_by_its_key_and_the_fewest_operations_with_their_times() -> None:
    ours = [did("new", 11, 12, "s-1", 201), *(did("new", 12 + at / 100, 13, "s-1") for at in range(40))]
    rows = [*ours, did("new", 14.25, 14.5, "s-2"), did("new", 15, 16, "s-1"), did("new", 11, 12, "s-9", 201, "whole")]
    result = asked(rows, model="idempotency")
    assert (result.verdict, result.offenders) == ("broke", ("k",))
    assert result.message == (
        "1 of 2 keys have no order that agrees with their answers. On k these contradict each other, whatever became "
        "of its other 41 (seconds from the begin of the run): new 1.000 to 2.000: created s-1; "
        "new 4.250 to 4.500: same s-2 (k)"
    )


def test_a_contradiction_of_reads_and_writes_is_told_in_their_words() -> None:
    rows = [did("put-1", 11, 12), did("get", 12, 13, "1"), did("put-2", 13, 14), did("get", 15, 16, "", 404)]
    assert "put-1 1 1.000 to 2.000: done; get 5.000 to 6.000: read nothing" in asked(rows, **REGISTER).message
    rows = [did("add-1", 11, 12), did("get", 13, 14, "[1]"), did("get", 15, 16, "[2]"), did("add-2", 15, 16)]
    assert "add-1 1 1.000 to 2.000: done; get 5.000 to 6.000: read [2]" in asked(rows, **LIST).message


@pytest.mark.parametrize(
    ("rows", "params", "reason"),
    [
        ([did("new", 11, 12, "s-1", 201)], IDEMPOTENCY, "no key was answered twice"),
        (
            [did("new", 11, 12, "s-1", 201), did("new", 13, 14, "s-2", 201, "l")],
            IDEMPOTENCY,
            "no key was answered twice",
        ),
        ([did("new", 11, 12, "s-1", 201), did("new", 13, 14, "", 503)], IDEMPOTENCY, "no key was answered twice"),
        (
            [did("new", 11, 12, "", 402), did("other", 13, 14, "", 409), did("new", 15, 16, "", 402)],
            IDEMPOTENCY,
            "no key was answered twice",
        ),
        ([did("new", 13, 14, "", 409), did("new", 15, 16, "", 402)], IDEMPOTENCY, "no key was answered twice"),
        (
            [did("new", 11, 12, "", 402), *(did("other", at, at + 1, "", 409) for at in (13, 15))],
            IDEMPOTENCY,
            "no answer names what was made",
        ),
        ([did("new", 11, 12, "", 201), did("new", 13, 14)], IDEMPOTENCY, "no answer names what was made"),
        (
            [did("new", 11, 12, "s", 201), did("new", 13, 14, "s")],
            IDEMPOTENCY | {"requests": {"old": "a"}},
            "no operation of this",
        ),
        ([did("put-1", 11, 12), did("put-2", 13, 14)], REGISTER, "no key was answered twice"),
        ([did("put-1", 11, 12), did("get", 13, 14)], REGISTER, "no key was answered twice"),  # the value was not there
        ([did("put-1", 11, 12), did("get", 13, 14, "x" * LONGEST_DETAIL)], REGISTER, "no key was answered twice"),
        ([did("put-1", 11, 12), did("get", 13, 14, "[redacted]")], REGISTER, "no key was answered twice"),
        ([did("add-1", 11, 12), did("get", 13, 14, "[2, 1")], LIST, "no key was answered twice"),
        ([did("add-1", 11, 12), did("get", 13, 14, "7")], LIST, "no key was answered twice"),
        ([unsent("k"), unsent("k")], IDEMPOTENCY, "no request was sent"),
        ([], IDEMPOTENCY, "no request was recorded"),
    ],
)
def test_what_could_not_have_contradicted_itself_holds_nothing(
    rows: list[Row], params: dict[str, Any], reason: str
) -> None:
    result = asked(rows, **params)
    assert (result.verdict, result.message[: len(reason)]) == ("inconclusive", reason)


@pytest.mark.parametrize(
    ("load", "lines", "reason"),
    [
        (None, (), "the load was not seen to its end"),
        ({"intended": 5, "sent": 2, "unsent": 1}, (), "2 requests of the load left no row"),
        (DONE, (RUBBISH,), "1 lines of the history can't be read"),
    ],
)
def test_a_request_that_left_no_row_may_explain_any_answer(
    load: dict[str, Any] | None, lines: tuple[str, ...], reason: str
) -> None:
    rows = history(did("new", 11, 12, "s-1", 201), did("new", 13, 14, "s-2"), unreadable=lines)
    result = linearizable(recorded(rows, load=load), model="idempotency")
    assert (result.verdict, result.message[: len(reason)]) == ("inconclusive", reason)


def test_a_spent_limit_is_inconclusive_and_hides_no_contradiction_of_another_key() -> None:
    hard = [did(f"put-{at}", 11, 30) for at in range(12)] + [did("get", 31, 32, "none of them")]
    params = REGISTER | {"writes": {f"put-{at}": str(at) for at in range(12)}, "most_steps": 20_000}
    result = asked(hard, **params)
    assert (result.verdict, result.offenders) == ("inconclusive", ("k",))
    assert result.message == "too many orders to try within 20000 steps (`most_steps`) on k"
    easy = [did("put-1", 11, 12, key="z"), did("get", 13, 14, "2", key="z")]
    result = asked(hard + easy, **params)
    assert (result.verdict, result.offenders) == ("broke", ("z",))


def test_an_unknown_model_is_named_with_the_nearest_one() -> None:
    with pytest.raises(Exception, match='no model "registry". Did you mean "register"'):
        asked([did("get", 11, 12)], model="registry")

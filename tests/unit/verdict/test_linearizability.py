"""The search for an order against one that tries all orders, and on histories that were made by running the model."""

from __future__ import annotations

import math
from collections.abc import Hashable
from itertools import chain, combinations, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.verdict import linearizability
from blackstart.verdict.linearizability import Operation, Search, contradiction
from blackstart.verdict.sequential_models import MODELS

KINDS = sorted(MODELS)
NAMES = st.sampled_from(["1", "2"])
ANSWERS = {
    "register": st.one_of(
        st.tuples(st.just("write"), NAMES, st.none()),
        st.tuples(st.just("read"), st.none(), st.sampled_from(["", "1", "2"])),
    ),
    "list": st.one_of(
        st.tuples(st.just("append"), NAMES, st.none()),
        st.tuples(st.just("read"), st.none(), st.lists(NAMES, max_size=3).map(tuple)),
    ),
    "idempotency": st.tuples(
        st.just("request"),
        NAMES,
        st.one_of(
            st.tuples(st.sampled_from(["created", "same", "done"]), st.sampled_from(["", "s-1", "s-2"])),
            st.just(("conflict", "")),
        ),
    ),
}


@st.composite
def histories(draw: st.DrawFn, kind: str, most: int) -> list[Operation]:
    """Any operations with any answers; about a quarter may have happened, some of them in their time alone."""
    made = []
    for _ in range(draw(st.integers(1, most))):
        action, value, answer = draw(ANSWERS[kind])
        start_s = draw(st.integers(0, 8))
        if action != "read" and draw(st.integers(0, 3)) == 0:
            end_s = draw(st.sampled_from([math.inf, math.inf, start_s + 1.0]))
            made.append(Operation(action, value, None, start_s, end_s, optional=True))
        else:
            made.append(Operation(action, value, answer, start_s, start_s + draw(st.integers(0, 5))))
    return made


def carried_out(kind: str, state: Any, one: Operation) -> tuple[bool, Any]:
    """The systems themselves, written plainly and once more: whether they answer so, and what they hold then."""
    if kind == "register":
        return (True, one.value) if one.action == "write" else (one.answer == state, state)
    if kind == "list":
        return (True, (*state, one.value)) if one.action == "append" else (one.answer == state, state)
    if state is None:
        if one.answer is None or one.answer[0] in ("created", "done"):  # type: ignore[index]
            return True, (one.value, one.answer[1] if one.answer else "")  # type: ignore[index]
        return False, state
    parameters, made = state
    if one.answer is None:
        return True, state
    answer, told = one.answer  # type: ignore[misc]
    if one.value != parameters:
        return answer == "conflict", state
    agrees = answer in ("same", "done") and (not told or not made or told == made)
    return agrees, (parameters, made or told)


def any_order_agrees(kind: str, operations: list[Operation]) -> bool:
    """Every order of the certain operations with every choice of the unknown ones."""
    certain = [one for one in operations if one.certain]
    unknown = [one for one in operations if not one.certain]
    some = chain.from_iterable(combinations(unknown, count) for count in range(len(unknown) + 1))
    return any(agrees(kind, order) for chosen in some for order in permutations([*certain, *chosen]))


def agrees(kind: str, order: tuple[Operation, ...]) -> bool:
    if any(after.end_s < one.start_s for one, after in combinations(order, 2)):
        return False
    state: Any = {"register": "", "list": (), "idempotency": None}[kind]
    for one in order:
        possible, state = carried_out(kind, state, one)
        if not possible:
            return False
    return True


def search(kind: str, operations: list[Operation]) -> bool | None:
    return Search(MODELS[kind], operations, 10**6).run()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_it_finds_an_order_exactly_where_trying_all_of_them_does(kind: str, data: st.DataObject) -> None:
    operations = data.draw(histories(kind, 6))
    assert search(kind, operations) is any_order_agrees(kind, operations)


@st.composite
def runs(draw: st.DrawFn, kind: str) -> list[Operation]:
    """A real run, one operation at a time, each told as lasting longer than it did; some answers were lost."""
    state: Any = {"register": "", "list": (), "idempotency": None}[kind]
    made = []
    for at in range(draw(st.integers(2, 40))):
        action, value, _ = draw(ANSWERS[kind])
        answer: Hashable = None
        if kind != "idempotency":
            answer = state if action == "read" else None
            state = {"write": value, "append": (*state, value) if kind == "list" else None}.get(action, state)
        elif state is None:
            answer, state = ("created", f"s-{at}"), (value, f"s-{at}")
        else:
            answer = ("same", state[1]) if value == state[0] else ("conflict", "")
        start_s, end_s = at - draw(st.floats(0, 4)), at + draw(st.floats(0, 4))
        lost = action != "read" and draw(st.integers(0, 5)) == 0
        made.append(Operation(action, value, None if lost else answer, start_s, math.inf if lost else end_s))
    return draw(st.permutations(made))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_what_really_happened_one_at_a_time_is_possible(kind: str, data: st.DataObject) -> None:
    assert search(kind, data.draw(runs(kind))) is True


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_a_contradiction_is_one_by_itself_and_none_of_it_can_be_left_out(kind: str, data: st.DataObject) -> None:
    operations = data.draw(histories(kind, 12))
    if search(kind, operations):
        return
    few, fewest = contradiction(MODELS[kind], operations, 10**6)
    assert fewest and few
    assert [one.start_s for one in few] == sorted(one.start_s for one in few)

    def possible(kept: list[Operation]) -> bool | None:
        others = list(operations)
        for one in kept:
            others.remove(one)
        forgotten = [MODELS[kind].forgotten(one) for one in others if one.certain]
        unknown = [one for one in others if not one.certain]
        return search(kind, kept + unknown + [one for one in forgotten if one is not None])

    assert possible(few) is False
    for at in range(len(few)):
        assert possible(few[:at] + few[at + 1 :]) is True


def test_a_thousand_at_once_are_one_creation_and_a_thousand_times_the_same() -> None:
    burst = [Operation("request", "a", ("same", "s-1"), 0, 1 + at) for at in range(999)]
    burst.append(Operation("request", "a", ("created", "s-1"), 0, 5000))
    found = Search(MODELS["idempotency"], burst, 10_000)
    assert found.run() is True and found.steps < 10_000
    assert search("idempotency", [*burst, Operation("request", "a", ("created", "s-2"), 0, 5000)]) is False


def test_a_long_history_of_one_key_needs_no_stack() -> None:
    writes = [Operation("write", str(at), None, at, at + 1.5) for at in range(5_000)]
    assert search("register", writes) is True


def test_unknown_outcomes_cost_nothing_where_they_explain_nothing() -> None:
    lost = [Operation("write", f"lost-{at}", None, 0, math.inf) for at in range(40)]
    seen = [Operation("write", "1", None, 1, 2), Operation("read", None, "1", 3, 4), Operation("read", None, "2", 5, 6)]
    assert search("register", lost + seen[:2]) is True
    assert search("register", lost + seen) is False
    assert search("register", [*lost, *seen[:2], Operation("read", None, "lost-7", 5, 6)]) is True


def test_a_limit_of_steps_or_of_memory_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    writes = [Operation("write", str(at), None, 0, 20) for at in range(12)]
    hard = [*writes, Operation("read", None, "none of them", 21, 22)]
    assert Search(MODELS["register"], hard, 1_000).run() is None
    few, fewest = contradiction(MODELS["register"], hard, 1_000)
    assert len(few) == len(hard) and not fewest
    monkeypatch.setattr(linearizability, "MOST_REMEMBERED", 50)
    assert search("register", hard) is None

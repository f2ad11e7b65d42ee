"""Conditions: what each comparison means for every kind of reading, and how it reads."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.model.expect import TESTS, Condition, Expectation, always, eventually, never
from blackstart.model.reading import Reading
from tests.unit.builders import KINDS, leader, reading, ready

NAN = math.nan


def holds(condition: Condition, seen: Any, reference: Any = None) -> bool:
    return condition.matches(Reading("leader", "value", 0.0, 0.0, seen), reference)


@pytest.mark.parametrize(
    ("condition", "seen", "expected"),
    [
        (leader.is_(1), 1, True),
        (leader.is_(1), 1.0, True),
        (leader.is_(1), True, False),
        (leader.is_(1), "1", False),
        (leader.is_(True), 1, False),
        (leader.is_(True), True, True),
        (leader.is_(None), None, True),
        (leader.is_(0), None, False),
        (leader.is_(0), False, False),
        (leader.is_(""), None, False),
        (leader.is_(NAN), NAN, False),
        (leader.is_not(1), 2, True),
        (leader.is_not(1), 1.0, False),
        (leader.is_not(1), None, True),
        (leader.is_one_of(1, 2), 2.0, True),
        (leader.is_one_of(1, 2), True, False),
        (leader.is_one_of("PONG", "NOAUTH"), "NOAUTH", True),
        (leader.above(1), 1, False),
        (leader.above(1), 1.5, True),
        (leader.above(1), NAN, False),
        (leader.above(1), math.inf, True),
        (leader.above(1), "2", False),
        (leader.at_least(1), 1, True),
        (leader.at_least(1), None, False),
        (leader.below(1), 0, True),
        (leader.below(1), NAN, False),
        (leader.below(1), None, False),
        (leader.below(5), math.inf, False),
        (leader.at_most(1), 1.0, True),
        (leader.contains("heal"), "unhealthy", True),
        (leader.contains("1"), 1, False),
        (leader.matches("^ok$"), "ok", True),
        (leader.matches("^ok$"), "not ok", False),
        (leader.matches("1"), 1, False),
        (leader.answers(), None, True),
        (leader.answers(), False, True),
    ],
)
def test_a_comparison_means_what_it_says(condition: Condition, seen: Any, expected: bool) -> None:
    assert holds(condition, seen) is expected


@pytest.mark.parametrize(
    ("condition", "before", "seen", "expected"),
    [
        (leader.as_before(), 7, 7.0, True),
        (leader.as_before(), "a", "b", False),
        (leader.not_fallen(), 7, 7, True),
        (leader.not_fallen(), 7, 6, False),
        (leader.not_fallen(), 7, "x", False),
        (leader.risen(), 7, 7, False),
        (leader.risen(), 7, 8, True),
        (leader.risen(), None, 8, False),
    ],
)
def test_a_comparison_with_the_baseline_means_what_it_says(
    condition: Condition, before: Any, seen: Any, expected: bool
) -> None:
    assert holds(condition, seen, before) is expected


ALL = [
    leader.is_(1), leader.is_not(1), leader.is_one_of(1), leader.above(0), leader.at_least(0), leader.below(9),
    leader.at_most(9), leader.contains(""), leader.matches(""), leader.answers(), leader.as_before(),
    leader.not_fallen(), leader.risen(), leader.fresh(5),
]  # fmt: skip


@pytest.mark.parametrize("condition", ALL, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_what_could_not_be_read_fulfils_no_comparison(condition: Condition, kind: str) -> None:
    assert not condition.matches(reading("leader", kind, 1.0), 1)


@pytest.mark.parametrize(
    ("condition", "kinds"),
    [
        (leader.unreachable(), {"unreachable"}),
        (leader.timed_out(), {"timed_out"}),
        (leader.silent(), {"unreachable", "timed_out"}),
    ],
)
def test_silence_can_be_expected(condition: Condition, kinds: set[str]) -> None:
    assert {kind for kind in KINDS if condition.matches(reading("leader", kind, 1.0))} == kinds
    assert not condition.matches(reading("leader", 1, 1.0))


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))


@given(st.sampled_from(ALL), VALUES, VALUES)
def test_no_value_makes_a_comparison_fail(condition: Condition, seen: Any, before: Any) -> None:
    assert holds(condition, seen, before) in (True, False)


@given(VALUES, VALUES)
def test_is_and_is_not_are_opposites(seen: Any, wanted: Any) -> None:
    assert holds(leader.is_(wanted), seen) is not holds(leader.is_not(wanted), seen)


@pytest.mark.parametrize(
    ("op", "wanted"),
    [("=", 1), ("", 1), ("IS", 1), ("matches", "("), ("matches", "*"), ("is one of", 7), ("is one of", "ab")],
)
def test_a_comparison_that_cannot_be_meant_is_refused_at_once(op: str, wanted: Any) -> None:
    with pytest.raises(ValueError):
        Condition(leader, op, wanted)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (ready.is_(503), "ready is 503"),
        (ready.is_not(200), "ready is not 200"),
        (leader.above(1), "leader above 1"),
        (ready.unreachable(), "ready is unreachable"),
        (ready.timed_out(), "ready is timed out"),
        (ready.silent(), "ready is silent"),
        (ready.answers(), "ready answers"),
        (leader.not_fallen(), "leader has not fallen"),
        (leader.as_before(), "leader is as before"),
    ],
)
def test_a_condition_reads_as_a_sentence(condition: Condition, text: str) -> None:
    assert str(condition) == text


def test_every_comparison_can_be_made_by_a_method() -> None:
    made = {condition.op for condition in ALL}
    assert made == set(TESTS)


def test_an_expectation_without_a_name_is_named_after_its_condition() -> None:
    assert eventually(ready.is_(503)).name == "ready_is_503"
    assert never(leader.above(1)).name == "leader_above_1"
    assert always(leader.is_(1), name="one").name == "one"


@pytest.mark.parametrize("within_s", [0, -1, NAN, None])
def test_a_wait_without_a_limit_that_can_pass_is_refused(within_s: Any) -> None:
    with pytest.raises(ValueError, match="within_s"):
        eventually(ready.is_(503), within_s=within_s)
    with pytest.raises(ValueError, match="within_s"):
        Expectation("eventually", ready.is_(503), "x", within_s)


@pytest.mark.parametrize("for_s", [-1, NAN])
def test_a_length_that_cannot_be_lasted_is_refused(for_s: float) -> None:
    with pytest.raises(ValueError, match="for_s"):
        always(ready.is_(503), for_s=for_s)

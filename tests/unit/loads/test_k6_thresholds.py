"""Thresholds over the samples of all pods: k6's own verdicts, also where no single pod could tell."""

from __future__ import annotations

import math

import pytest

from blackstart.loads.driving.k6_thresholds import Union
from blackstart.loads.summary import Threshold

HEADER = "metric_name,timestamp,metric_value,name,status,extra_tags"
TYPES = {"took": "trend", "sent": "counter", "failed": "rate", "users": "gauge"}


def union(thresholds: dict[str, list[object]], *samples: tuple[str, float, str]) -> tuple[Threshold, ...]:
    made = Union(thresholds)
    made.feed(HEADER)
    for metric, value, tags in samples:
        made.feed(f"{metric},1000500000,{value},get,200,{tags}")
    return made.thresholds(TYPES, lasted_s=10.0)


def verdict(metric: str, expression: str, values: list[float]) -> bool:
    (found,) = union({metric: [expression]}, *((metric, value, "") for value in values))
    return found.held


def test_a_percentile_of_the_whole_is_none_of_the_parts() -> None:
    """One pod alone crosses what all together hold."""
    fast, slow = [10.0] * 95, [10.0] * 2 + [500.0] * 3
    assert not verdict("took", "p(90)<100", slow)
    assert verdict("took", "p(90)<100", fast + slow)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("avg<=2.5", True), ("avg<2.5", False), ("min==1", True), ("max>4", False), ("med==2.5", True),
        ("p(50)===2.5", True), ("p(95)>3.84", True), ("p(95)>3.86", False), (" p(99.9) >= 3.9 ", True),
        ("max!=4", False),
    ],
)  # fmt: skip
def test_a_trend_is_judged_as_k6_does(expression: str, holds: bool) -> None:
    assert verdict("took", expression, [4.0, 1.0, 3.0, 2.0]) is holds


def test_counters_add_up_and_rates_are_shares() -> None:
    assert verdict("sent", "count>=3", [1, 1, 1]) and not verdict("sent", "count>3", [1, 1, 1])
    assert verdict("sent", "rate==0.3", [1, 1, 1])
    assert verdict("failed", "rate<=0.25", [0, 0, 1, 0]) and not verdict("failed", "rate<0.25", [0, 0, 1, 0])
    assert verdict("users", "value<5", [9, 4])


def test_tags_pick_the_samples_and_what_none_has_is_not_seen() -> None:
    mine, other = ("took", 1.0, "kind=a"), ("took", 900.0, "kind=b")
    found = union(
        {"took{kind:a}": ["max<2"], "took{name:get, kind:b}": ["max<2"], "took{kind:c}": ["max<2"]}, mine, other
    )
    assert {(one.name, one.held, one.seen) for one in found} == {
        ("took{kind:a}: max<2", True, True),
        ("took{name:get, kind:b}: max<2", False, True),
        ("took{kind:c}: max<2", True, False),
    }


def test_no_sample_of_a_counter_is_an_answer() -> None:
    (found,) = union({"sent": ["count<1"]})
    assert found.held and found.seen


def test_a_threshold_may_be_written_in_full() -> None:
    (found,) = union({"took": [{"threshold": "max<2", "abortOnFail": True}]}, ("took", 1.0, ""))
    assert found == Threshold("took: max<2", True)


def test_many_samples_lose_nothing() -> None:
    values = [float(number) for number in range(10_000)]
    assert verdict("took", f"avg=={math.fsum(values) / 10_000}", values)

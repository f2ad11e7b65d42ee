"""Durations in and out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base.durations import seconds, shown


@pytest.mark.parametrize(
    ("text", "value_s"),
    [
        ("90", 90.0), ("1.5", 1.5), (".5", 0.5), ("30s", 30.0), ("250ms", 0.25), ("1.5h", 5400.0), ("2 min", 120.0),
        ("1 minute", 60.0), ("2 minutes", 120.0), ("1d", 86400.0), ("3 SECONDS", 3.0), (" 4s ", 4.0), ("0", 0.0),
    ],
)  # fmt: skip
def test_what_people_write_is_read(text: str, value_s: float) -> None:
    assert seconds(text) == pytest.approx(value_s)


@pytest.mark.parametrize(
    "text", ["", "s", "1 s 2", "-1s", "1e3", "nan", "inf", "5 parsecs", "1,5s", "١s", "1.s", "0x10"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it as 30s"):
        seconds(text)


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        value_s = seconds(text)
    except ValueError:
        return
    assert value_s >= 0


@given(st.integers(0, 10**6), st.sampled_from([("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]))
def test_a_number_with_a_unit_is_that_many_of_it(number: int, unit: tuple[str, float]) -> None:
    assert seconds(f"{number}{unit[0]}") == pytest.approx(number * unit[1])


@pytest.mark.parametrize(
    ("value_s", "text"),
    [
        (0.0, "0 ms"),
        (0.34, "340 ms"),
        (4.31, "4.31 s"),
        (99.0, "99.00 s"),
        (125.0, "2 min 05 s"),
        (3600.0, "60 min 00 s"),
    ],
)
def test_a_duration_is_shown_for_people(value_s: float, text: str) -> None:
    assert shown(value_s) == text


@given(st.floats(0, 10**6))
def test_every_duration_can_be_shown(value_s: float) -> None:
    assert not math.isnan(value_s) and shown(value_s).split()[-1] in ("ms", "s")

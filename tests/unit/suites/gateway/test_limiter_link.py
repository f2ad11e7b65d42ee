"""What of a limiter's keys is a trace of ours, and what only looks like it."""

import pytest

from blackstart.loads.template import with_values
from blackstart.suites.gateway.limiter_link import holds, rise


@pytest.mark.parametrize(
    ("name", "wanted", "held"),
    [
        ("rate_limit:fixed:lab-key:/api/v1/users/1:99", ["lab-key", "/api/v1/users/1"], True),
        ("rate_limit:fixed:lab-key-2:/api/v1/users/1:99", ["lab-key"], False),
        ("rate_limit:fixed:lab-key:/api/v1/users/12:99", ["lab-key", "/api/v1/users/1"], False),
        ("rate_limit:fixed:lab-key:/api/v1/users/1:99", ["lab-key", "/users/1"], False),
        ("rate_limit:fixed:org:7:/api/v1/users/1:99", ["org:7"], True),
        ("rate_limit:fixed:org:70:/api/v1/users/1:99", ["org:7"], False),
        ("rate_limit:lab-key", ["lab-key", "/api/v1/users/1"], False),
    ],
)
def test_a_value_is_found_as_a_whole_segment_only(name: str, wanted: list[str], held: bool) -> None:
    assert holds(name.split(":"), wanted) is held


def test_a_rise_counts_new_windows_and_forgives_those_that_ran_out() -> None:
    before = {("k", "1"): 7, ("k", "2"): 3}
    assert rise(before, {("k", "2"): 5, ("k", "3"): 4}) == 6
    assert rise(before, {}) == 0


@pytest.mark.parametrize(
    ("text", "ranges", "filled"),
    [
        ("/users/{key}/{n}", False, "/users/word/77"),
        ("/users/{int:1-9}", True, "/users/77"),
        ("/users/{int:1-9}", False, "/users/{int:1-9}"),
        ("/users/{choice:a|b}/{other}", True, "/users/{choice:a|b}/{other}"),
    ],
)
def test_only_holes_that_any_value_fits_are_filled(text: str, ranges: bool, filled: str) -> None:
    assert with_values(text, "word", "77", ranges) == filled

"""Fencing tokens: seen growing, seen falling, or nothing seen of the kind."""

from __future__ import annotations

import json

import pytest

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.checks.tokens_grow import tokens_grow
from tests.unit.builders import Story, experiment
from tests.unit.histories import history_of


def grown(used: str | None, stale: str | None) -> CheckResult:
    """A run from 100 on: the leadership of token 7 was over before, those of 8 and 10 were in it."""
    story = Story(experiment()).phase(100, "baseline").phase(103, "fault").phase(110, "recovery")
    intervals = [
        {"token": token, "acquired": begun, "acted": begun, "until": begun + 3, "lost": lost}
        for token, begun, lost in ((7, 50.0, 60.0), (8, 90.0, 104.0), (10, 111.0, None))
    ]
    told = {"/leadership": json.dumps({"instance_id": "i", "now": 120.0, "intervals": intervals})}
    for probe, value in {**told, "order_tokens": used, "stale_tokens": stale}.items():
        kind = "value" if value is not None else "malformed"
        story.note(120, "final", probe=probe, kind=kind, value=value, note="no such table", sent=119.9, answered=120.1)
    return tokens_grow(Recorded(history_of(), story.record()), ("/leadership",))


def test_two_tokens_of_the_run_in_turn_hold() -> None:
    assert grown("7 8 10", "").verdict == "held"


def test_an_order_with_an_older_token_of_the_run_broke() -> None:
    result = grown("7 8 10", "8")
    assert (result.verdict, "older token 8" in result.message) == ("broke", True)


def test_what_went_wrong_before_the_run_says_nothing_of_it() -> None:
    assert grown("5 7 8 10", "5 7").verdict == "held"


@pytest.mark.parametrize("used", ["", "7", "5 7 8", "10"])
def test_orders_of_fewer_than_two_leaderships_of_the_run_are_inconclusive(used: str) -> None:
    result = grown(used, "")
    assert (result.verdict, "nothing to see" in result.message) == ("inconclusive", True)


@pytest.mark.parametrize(("used", "stale"), [(None, ""), ("8 10", None)])
def test_a_database_that_does_not_show_it_is_inconclusive(used: str | None, stale: str | None) -> None:
    result = grown(used, stale)
    assert (result.verdict, "not observable" in result.message) == ("inconclusive", True)

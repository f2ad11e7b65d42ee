"""What services are set to before a run and afterwards: what is different is told by its name and values."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.evidence.journal import Record
from blackstart.reports.words import result
from blackstart.verdict.settings import findings

BEFORE = {"redis": {"maxmemory": "100", "save": ""}}


def record(before: dict[str, Any], after: dict[str, Any] | None) -> Record:
    looks = [("before", before), *([("after", after)] if after is not None else [])]
    return Record(tuple({"event": "settings", "when": when, "settings": seen} for when, seen in looks))


@pytest.mark.parametrize(
    ("after", "status", "told"),
    [
        (BEFORE, "held", "redis: set as before"),
        ({"redis": {"maxmemory": "0", "save": ""}}, "changed",
         "redis: maxmemory was 100 before, and is 0 afterwards"),
        ({"redis": {"maxmemory": "100", "save": "60 1"}}, "changed",
         'redis: save was "" before, and is 60 1 afterwards'),
        ({"redis": {"save": ""}}, "changed", "redis: maxmemory was 100 before, and is not told afterwards"),
        ({"redis": {"unseen": "timed out"}}, "not observed", "redis: could not be read afterwards (timed out)"),
        ({}, "not observed", "redis: was not looked at afterwards"),
        (None, "not observed", "redis: was not looked at afterwards"),
    ],
)  # fmt: skip
def test_what_is_different_is_told_and_decides_nothing(after: Any, status: str, told: str) -> None:
    (finding,) = findings(record(BEFORE, after))
    assert (result(finding), finding.message, finding.criterion) == (status, told, False)
    assert bool(finding.hint) == (status != "held")


def test_of_what_was_not_looked_at_before_nothing_is_said() -> None:
    assert findings(record({}, BEFORE)) == [] and findings(Record(())) == []

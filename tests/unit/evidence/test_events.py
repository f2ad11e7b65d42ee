"""The words in records stay; every event that is written or read has its name in one place."""

from __future__ import annotations

import re
from pathlib import Path

from blackstart.evidence.events import EventName

LIB = Path(__file__).parents[3] / "lib" / "blackstart"
CALLS = re.compile(r"""(?:\bnote|journal\.write|(?:record|guardian)\.(?:of|first|last))\(\s*(["'].*)""")


def test_no_event_is_named_by_a_word_of_its_own() -> None:
    found = [f"{path.name}: {call}" for path in LIB.rglob("*.py") for call in CALLS.findall(path.read_text())]
    assert found == []


def test_records_of_before_stay_readable() -> None:
    words = {"run", "plan", "phase", "read", "load", "final", "do", "undo", "undone", "gone"}
    words |= {"link assumed", "given up"}
    assert words < set(EventName)

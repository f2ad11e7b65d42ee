"""The benchmark of the drills: no time of a run is lost between its parts, and only the system's is the system's."""

from typing import Any

import pytest
from benchmarks.drilling.place import Ran
from benchmarks.drilling.transitions import HOLD, parts

from blackstart.model.finding import Finding, Interval


def phase(name: str, began_s: float) -> dict[str, Any]:
    return {"event": "phase", "phase": name, "began": began_s, "at": began_s}


def seen(name: str, of: str, at_s: float) -> Finding:
    return Finding(name, of, "held", "", "", "", Interval(at_s - 0.02, at_s))


JOURNAL: list[dict[str, Any]] = [
    {"event": "run", "at": 100.5, "experiment": {"hold_min_s": 3.0, "settle_s": 0.5}},
    phase("baseline", 100.6),
    {"event": "snapshot", "at": 101.0},
    {"event": "linked", "at": 101.2},
    {"event": "rehearsed", "at": 101.5},
    phase("fault", 101.55),
    {"event": "do", "at": 101.6},
    {"event": "did", "at": 101.8},
    phase("recovery", 104.9),
    {"event": "undo", "at": 104.9},
    {"event": "undone", "at": 105.1},
    phase("settle", 105.7),
    phase("end", 106.3),
]


@pytest.mark.parametrize(("last_s", "held_s"), [(102.5, 104.8), (104.85, 104.85)], ids=["declared hold", "slow system"])
def test_the_parts_of_a_run_sum_up_to_its_wall_time(last_s: float, held_s: float) -> None:
    found = {"leader_0": seen("leader_0", "fault", last_s), "resumed": seen("resumed", "recovery", 105.6)}
    took_s = parts(JOURNAL, found, Ran(0, 100.0, 106.8, ""), bit_s=101.8)
    assert sum(took_s.values()) == pytest.approx(6.8)
    # From the stop to the end of the hold, from the start to the last recovery, and the declared time to settle.
    assert took_s[HOLD] == pytest.approx((held_s - 101.6) + (105.6 - 104.9) + 0.5)
    assert took_s["seen to settled"] == pytest.approx(0.1 + 104.9 - held_s)


@pytest.mark.parametrize(
    ("at_s", "used_s"),
    [(100.0, 0.0), (100.5, 0.1), (101.0, 0.2), (101.5, 0.7), (102.0, 1.2), (105.0, 1.2)],
)
def test_cpu_between_two_looks_is_on_the_line_between_them(at_s: float, used_s: float) -> None:
    ran = Ran(0, 100.0, 102.0, "", cpu=[(101.0, 0.2), (102.0, 1.2)])
    assert ran.cpu_at(at_s) == pytest.approx(used_s)

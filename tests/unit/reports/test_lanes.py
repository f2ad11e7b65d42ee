"""Readings become stretches, gaps stay gaps."""

from __future__ import annotations

from pathlib import Path

from blackstart.evidence import journal
from blackstart.evidence.journal import Journal, Record
from blackstart.model.reading import Reading
from blackstart.reports.lanes import lanes, words
from blackstart.reports.story import RunView


def record(path: Path, *readings: Reading, tick_s: float = 0.1) -> Record:
    """A journal of these readings alone."""
    made = Journal(path / "j.jsonl")
    for reading in readings:
        made.readings("GET /", [reading], tick_s)
    made.close()
    return journal.read(path / "j.jsonl")


def value(at_s: float, seen: object) -> Reading:
    return Reading("p", "value", at_s, at_s + 0.02, seen)  # type: ignore[arg-type]


def test_equal_readings_in_a_row_are_one_stretch_and_a_change_is_put_inside_its_interval(tmp_path: Path) -> None:
    lane = lanes(record(tmp_path, value(1.0, 200), value(1.1, 200), value(1.2, 503)))[0]
    assert [(s.value, s.count) for s in lane.stretches] == [(200, 2), (503, 1)]
    assert 1.1 < lane.stretches[0].to_s == lane.stretches[1].from_s < 1.22


def test_a_hole_of_more_than_five_ticks_is_a_gap_and_no_value(tmp_path: Path) -> None:
    lane = lanes(record(tmp_path, value(1.0, 200), value(2.0, 200)))[0]
    assert [s.kind for s in lane.stretches] == ["value", "gap", "value"]


def test_true_and_one_are_told_apart(tmp_path: Path) -> None:
    lane = lanes(record(tmp_path, value(1.0, 1), value(1.1, True)))[0]
    assert [s.text for s in lane.stretches] == ["1", "true"]


def test_many_different_numbers_are_a_curve_with_nothing_lost(tmp_path: Path) -> None:
    lane = lanes(record(tmp_path, *(value(1 + n / 10, n * 1.5) for n in range(20))))[0]
    assert len(lane.curve) == 20
    assert len(lane.stretches) == 1


def test_few_numbers_stay_states_with_names(tmp_path: Path) -> None:
    lane = lanes(record(tmp_path, *(value(1 + n / 10, n % 3) for n in range(20))))[0]
    assert not lane.curve


def test_a_probe_that_is_not_named_in_the_order_comes_last(tmp_path: Path) -> None:
    made = Journal(tmp_path / "two.jsonl")
    made.readings("e", [Reading("a", "value", 1, 1.1, 1), Reading("b", "value", 1, 1.1, 1)], 0.1)
    made.close()
    assert [lane.probe for lane in lanes(journal.read(tmp_path / "two.jsonl"), order=("b",))] == ["b", "a"]


def test_values_are_written_as_people_write_them() -> None:
    assert [words(v) for v in (None, True, 0.30000000000000004, 7, "x")] == ["none", "true", "0.3", "7", "x"]


def test_the_value_before_the_fault_is_the_last_of_the_baseline(stories: dict[str, RunView]) -> None:
    before = {lane.probe: lane.before for lane in stories["broke"].lanes}
    assert (before["ready"], before["leader"], before["redis_port"]) == (200, 1, "open")

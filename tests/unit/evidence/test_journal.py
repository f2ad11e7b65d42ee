"""The record: chained, torn at the end at most, readable after a kill, and never in the way of an undo."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from blackstart.base.errors import Damaged
from blackstart.evidence.journal import Journal, Record, parse, read, readings_of
from blackstart.model.reading import Reading
from tests.unit.builders import all_readings, whole

LINES = whole().lines()[:40]


def written(path: Path, *events: dict[str, Any]) -> Record:
    journal = Journal(path)
    for event in events:
        journal.write("step", **event)
    journal.close()
    return read(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


# ---------------------------------------------------------------- what is written can be read


def test_events_come_back_in_order_with_their_numbers_and_times(path: Path) -> None:
    record = written(path, {"a": 1}, {"a": 2})
    assert [(e["n"], e["a"]) for e in record.events] == [(0, 1), (1, 2)]
    assert record.events[0]["at"] <= record.events[1]["at"]
    assert record.damage == ""


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=10,
)


@given(JSON)
def test_any_data_comes_back_as_it_was(tmp_path_factory: Any, data: Any) -> None:
    assume(not (isinstance(data, dict) and set(data) == {"float"}))
    record = written(tmp_path_factory.mktemp("run") / "journal.jsonl", {"data": data})
    assert record.damage == ""
    assert record.events[0]["data"] == data


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_has_no_word_for_is_written_as_json_and_comes_back(path: Path, value: float) -> None:
    journal = Journal(path)
    journal.readings("GET /metrics", [Reading("age", "value", 1.0, 2.0, value)], 0.1)
    journal.write("final", value={"deep": [value, 1.5]})
    journal.close()
    for line in path.read_bytes().splitlines():
        json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    record = read(path)
    (seen,) = all_readings(record)
    assert str(seen.value) == str(value)
    assert str(record.events[1]["value"]) == str({"deep": [value, 1.5]})


def test_text_that_is_not_utf8_comes_back(path: Path) -> None:
    text = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert written(path, {"text": text}).events[0]["text"] == text


def test_readings_come_back_as_they_were(path: Path) -> None:
    seen = [
        Reading("ready", "value", 1.25, 1.5, 503),
        Reading("leader", "absent", 1.25, 1.5, None, "no series"),
        Reading("mode", "value", 1.25, 1.5, "PAPER", "a note"),
    ]
    journal = Journal(path)
    journal.readings("GET /ready", seen, 0.02)
    journal.close()
    (event,) = read(path).events
    assert readings_of(event) == seen
    assert (event["endpoint"], event["tick"]) == ("GET /ready", 0.02)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from([0.0, -0.0, 0, 1, 1.0])
)
READINGS = st.lists(
    st.builds(
        Reading,
        st.text(),
        st.sampled_from(["value", "absent"]),
        st.floats(0, 1e9),
        st.floats(0, 1e9),
        SCALARS,
        st.text(),
    ),
    min_size=1,
    max_size=5,
)


@given(st.lists(st.tuples(st.text(), READINGS), max_size=4))
def test_the_short_way_of_writing_readings_gives_the_lines_of_the_long_way(
    tmp_path_factory: Any, reads: list[tuple[str, list[Reading]]]
) -> None:
    short, long = (Journal(tmp_path_factory.mktemp("run") / "journal.jsonl", _no_secret) for _ in range(2))
    for endpoint, readings in reads:
        short.readings(endpoint, readings, 0.02)
        sent, answered = round(readings[0].sent_s, 6), round(readings[0].answered_s, 6)
        rows = [[r.probe, r.kind, r.value, r.note] if r.note else [r.probe, r.kind, r.value] for r in readings]
        long.write("read", endpoint=endpoint, sent=sent, answered=answered, tick=0.02, r=rows)
    lines = []
    for journal in (short, long):
        journal.close()
        lines.append([_AT_OR_PREV.sub(b"", line) for line in journal.path.read_bytes().splitlines()])
    assert lines[0] == lines[1]
    assert read(short.path).damage == ""


_AT_OR_PREV = re.compile(rb'"at":[0-9.e+-]+,|,"prev":"[0-9a-f]*"')


def _no_secret(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _no_secret(item) for key, item in data.items()}
    if isinstance(data, list):
        return [_no_secret(item) for item in data]
    return data.replace("a", "***") if isinstance(data, str) else data


def test_a_reading_that_can_not_be_written_the_short_way_is_written_all_the_same(path: Path) -> None:
    journal = Journal(path)
    journal.readings("GET /x", [Reading("list", "value", 1.0, 2.0, [1, 2])], 0.02)  # type: ignore[arg-type]
    journal.close()
    (event,) = read(path).events
    assert event["r"] == [["list", "value", [1, 2]]]


def test_a_record_finds_its_events() -> None:
    record = whole().record()
    assert [e["phase"] for e in record.of("phase")] == ["baseline", "fault", "recovery", "settle", "end"]
    assert record.first("phase") == record.of("phase")[0]
    assert record.last("phase") == record.of("phase")[-1]
    assert record.first("nothing") is record.last("nothing") is None


def test_a_journal_is_the_users_own_and_never_overwritten(path: Path) -> None:
    Journal(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        Journal(path)


def test_closing_twice_and_writing_afterwards_is_no_trouble(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    journal.close()
    journal.write("late")
    assert journal.failure is not None
    assert read(path).events == ()


# ---------------------------------------------------------------- damage


@given(st.integers(0, len(b"\n".join(LINES[:-1])) - 1), st.integers(1, 255))
def test_any_flipped_byte_before_the_last_line_is_detected(position: int, flip: int) -> None:
    data = bytearray(b"\n".join(LINES) + b"\n")
    data[position] ^= flip
    record = parse(bytes(data).split(b"\n"))
    assert record.damage


@given(st.integers(0, len(LINES[-1]) - 1), st.integers(1, 255))
def test_a_flipped_byte_in_the_last_line_leaves_all_before_it(position: int, flip: int) -> None:
    last = bytearray(LINES[-1])
    last[position] ^= flip
    record = parse([*LINES[:-1], bytes(last)])
    assert len(record.events) >= len(LINES) - 1


@given(st.integers(0, len(LINES) - 2))
def test_a_line_taken_out_is_detected(number: int) -> None:
    assert parse(LINES[:number] + LINES[number + 1 :]).damage


@given(st.integers(0, len(LINES) - 2), st.integers(0, len(LINES) - 2))
def test_lines_that_changed_places_are_detected(left: int, right: int) -> None:
    assume(left != right)
    lines = list(LINES)
    lines[left], lines[right] = lines[right], lines[left]
    assert parse(lines).damage


@given(st.integers(1, len(b"\n".join(LINES)) - 1))
def test_a_journal_cut_anywhere_gives_everything_up_to_there(length: int) -> None:
    data = (b"\n".join(LINES))[:length]
    record = parse(data.split(b"\n"))
    whole_lines = [line for line in data.split(b"\n") if line in LINES]
    assert len(record.events) == len(whole_lines)
    assert bool(record.damage) is (data.split(b"\n")[-1] not in (*LINES, b""))


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_rubbish_is_damage_never_a_crash(lines: list[bytes]) -> None:
    record = parse(lines)
    assert len(record.events) + bool(record.damage) <= len(lines) or not lines


def test_a_torn_line_spoils_only_itself() -> None:
    record = parse([*LINES[:5], LINES[5][:30], *LINES[5:]])
    assert len(record.events) == len(LINES)
    assert (record.damage, record.damage_after) == ("line 6 is torn or not JSON", 5)


def test_a_changed_line_spoils_all_after_it() -> None:
    record = parse([*LINES[:5], LINES[5].replace(b'"at":', b'"at": '), *LINES[6:]])
    assert len(record.events) == 6
    assert record.damage == "line 7 does not follow from the line before it"


def test_damage_after_the_end_is_not_the_runs() -> None:
    lines = whole().note(9.2, "verdict", verdict="held").lines()
    record = parse([*lines, b"torn"])
    assert record.damage and not record.until_end().damage
    assert record.until_end().events[-1]["phase"] == "end"


def test_damage_before_the_end_is_the_runs() -> None:
    lines = whole().lines()
    assert parse([*lines[:9], b"torn", *lines[9:]]).until_end().damage


def test_a_run_without_an_end_is_all_there_is() -> None:
    record = Record(whole().record().events[:-1], "x", 3)
    assert record.until_end() == record


def test_no_journal_at_all_is_damaged(path: Path) -> None:
    with pytest.raises(Damaged, match="no journal at"):
        read(path)

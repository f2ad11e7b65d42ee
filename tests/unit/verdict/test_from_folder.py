"""A run judged from its folder: damaged, torn, forged and senseless journals, and checks that fail at their work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blackstart.base.errors import Damaged
from blackstart.evidence import journal
from blackstart.model.experiment import Check
from blackstart.verdict.from_folder import judge_folder
from blackstart.verdict.judge import checks_of
from tests.unit.builders import fault, finding, recovered, story, whole


def write(path: Path, lines: list[bytes]) -> None:
    (path / "journal.jsonl").write_bytes(b"\n".join(lines) + b"\n")


def test_a_folder_is_judged_as_its_journal(tmp_path) -> None:
    write(tmp_path, whole().lines())
    assert judge_folder(tmp_path) == whole().judged()


def test_a_folder_without_a_journal_is_inconclusive(tmp_path) -> None:
    assert judge_folder(tmp_path).verdict == "inconclusive"


def test_a_torn_last_line_is_inconclusive(tmp_path) -> None:
    lines = recovered(fault(story())).lines()
    write(tmp_path, [*lines, b'{"n":99,"at":9.1,"event":"pha'])
    judged = judge_folder(tmp_path)
    assert judged.verdict == "inconclusive"
    assert any("torn" in reason for reason in judged.reasons)


def test_a_line_torn_in_the_middle_spoils_only_itself_and_is_inconclusive(tmp_path) -> None:
    lines = whole().lines()
    write(tmp_path, [*lines[:30], lines[30][:20], *lines[30:]])
    judged = judge_folder(tmp_path)
    assert judged.verdict == "inconclusive"
    assert judged.reasons == ("the journal is damaged: line 31 is torn or not JSON",)


def test_a_changed_reading_breaks_the_chain_and_never_holds(tmp_path) -> None:
    lines = recovered(fault(story(), health="sick")).phase(9.1, "end").lines()
    write(tmp_path, [line.replace(b"sick", b"well") for line in lines])
    assert judge_folder(tmp_path).verdict in ("inconclusive", "not-restored")


def test_a_line_torn_after_the_end_does_not_change_the_verdict(tmp_path) -> None:
    write(tmp_path, [*whole().lines(), b'{"n":99,"ev'])
    assert judge_folder(tmp_path).verdict == "held"


@pytest.mark.parametrize("rubbish", [b"", b"\x00" * 100, b"[]\n{}", b"null", b'{"event":"run"}', b"[" * 100_000])
def test_rubbish_is_inconclusive(tmp_path, rubbish: bytes) -> None:
    write(tmp_path, [rubbish])
    assert judge_folder(tmp_path).verdict == "inconclusive"


@pytest.mark.parametrize(
    "event",
    [
        {"event": "run", "experiment": {"is": "no.such.module:Thing"}},
        {"event": "run", "experiment": {"is": "experiment", "name": 1}},
        {"event": "run", "experiment": 7},
        {"event": "run"},
    ],
)
def test_a_well_chained_journal_that_makes_no_sense_is_inconclusive(tmp_path, event: dict[str, object]) -> None:
    write(tmp_path, [json.dumps({"n": 0, "at": 1.0, **event, "prev": ""}).encode()])
    assert judge_folder(tmp_path).verdict == "inconclusive"


def test_evidence_that_could_not_be_written_is_inconclusive(tmp_path) -> None:
    write(tmp_path, whole().lines())
    judged = judge_folder(tmp_path, OSError(28, "No space left on device"))
    assert judged.verdict == "inconclusive"
    assert "No space left" in judged.reasons[0]


def test_evidence_that_could_not_be_written_does_not_hide_what_is_broken(tmp_path) -> None:
    write(tmp_path, fault(story()).lines())
    assert judge_folder(tmp_path, OSError(28, "No space left on device")).verdict == "not-restored"


def test_a_crashing_check_is_inconclusive(tmp_path) -> None:
    write(tmp_path, whole(checks=(Check("no_such_check", "once"),)).lines())
    judged = judge_folder(tmp_path)
    assert judged.verdict == "inconclusive"
    assert "crashed" in finding(judged, "once").message


def test_a_damaged_history_is_inconclusive(tmp_path) -> None:
    write(tmp_path, whole(checks=(Check("exactly_once", "once"),)).lines())
    (tmp_path / "history.csv").write_bytes(b"\xff\xfe rubbish\n")
    assert judge_folder(tmp_path).verdict == "inconclusive"


def test_the_checks_stand_in_the_record() -> None:
    record = whole(checks=(Check("exactly_once", "once"),)).record()
    assert [check.name for check in checks_of(record)] == ["once"]
    assert checks_of(journal.Record(())) == ()


def test_a_missing_journal_says_where_it_should_be(tmp_path) -> None:
    with pytest.raises(Damaged, match=str(tmp_path)):
        journal.read(tmp_path / "journal.jsonl")

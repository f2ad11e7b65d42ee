"""A run has its times, its phases and its transitions."""

from __future__ import annotations

from pathlib import Path

from blackstart.evidence.journal import Record
from blackstart.model.verdict import Verdict
from blackstart.reports.picture import as_text, fault_spans
from blackstart.reports.story import RunView
from blackstart.verdict.judge import Judgement


def test_offsets_count_from_the_first_phase_and_utc_follows_its_clock(stories: dict[str, RunView]) -> None:
    story = stories["held"]
    assert story.offset(story.from_s + 67.1234) == "01:07.123"
    assert story.offset(story.from_s - 0.5) == "-00:00.500"
    assert story.utc_text(story.from_s + 7) == "14:30:07.250Z"


def test_transitions_are_numbered_in_the_order_of_time_with_both_ends(stories: dict[str, RunView]) -> None:
    marks = stories["held"].transitions
    assert [mark.number for mark in marks] == [1, 2, 3, 4, 5]
    assert all(mark.interval.from_s < mark.interval.to_s for mark in marks)
    ready = next(mark for mark in marks if mark.name == "ready_503")
    assert ready.after_s is not None and abs(ready.after_s - 1.173) < 0.01


def test_a_state_that_was_there_already_came_at_once(stories: dict[str, RunView]) -> None:
    assert next(mark.after for mark in stories["held"].transitions if mark.name == "heartbeat_fresh") == "at once"


def test_a_fault_that_was_undone_is_in_force_until_it_is_proved_gone(stories: dict[str, RunView]) -> None:
    story = stories["held"]
    styles = [span[0] for span in fault_spans(story, 0)]
    assert styles == ["doing", "force", "doing"]
    assert story.restored is True


def test_a_fault_without_proof_of_its_undo_is_in_force_to_the_end(stories: dict[str, RunView]) -> None:
    story = stories["not-restored"]
    style, words, _, to_s = fault_spans(story, 0)[-1]
    assert (style, words, to_s) == ("stuck", "NOT UNDONE", story.to_s)
    assert story.restored is False and story.gone_s is None


def test_a_fault_that_did_not_bite_is_never_shown_in_force(stories: dict[str, RunView]) -> None:
    assert "force" not in [span[0] for span in fault_spans(stories["inconclusive"], 0)]


def test_a_killed_run_is_told_as_far_as_it_went(stories: dict[str, RunView]) -> None:
    story = stories["killed"]
    assert [phase.name for phase in story.phases] == ["baseline", "fault"]
    assert not story.entered("recovery") and story.entered("fault")


def test_an_empty_record_makes_a_story_that_claims_nothing(tmp_path: Path) -> None:
    story = RunView(
        Record(()), Judgement(Verdict.INCONCLUSIVE, ("the journal does not say what was run",), ()), tmp_path
    )
    assert (story.phases, story.transitions, story.lanes, story.restored) == ((), (), (), None)


def test_the_drawing_is_said_again_in_words(stories: dict[str, RunView]) -> None:
    text = as_text(stories["held"])
    assert "stop redis, in force from 00:01.104 to 00:04.000" in text
    assert "1: ready is 503 at 00:02.277" in text

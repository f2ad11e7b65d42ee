"""GitHub sees the verdict first, and nothing that a target says can pass for a command or for markup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict
from blackstart.reports import github, html, junit, table
from blackstart.reports.story import RunView
from blackstart.verdict.judge import Judgement
from tests.unit.reports.conftest import DRILLS


def hostile(stories: dict[str, RunView], text: str) -> RunView:
    finding = Finding(text, "fault", "broke", text, text, text, hint=text)
    return RunView(stories["held"].record, Judgement(Verdict.BROKE, (text,), (finding,)), stories["held"].where)


def published(view: RunView, environ: dict[str, str]) -> list[str]:
    """The annotations, where all could be written."""
    said: list[str] = []
    lines = github.publish(view, environ, said.append)
    assert said == []
    return lines


def test_a_held_run_annotates_nothing(stories: dict[str, RunView]) -> None:
    assert github.log_lines(stories["held"]) == []


@pytest.mark.parametrize("name", [name for name in DRILLS if name != "held"])
def test_every_other_run_begins_with_an_error_that_names_its_verdict(stories: dict[str, RunView], name: str) -> None:
    first = github.log_lines(stories[name])[0]
    assert first.startswith(f"::error title={stories[name].judgement.verdict.shown}%3A leader-lock on trader::")


def test_what_is_inconclusive_is_a_warning(stories: dict[str, RunView]) -> None:
    assert any(line.startswith("::warning title=health_healthy") for line in github.log_lines(stories["unseen"]))


def test_no_text_can_start_a_command_of_its_own(stories: dict[str, RunView]) -> None:
    story = hostile(stories, "x\n::error::gotcha\r\n::set-output name=a::b, 100%")
    lines = github.log_lines(story)
    assert all("\n" not in line and "\r" not in line for line in lines)
    assert "x\\n::error::gotcha\\r\\n::set-output name=a::b" in lines[1] and "100%25" in lines[1]


def test_no_text_can_leave_its_cell_or_become_html(stories: dict[str, RunView]) -> None:
    text = github.summary(hostile(stories, "a|b <img src=x onerror=1> [x](http://e) @team `c`\n| d |"))
    assert "<img" not in text and "[x]" not in text and "@team" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") in (5, 6) for line in rows)


def test_the_summary_is_appended_where_github_wants_it(stories: dict[str, RunView], tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n", encoding="utf-8")
    lines = published(stories["broke"], {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(path)})
    assert path.read_text(encoding="utf-8").startswith("before\n## ✘ broke: leader-lock on trader")
    assert len(lines) == 4


def test_outside_of_github_nothing_is_written(stories: dict[str, RunView], tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    assert published(stories["broke"], {"GITHUB_STEP_SUMMARY": str(path)}) == []
    assert not path.exists()


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("nowhere/step_summary_1", id="22-github-files-not-writable-no-folder"),
        pytest.param(".", id="22-github-files-not-writable-a-folder"),
    ],
)
def test_a_summary_that_cannot_be_written_is_said_by_its_variable_and_takes_no_annotation_away(
    stories: dict[str, RunView], tmp_path: Path, where: str
) -> None:
    said: list[str] = []
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / where)}
    lines = github.publish(stories["broke"], environ, said.append)
    assert lines == github.log_lines(stories["broke"]) != []
    (told,) = said
    assert "GITHUB_STEP_SUMMARY" in told and str(tmp_path / where) in told


@pytest.mark.parametrize("name", ["killed", "unseen", "refused", "inconclusive"])
def test_what_was_not_seen_to_break_is_accused_of_nothing(stories: dict[str, RunView], name: str) -> None:
    story = stories[name]
    unseen = Finding("disjoint", "check", Verdict.INCONCLUSIVE, "no report", "one", "none", hint="It did it.")
    told = RunView(story.record, replace(story.judgement, findings=(*story.judgement.findings, unseen)), story.where)
    broke = {f.hint for f in told.judgement.findings if f.status == "broke"}
    hints = {f.hint for f in told.judgement.findings if f.hint} - broke
    assert "It did it." in hints
    pages = [*github.log_lines(told), junit.xml(told), table.text(told), html.page(told)]
    assert [hint for hint in hints for page in pages if hint in page] == []


def test_checks_of_a_run_that_was_refused_are_no_warnings(stories: dict[str, RunView]) -> None:
    story = stories["refused"]
    unseen = Finding("once", "check", Verdict.INCONCLUSIVE, "no history", "once", "nothing")
    told = RunView(story.record, replace(story.judgement, findings=(unseen,)), story.where)
    assert not any("once" in line for line in github.log_lines(told))

"""What was refused before there was a run is an annotation and a line of the job's summary on GitHub."""

from pathlib import Path

from blackstart.reports import github


def test_a_refusal_is_told_as_an_annotation_and_in_the_summary(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    told = "Not started: no `[orders]`\n::error::planted | <b>"
    (line,) = github.refused(told, environ)
    assert line.startswith("::error title=refused::Not started: no `[orders]`") and "\n" not in line
    assert "Not started" in summary.read_text() and "<b>" not in summary.read_text()


def test_elsewhere_nothing_is_told_and_a_summary_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    assert github.refused("x", {}) == []
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "summary.md")}
    assert github.refused("x", environ) == ["::error title=refused::x"]

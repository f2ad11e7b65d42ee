"""The result as JSON: the fields of its page, no more and no less, and a line that nobody has to change."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from blackstart.base.printable import one_line
from blackstart.model.verdict import Verdict
from blackstart.reports import result_json
from blackstart.reports.story import RunView
from tests.docs.pages import table, words
from tests.environment import ROOT
from tests.unit.reports.conftest import DRILLS, runs, stories

__all__ = ["runs", "stories"]
OF_THE_TASK = {"schema", "kind", "suite", "runs"}


def fields_of_the_page() -> set[str]:
    rows = table(ROOT / "docs" / "ci.md", "The result as JSON")
    return {word for row in rows for word in words(row[0])} - OF_THE_TASK


@pytest.mark.parametrize("name", DRILLS)
def test_a_run_has_the_fields_of_the_page(stories: dict[str, RunView], name: str) -> None:
    view = stories[name]
    made = result_json.of_run(view, 130)
    assert set(made) == fields_of_the_page()
    assert (made["verdict"], made["exit_code"]) == (view.judgement.verdict, 130)
    assert bool(made["cause"]) is (view.judgement.verdict != "held")
    assert len(made["expectations"]) == len(view.judgement.findings)
    assert json.loads(result_json.line(made)) == json.loads(json.dumps(made))


def test_what_has_no_record_has_them_too() -> None:
    made = result_json.blank("leader-lock", Verdict.REFUSED, 40, "Not started: x")
    assert set(made) == fields_of_the_page()
    assert (made["verdict"], made["exit_code"], made["cause"], made["run"]) == ("refused", 40, "Not started: x", None)


def test_what_was_restored_is_told_apart_from_what_was_not_touched(stories: dict[str, RunView]) -> None:
    told = {name: result_json.of_run(stories[name], 0)["restored"] for name in DRILLS}
    assert (told["held"], told["not-restored"], told["refused"]) == (True, False, None)


def test_what_was_left_out_by_choice_is_told(stories: dict[str, RunView]) -> None:
    view = stories["held"]
    assert result_json.of_run(view, 0)["left_out"] == []
    gone = replace(view.judgement.findings[-1], left_out="orders", name="no_lost_order")
    judgement = replace(view.judgement, findings=(*view.judgement.findings[:-1], gone))
    story = RunView(view.record, judgement, view.where)
    assert result_json.of_run(story, 0)["left_out"] == ["no_lost_order (--without orders)"]


def test_no_text_leaves_the_line_or_steers_a_ci_server() -> None:
    hostile = "::error::x\n::set-output name=a::b ##vso[task.complete]## ##[group]### \x1b[2J \u202e \u2028 é"
    line = result_json.line({"cause": hostile})
    assert one_line(line) == line and "\n" not in line
    assert json.loads(line) == {"cause": hostile}

"""A CI that reads nothing but JUnit can't be misled."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict
from blackstart.reports import junit
from blackstart.reports.story import RunView
from blackstart.verdict.judge import Judgement
from tests.unit.reports.conftest import DRILLS


def suite(story: RunView) -> ElementTree.Element:
    root = ElementTree.fromstring(junit.xml(story))
    return root[0]


def cases(story: RunView, tag: str) -> list[str]:
    return [str(case.get("name")) for case in suite(story).iter("testcase") if case.find(tag) is not None]


@pytest.mark.parametrize("name", DRILLS)
def test_every_document_is_valid_in_the_common_form(stories: dict[str, RunView], name: str) -> None:
    etree = pytest.importorskip("lxml.etree", reason="needs lxml to validate against a schema")
    schema = etree.XMLSchema(etree.parse(str(Path(__file__).with_name("junit_form.xsd"))))
    schema.assertValid(etree.fromstring(junit.xml(stories[name]).encode()))


@pytest.mark.parametrize("name", [name for name in DRILLS if name != "held"])
def test_whatever_did_not_hold_is_red(stories: dict[str, RunView], name: str) -> None:
    made = suite(stories[name])
    assert int(made.get("failures", 0)) + int(made.get("errors", 0)) > 0
    assert "verdict" in cases(stories[name], "failure") + cases(stories[name], "error")


def test_a_held_run_is_green(stories: dict[str, RunView]) -> None:
    made = suite(stories["held"])
    assert (made.get("failures"), made.get("errors"), made.get("skipped")) == ("0", "0", "0")
    assert int(made.get("tests", 0)) == 1 + len(stories["held"].judgement.findings)


def test_what_broke_is_a_failure_with_expected_actual_and_hint(stories: dict[str, RunView]) -> None:
    assert cases(stories["broke"], "failure") == ["verdict", "health_healthy", "ready_200_again", "leader_1_again"]
    text = junit.xml(stories["broke"])
    assert "actual: ready was 503" in text and "where to look: Raise WAIT_READY_TIMEOUT." in text


def test_a_needed_expectation_that_is_inconclusive_is_an_error_and_never_a_skip(stories: dict[str, RunView]) -> None:
    assert "health_healthy" in cases(stories["unseen"], "error")
    assert not cases(stories["unseen"], "skipped")


def test_a_verdict_alone_makes_the_document_red_when_all_findings_held(stories: dict[str, RunView]) -> None:
    held = stories["held"]
    story = RunView(held.record, Judgement(Verdict.INCONCLUSIVE, ("cut short",), held.judgement.findings), held.where)
    assert cases(story, "error") == ["verdict"]


def test_characters_that_xml_forbids_do_not_break_the_document(stories: dict[str, RunView]) -> None:
    held = stories["held"]
    story = RunView(held.record, Judgement(Verdict.BROKE, ("bell \x07 nul \x00 lone \ud800 ]]> <&",), ()), held.where)
    assert "bell \\x07 nul \\x00 lone \\ud800 ]]> <&" in str(suite(story)[1][0].text)


def test_what_is_changed_and_need_not_be_as_before_is_a_skip_that_says_so(stories: dict[str, RunView]) -> None:
    held, told = stories["held"], "redis2 was stopped before, and is running afterwards"
    changed = Finding("others_as_before", "check", Verdict.INCONCLUSIVE, told, "", told, criterion=False, changed=True)
    story = RunView(held.record, Judgement(Verdict.HELD, (), (*held.judgement.findings, changed)), held.where)
    assert cases(story, "skipped") == ["others_as_before"]
    assert f'<skipped message="{told}" type="changed">' in junit.xml(story)

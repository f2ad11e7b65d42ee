"""A run as JUnit XML, for CI servers that read nothing else. Pure.

One test case per expectation and check, and one for the verdict. What broke is a failure. What is inconclusive and was
needed is an error, never a skip: servers show skips as green. What could not be observed and need not be is skipped.
The case `verdict` passes only when the run held, so that no other outcome can be green, whatever the findings say.
The form is what both Ant's and Jenkins' schemas allow. A case's time is how long it took to come true.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, indent, tostring

from blackstart.finding import Finding
from blackstart.reports import table
from blackstart.reports.markup import clean
from blackstart.reports.story import Story
from blackstart.reports.words import NOT_OBSERVED, hint, result, verdict_says
from blackstart.verdicts import Verdict


def xml(story: Story) -> str:
    """The whole document."""
    cases = [_verdict(story), *(_case(story, finding) for finding in story.judgement.findings)]
    failures, errors, skipped = (
        str(sum(case.find(tag) is not None for case in cases)) for tag in ("failure", "error", "skipped")
    )
    suite = _element(
        "testsuite",
        name=story.name,
        package="blackstart",
        id="0",
        tests=str(len(cases)),
        failures=failures,
        errors=errors,
        skipped=skipped,
        time=_seconds(story.to_s - story.from_s),
        timestamp=f"{story.utc(story.from_s):%Y-%m-%dT%H:%M:%S}",
        hostname="localhost",
    )
    suite.append(_properties(story))
    suite.extend(cases)
    suite.extend([_element("system-out", table.text(story)), _element("system-err")])
    root = _element("testsuites")
    root.append(suite)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _element(tag: str, text: str = "", **attributes: str) -> Element:
    made = Element(tag, {name: clean(value) for name, value in attributes.items()})
    made.text = clean(text) or None
    return made


def _properties(story: Story) -> Element:
    made = _element("properties")
    facts = {"run": story.run, "target": story.target["name"], "verdict": story.judgement.verdict}
    facts |= {"evidence": str(story.where), "again": story.again}
    made.extend(_element("property", name=name, value=value) for name, value in facts.items() if value)
    return made


def _verdict(story: Story) -> Element:
    judgement = story.judgement
    case = _element("testcase", name="verdict", classname=story.name, time=_seconds(story.to_s - story.from_s))
    if judgement.verdict != Verdict.HELD:
        text = "\n".join([verdict_says(story), *judgement.reasons])
        message = f"the verdict is {judgement.verdict.shown}"
        case.append(_element(judgement.verdict.junit, text, message=message, type=judgement.verdict))
    return case


def _case(story: Story, finding: Finding) -> Element:
    took_s = [t.after_s or 0.0 for t in story.transitions if (t.phase, t.name) == (finding.phase, finding.name)]
    time = _seconds(took_s[0] if took_s else 0.0)
    case = _element("testcase", name=finding.name, classname=f"{story.name}.{finding.phase}", time=time)
    word = result(finding)
    tag = "skipped" if word == NOT_OBSERVED else finding.status.junit
    if tag:
        text = f"expected: {finding.expected}\nactual: {finding.actual}\n{finding.message}"
        text += f"\nwhere to look: {hint(finding)}" if hint(finding) else ""
        case.append(_element(tag, text, message=finding.message, type=word.replace(" ", "-")))
    return case


def _seconds(value_s: float) -> str:
    # Not more digits before the point than the common schema takes with its thousands separators left out.
    return f"{min(max(value_s, 0.0), 99_999.0):.3f}"

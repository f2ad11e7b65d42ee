"""A run as JUnit XML, for CI servers that read nothing else. Pure.

One test case per expectation and check, and one for the verdict. What broke is a failure. What is inconclusive and was
needed is an error, never a skip: servers show skips as green. What could not be observed and need not be is skipped.
The case `verdict` passes only when the run held, so that no other outcome can be green, whatever the findings say.
The form is what both Ant's and Jenkins' schemas allow. A case's time is how long it took to come true.
"""

from xml.etree.ElementTree import Element, indent, tostring

from blackstart.base import printable
from blackstart.model.finding import TOLD_ALONE, Finding
from blackstart.model.verdict import Verdict
from blackstart.reports import standing, table
from blackstart.reports.markup import clean
from blackstart.reports.story import RunView
from blackstart.reports.words import hint, result, verdict_says


def xml(view: RunView) -> str:
    cases = [_verdict(view), *(_case(view, finding) for finding in view.judgement.findings)]
    failures, errors, skipped = (
        str(sum(case.find(tag) is not None for case in cases)) for tag in ("failure", "error", "skipped")
    )
    suite = _element(
        "testsuite",
        name=view.name,
        package="blackstart",
        id="0",
        tests=str(len(cases)),
        failures=failures,
        errors=errors,
        skipped=skipped,
        time=_seconds(view.to_s - view.from_s),
        timestamp=f"{view.utc(view.from_s):%Y-%m-%dT%H:%M:%S}",
        hostname="localhost",
    )
    suite.append(_properties(view))
    suite.extend(cases)
    suite.extend([_element("system-out", table.text(view)), _element("system-err")])
    root = _element("testsuites")
    root.append(suite)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _element(tag: str, text: str = "", **attributes: str) -> Element:
    made = Element(tag, {name: printable.one_line(value) for name, value in attributes.items()})
    made.text = clean(text) or None
    return made


def _properties(view: RunView) -> Element:
    made = _element("properties")
    facts = {"run": view.run, "target": view.target["name"], "verdict": view.judgement.verdict}
    facts |= {"evidence": str(view.where), "again": view.again}
    made.extend(_element("property", name=name, value=value) for name, value in facts.items() if value)
    return made


def _verdict(view: RunView) -> Element:
    judgement = view.judgement
    case = _element("testcase", name="verdict", classname=view.name, time=_seconds(view.to_s - view.from_s))
    if judgement.verdict != Verdict.HELD:
        text = printable.lines([verdict_says(view), *judgement.reasons])
        message = f"the verdict is {judgement.verdict.shown}: {standing.of(view).headline}"
        case.append(_element(judgement.verdict.junit, text, message=message, type=judgement.verdict))
    return case


def _case(view: RunView, finding: Finding) -> Element:
    took_s = [t.after_s or 0.0 for t in view.transitions if (t.phase, t.name) == (finding.phase, finding.name)]
    time = _seconds(took_s[0] if took_s else 0.0)
    case = _element("testcase", name=finding.name, classname=f"{view.name}.{finding.phase}", time=time)
    word = result(finding)
    tag = "skipped" if word in TOLD_ALONE else finding.status.junit
    if tag:
        says = [f"expected: {finding.expected}", f"actual: {finding.actual}", finding.message]
        says += [f"where to look: {hint(finding)}"] if hint(finding) else []
        case.append(_element(tag, printable.lines(says), message=finding.message, type=word.replace(" ", "-")))
    return case


def _seconds(value_s: float) -> str:
    # Not more digits before the point than the common schema takes with its thousands separators left out.
    return f"{min(max(value_s, 0.0), 99_999.0):.3f}"

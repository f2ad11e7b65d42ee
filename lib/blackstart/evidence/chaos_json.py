"""`results/chaos.json`: a run in the form of a proof bundle's chaos results. Pure.

`status` is `pass` only for a run that held; `skipped` only for one that was refused, where nothing was touched; all
else, an inconclusive run too, is `fail`, since the form knows no word for it. `verdict` has the exact word.
Times are milliseconds since the run began.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from blackstart import clock
from blackstart.evidence.events import EventName
from blackstart.finding import Finding
from blackstart.journal import Event
from blackstart.reports.picture import fault_spans
from blackstart.reports.story import Story
from blackstart.reports.words import result
from blackstart.verdicts import Verdict

_EVENTS = {
    EventName.INCONCLUSIVE: "error",
    EventName.INTERRUPTED: "error",
    EventName.ABORTED: "error",
    EventName.REFUSED: "error",
    EventName.UNDO: "cleanup",
    EventName.UNDONE: "cleanup",
}


def results(story: Story) -> dict[str, Any]:
    """The whole document as data."""
    status = story.judgement.verdict.status
    limit_s = story.experiment.total_max_s if story.experiment else 0.0
    return {
        "status": status,
        "verdict": story.judgement.verdict,
        "totalScenarios": 1,
        "passedScenarios": int(status == "pass"),
        "failedScenarios": int(status == "fail"),
        "skippedScenarios": int(status == "skipped"),
        "durationMs": _ms(story, story.to_s),
        "config": {
            "globalRetries": 0,
            "globalTimeoutMs": round(limit_s * 1000),
            "injectionTypes": sorted({_type(story, number) for number in range(len(story.changes))}),
            "seed": story.head.get("seed"),
        },
        "scenarios": [_scenario(story, status == "pass")],
        "timestamp": clock.utc_iso(story.utc(story.from_s)),
    }


def _scenario(story: Story, passed: bool) -> dict[str, Any]:
    events = _Timeline(story).events()
    return {
        "name": story.name,
        "behavior": str(story.head.get("behavior") or story.target["name"]),
        "hypothesis": story.experiment.hypothesis if story.experiment else "",
        "passed": passed,
        "durationMs": _ms(story, story.to_s),
        "injections": [_injection(story, number) for number in range(len(story.changes))],
        "assertions": [_assertion(finding) for finding in story.judgement.findings],
        "error": None if passed else "; ".join(story.judgement.reasons) or story.judgement.verdict,
        "timeline": {
            "events": events,
            "errors": sum(event["type"] == "error" for event in events),
            "recoveries": sum(event["type"] == "recovery" for event in events),
        },
    }


def _injection(story: Story, number: int) -> dict[str, Any]:
    change = story.changes[number]
    spans = {style: (_ms(story, from_s), _ms(story, to_s)) for style, _, from_s, to_s in fault_spans(story, number)}
    force = spans.get("force")
    return {
        "type": _type(story, number),
        "activated": force is not None,
        "deactivated": _gone(story, number),
        "stats": {
            "what": change.what,
            "service": change.service,
            "inForceFromMs": force[0] if force else None,
            "inForceToMs": force[1] if force else None,
        },
    }


def _type(story: Story, number: int) -> str:
    """The fault's name, where each fault made one change; else what the change is."""
    faults = story.experiment.faults if story.experiment else ()
    if len(faults) == len(story.changes):
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(faults[number]).__name__).lower()
    return re.sub(r"\W+", "_", story.changes[number].what.split(" ", 1)[0]).lower()


def _gone(story: Story, number: int) -> bool:
    entry = f"{story.run}#{number}"
    return any(event["change"] == entry and event["ok"] for event in story.record.of(EventName.GONE))


def _assertion(finding: Finding) -> dict[str, Any]:
    return {
        "type": finding.phase,
        "name": finding.name,
        "passed": finding.status == Verdict.HELD,
        "result": result(finding),
        "expected": finding.expected,
        "actual": finding.actual,
        "message": finding.message,
    }


def _ms(story: Story, at_s: float) -> int:
    return round((at_s - story.from_s) * 1000)


class _Timeline:
    """Events with ids in the order of time. An injection is the behavior's child, its cleanup is the injection's."""

    def __init__(self, story: Story) -> None:
        self.story = story

    def events(self) -> list[dict[str, Any]]:
        found = sorted(self._found(), key=lambda item: item["timestamp"])
        ids = {item.pop("key"): f"e{place}" for place, item in enumerate(found)}
        return [{"id": f"e{place}", **item, "parentId": ids.get(item["parentId"])} for place, item in enumerate(found)]

    def _found(self) -> Iterator[dict[str, Any]]:
        story = self.story
        lasted_ms = _ms(story, story.to_s)
        yield self._event("behavior", "behavior_start", story.from_s, {"name": story.name}, lasted_ms)
        for number, change in enumerate(story.changes):
            spans = fault_spans(story, number)
            if spans:
                key, data = f"do {number}", {"what": change.what, "service": change.service}
                from_s, to_s = spans[0][2], spans[-1][3]
                yield self._event(key, "injection_start", from_s, data, round((to_s - from_s) * 1000), "behavior")
                yield self._event(f"gone {number}", "injection_end", to_s, {**data, "ok": _gone(story, number)}, 0, key)
        for place, event in enumerate(story.record.of(*_EVENTS)):
            yield self._told(place, event)
        yield from self._assertions()
        yield self._event(
            "end", "behavior_end", story.to_s, {"verdict": story.judgement.verdict}, lasted_ms, "behavior"
        )

    def _told(self, place: int, event: Event) -> dict[str, Any]:
        data: dict[str, Any] = {key: event[key] for key in ("message", "what", "ok") if key in event}
        parent = f"do {event['change'].rpartition('#')[2]}" if "change" in event else "behavior"
        return self._event(f"event {place}", _EVENTS[event["event"]], float(event["at"]), data, 0, parent)

    def _assertions(self) -> Iterator[dict[str, Any]]:
        story = self.story
        ends = {"baseline": story.times.did_s, "fault": story.times.undid_s}
        for place, finding in enumerate(story.judgement.findings):
            at_s = finding.transition.to_s if finding.transition else ends.get(finding.phase) or story.to_s
            data = {"name": finding.name, "phase": finding.phase, "result": result(finding)}
            parent = "do 0" if finding.phase == "fault" and story.times.did_s is not None else "behavior"
            yield self._event(f"finding {place}", "assertion_result", at_s, data, 0, parent)
            if finding.phase == "recovery" and finding.transition:
                yield self._event(f"recovery {place}", "recovery", at_s, data, 0, f"finding {place}")

    def _event(
        self, key: str, type_: str, at_s: float, data: dict[str, Any], duration_ms: int, parent: str = ""
    ) -> dict[str, Any]:
        return {
            "key": key,
            "type": type_,
            "timestamp": _ms(self.story, at_s),
            "duration": duration_ms,
            "data": data,
            "parentId": parent,
        }

"""`results/chaos.json`: a run in the form of a proof bundle's chaos results. Pure.

`status` is `pass` only for a run that held; `skipped` only for one that was refused, where nothing was touched; all
else, an inconclusive run too, is `fail`, since the form knows no word for it. `verdict` has the exact word.
Times are milliseconds since the run began. Of a scenario of a specification, the injections are those that are written.
"""

import re
from collections.abc import Iterator
from typing import Any

from blackstart.base import clock
from blackstart.evidence.events import EventName
from blackstart.model.finding import Finding
from blackstart.model.schedule import At
from blackstart.model.verdict import Verdict
from blackstart.reports.picture import fault_spans
from blackstart.reports.story import RunView
from blackstart.reports.words import result

_EVENTS = {
    EventName.INCONCLUSIVE: "error",
    EventName.INTERRUPTED: "error",
    EventName.ABORTED: "error",
    EventName.REFUSED: "error",
    EventName.UNDO: "cleanup",
    EventName.UNDONE: "cleanup",
}


def results(view: RunView) -> dict[str, Any]:
    """The whole document as data."""
    status = view.judgement.verdict.status
    limit_s = view.experiment.total_max_s if view.experiment else 0.0
    injections = _injections(view)
    seeds = (getattr(fault, "seed", None) for fault in _faults(view))
    return {
        "status": status,
        "verdict": view.judgement.verdict,
        "totalScenarios": 1,
        "passedScenarios": int(status == "pass"),
        "failedScenarios": int(status == "fail"),
        "skippedScenarios": int(status == "skipped"),
        "durationMs": _ms(view, view.to_s),
        "config": {
            "globalRetries": view.head.get("block_retries", 0),
            "globalTimeoutMs": round(limit_s * 1000),
            "injectionTypes": sorted({injection["type"] for injection in injections}),
            "seed": next((seed for seed in seeds if seed is not None), None),
        },
        "lateness": view.lateness.summary(),
        "scenarios": [_scenario(view, status == "pass", injections)],
        "timestamp": clock.utc_iso(view.utc(view.from_s)),
    }


def _scenario(view: RunView, passed: bool, injections: list[dict[str, Any]]) -> dict[str, Any]:
    events = _events(view)
    return {
        "name": str(view.head.get("scenario") or view.name),
        "behavior": str(view.head.get("behavior") or view.target["name"]),
        "hypothesis": view.experiment.hypothesis if view.experiment else "",
        "retries": view.head.get("retries", 0),
        "passed": passed,
        "durationMs": _ms(view, view.to_s),
        "injections": injections,
        "assertions": [_assertion(finding) for finding in view.judgement.findings],
        "error": None if passed else "; ".join(view.judgement.reasons) or view.judgement.verdict,
        "timeline": {
            "events": events,
            "errors": sum(event["type"] == "error" for event in events),
            "recoveries": sum(event["type"] == "recovery" for event in events),
        },
    }


def _injections(view: RunView) -> list[dict[str, Any]]:
    """The changes; those that a specification's injections made by the names that are written, with their parameters,
    and the load that an injection is."""
    made = [_injection(view, number) for number in range(len(view.changes))]
    written = view.head.get("injections")
    if not isinstance(written, list):
        return made
    if not made:
        return [_load(view, one) for one in written]
    if len(written) not in (1, len(made)):
        return made
    return [injection | written[number if len(written) > 1 else 0] for number, injection in enumerate(made)]


def _load(view: RunView, written: dict[str, Any]) -> dict[str, Any]:
    """An injection that changes nothing but is a load: in force while requests are sent, and over with the last."""
    summary = next((event["summary"] for event in view.record.of(EventName.LOAD) if "summary" in event), None)
    sent = int(summary.get("sent", 0)) if summary else 0
    return {**written, "activated": sent > 0, "deactivated": summary is not None, "stats": {"sent": sent}}


def _injection(view: RunView, number: int) -> dict[str, Any]:
    change = view.changes[number]
    spans = {style: (_ms(view, from_s), _ms(view, to_s)) for style, _, from_s, to_s in fault_spans(view, number)}
    force = spans.get("force")
    return {
        "type": _type(view, number),
        "activated": force is not None,
        "deactivated": view.proved_gone(number),
        "stats": {
            "what": change.what,
            "service": change.service,
            "inForceFromMs": force[0] if force else None,
            "inForceToMs": force[1] if force else None,
        },
    }


def _faults(view: RunView) -> list[Any]:
    told = view.experiment.faults if view.experiment else ()
    return [fault for one in told if (fault := one.fault if isinstance(one, At) else one) is not None]


def _type(view: RunView, number: int) -> str:
    """The fault's name, where each fault made one change; else what the change is."""
    faults = _faults(view)
    if len(faults) == len(view.changes):
        called = getattr(faults[number], "injection", type(faults[number]).__name__)  # one of the user's own says it
        return re.sub(r"(?<!^)(?=[A-Z])", "_", called).lower()
    return re.sub(r"\W+", "_", view.changes[number].what.split(" ", 1)[0]).lower()


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


def _ms(view: RunView, at_s: float) -> int:
    return round((at_s - view.from_s) * 1000)


def _events(view: RunView) -> list[dict[str, Any]]:
    """Events with ids in the order of time. An injection is the behavior's child, its cleanup is the injection's."""
    found = sorted(_happened(view), key=lambda item: item["timestamp"])
    ids = {item.pop("key"): f"e{place}" for place, item in enumerate(found)}
    return [{"id": f"e{place}", **item, "parentId": ids.get(item["parentId"])} for place, item in enumerate(found)]


def _happened(view: RunView) -> Iterator[dict[str, Any]]:
    lasted_ms = _ms(view, view.to_s)
    yield _event(view, "behavior", "behavior_start", view.from_s, {"name": view.name}, lasted_ms)
    for number, change in enumerate(view.changes):
        spans = fault_spans(view, number)
        if spans:
            key, data = f"do {number}", {"what": change.what, "service": change.service}
            from_s, to_s = spans[0][2], spans[-1][3]
            yield _event(view, key, "injection_start", from_s, data, round((to_s - from_s) * 1000), "behavior")
            gone = {**data, "ok": view.proved_gone(number)}
            yield _event(view, f"gone {number}", "injection_end", to_s, gone, 0, key)
    for place, event in enumerate(view.record.of(*_EVENTS)):
        told: dict[str, Any] = {key: event[key] for key in ("message", "what", "ok") if key in event}
        parent = f"do {event['change'].rpartition('#')[2]}" if "change" in event else "behavior"
        yield _event(view, f"event {place}", _EVENTS[event["event"]], float(event["at"]), told, 0, parent)
    yield from _assertions(view)
    ended = {"verdict": view.judgement.verdict}
    yield _event(view, "end", "behavior_end", view.to_s, ended, lasted_ms, "behavior")


def _assertions(view: RunView) -> Iterator[dict[str, Any]]:
    ends = {"baseline": view.times.did_s, "fault": view.times.undid_s}
    for place, finding in enumerate(view.judgement.findings):
        at_s = finding.transition.to_s if finding.transition else ends.get(finding.phase) or view.to_s
        data = {"name": finding.name, "phase": finding.phase, "result": result(finding)}
        parent = "do 0" if finding.phase == "fault" and view.times.did_s is not None else "behavior"
        yield _event(view, f"finding {place}", "assertion_result", at_s, data, 0, parent)
        if finding.phase == "recovery" and finding.transition:
            yield _event(view, f"recovery {place}", "recovery", at_s, data, 0, f"finding {place}")


def _event(
    view: RunView, key: str, type_: str, at_s: float, data: dict[str, Any], duration_ms: int, parent: str = ""
) -> dict[str, Any]:
    when = {"timestamp": _ms(view, at_s), "duration": duration_ms}
    return {"key": key, "type": type_, **when, "data": data, "parentId": parent}

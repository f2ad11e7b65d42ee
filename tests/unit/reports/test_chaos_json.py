"""chaos.json says pass for a run that held, and for nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blackstart.evidence.journal import Record
from blackstart.reports import chaos_json
from blackstart.reports.story import RunView
from tests.unit.reports.conftest import DRILLS, runs, stories

__all__ = ["runs", "stories"]
TYPES = {
    "injection_start", "injection_end", "behavior_start", "behavior_end", "assertion_result", "error", "recovery",
    "cleanup",
}  # fmt: skip


@pytest.mark.parametrize("name", DRILLS)
def test_only_a_held_run_passes(stories: dict[str, RunView], name: str) -> None:
    made = chaos_json.results(stories[name])
    verdict = stories[name].judgement.verdict
    assert made["status"] == {"held": "pass", "refused": "skipped"}.get(verdict, "fail")
    assert made["verdict"] == verdict
    counts = [made[f"{word}Scenarios"] for word in ("passed", "failed", "skipped")]
    assert sum(counts) == made["totalScenarios"] == len(made["scenarios"]) == 1
    assert made["scenarios"][0]["passed"] is (verdict == "held")
    assert bool(made["scenarios"][0]["error"]) is (verdict != "held")
    json.dumps(made)


@pytest.mark.parametrize("name", DRILLS)
def test_events_have_ids_parents_that_exist_and_stand_in_the_order_of_time(
    stories: dict[str, RunView], name: str
) -> None:
    events = chaos_json.results(stories[name])["scenarios"][0]["timeline"]["events"]
    ids = [event["id"] for event in events]
    assert len(ids) == len(set(ids))
    assert {event["type"] for event in events} <= TYPES
    assert all(event["parentId"] in {None, *ids} for event in events)
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
    assert sum(event["parentId"] is None for event in events) == 1
    assert set(events[0]) == {"id", "type", "timestamp", "duration", "data", "parentId"}


def test_an_injection_is_activated_by_its_bite_and_deactivated_by_its_proof(stories: dict[str, RunView]) -> None:
    def injection(name: str) -> dict[str, object]:
        found: dict[str, object] = chaos_json.results(stories[name])["scenarios"][0]["injections"][0]
        return {key: found[key] for key in ("type", "activated", "deactivated")}

    assert injection("held") == {"type": "stop", "activated": True, "deactivated": True}
    assert injection("inconclusive") == {"type": "stop", "activated": False, "deactivated": True}
    assert injection("not-restored") == {"type": "stop", "activated": True, "deactivated": False}


def test_assertions_carry_expected_actual_and_message(stories: dict[str, RunView]) -> None:
    found = {a["name"]: a for a in chaos_json.results(stories["broke"])["scenarios"][0]["assertions"]}
    again = found["ready_200_again"]
    assert (again["passed"], again["actual"]) == (False, "ready was 503")
    assert again["expected"] == "eventually ready is 200 within 4 s"
    assert again["message"].startswith("did not come true within 4 s")


def test_configuration_and_times_are_in_milliseconds(stories: dict[str, RunView]) -> None:
    made = chaos_json.results(stories["held"])
    assert made["durationMs"] == 7000
    assert made["config"] == {"globalRetries": 0, "globalTimeoutMs": 900_000, "injectionTypes": ["stop"], "seed": None}
    assert made["timestamp"] == "2026-11-20T14:30:00.250Z"


WRITTEN = {
    "spec": {"name": "Checkout", "version": "1.0.0", "sha256": "ab" * 32}, "behavior": "Open", "scenario": "db down",
    "block_retries": 1, "retries": 3, "limit_s": 30.0,
}  # fmt: skip
DOWN = {"type": "database_failure", "parameters": {"mode": "UNAVAILABLE"}}
BURST = {"type": "concurrent_requests", "parameters": {"count": 10}}


def scenario(view: RunView, *injections: dict[str, object], load: dict[str, int] | None = None) -> dict[str, Any]:
    """The results of that run, had it been of a scenario; with a `load` alone, of one that changes nothing."""
    first, *events = view.record.events
    events = [event for event in events if load is None or event["event"] != "plan"]
    events += [{"event": "load", "at": 1.0, "summary": load}] if load else []
    record = Record(({**first, **WRITTEN, "injections": list(injections)}, *events))
    return chaos_json.results(RunView(record, view.judgement, view.where))


def test_a_scenario_is_told_as_it_is_written(stories: dict[str, RunView]) -> None:
    made = scenario(stories["held"], DOWN)
    config, (told,) = made["config"], made["scenarios"]
    assert (config["globalRetries"], told["retries"]) == (1, 3)
    assert config["injectionTypes"] == ["database_failure"]
    assert (told["name"], told["behavior"]) == ("db down", "Open")
    (injection,) = told["injections"]
    assert injection["parameters"] == DOWN["parameters"] and injection["activated"] and injection["deactivated"]


def test_a_burst_that_changes_nothing_is_an_injection(stories: dict[str, RunView]) -> None:
    made = scenario(stories["held"], BURST, load={"sent": 10})
    assert made["config"]["injectionTypes"] == ["concurrent_requests"]
    (injection,) = made["scenarios"][0]["injections"]
    assert injection == {**BURST, "activated": True, "deactivated": True, "stats": {"sent": 10}}
    assert scenario(stories["held"], BURST, load={"sent": 0})["scenarios"][0]["injections"][0]["activated"] is False

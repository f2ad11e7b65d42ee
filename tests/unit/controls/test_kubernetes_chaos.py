"""What Chaos Mesh says of its resources: how far they have come, whatever their conditions say."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from blackstart.controls.kubernetes_chaos import acts_on, daemons, stage, stale

RECORDED = Path(__file__).with_name("chaos_mesh_recorded")
"""What a real Chaos Mesh said of a resource, asked every 50 ms, each time that something else could be read of it."""


def recorded(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RECORDED / f"{name}.jsonl").read_text().splitlines()]


def stages(name: str) -> list[str]:
    """The words that a recording goes through, without their reasons."""
    words = [stage(**one)[0].partition(":")[0] for one in recorded(name)]
    return [word for word, _ in itertools.groupby(words)]


def conditions(one: dict[str, Any]) -> dict[str, bool]:
    told = ((one["resource"] or {}).get("status") or {}).get("conditions") or ()
    return {condition["type"]: condition["status"] == "True" for condition in told}


@pytest.mark.parametrize("name", ["partition", "stress", "pod_failure", "container_kill"])
def test_a_fault_is_injected_and_goes_with_its_resource(name: str) -> None:
    assert stages(name) == ["absent", "waiting", "injected", "ending", "absent"]


def test_one_whose_duration_is_over_has_recovered_by_itself() -> None:
    said = stages("duration_over")
    assert said[:3] == ["absent", "waiting", "injected"] and said[-3:] == ["recovered", "ending", "absent"]


@pytest.mark.parametrize("name", ["no_daemon", "no_daemon_network", "wedge"])
def test_one_that_could_not_be_injected_says_why(name: str) -> None:
    assert stages(name) == ["absent", "waiting", "failed", "ending", "absent"]
    reason = next(told for one in recorded(name) for word, told in [stage(**one)] if word.startswith("failed"))
    assert ("unable to set tcs" if name == "wedge" else "cannot find daemonIP on node node1") in reason


def test_all_recovered_is_said_of_one_that_never_was_injected() -> None:
    claimed = [one for one in recorded("no_daemon") if conditions(one).get("AllRecovered")]
    assert claimed and all(stage(**one)[0].startswith(("failed", "ending")) for one in claimed)


def test_all_injected_is_said_of_one_whose_pod_has_been_replaced() -> None:
    assert stages("replaced_pod") == ["absent", "waiting", "injected", "replaced", "ending", "absent"]
    last = [one for one in recorded("replaced_pod") if stage(**one)[0] == "replaced"][-1]
    assert conditions(last)["AllInjected"]
    (record,) = last["resource"]["status"]["experiment"]["containerRecords"]
    assert record["phase"] == "Injected"


def test_a_pod_without_a_record_is_not_broken_whatever_the_others_are() -> None:
    injected = next(one for one in recorded("stress") if stage(**one)[0] == "injected")
    beside = {"metadata": {"name": "beside", "uid": "beside-uid"}}
    planned = {**injected, "pods": [*injected["pods"], beside], "uids": [*injected["uids"], "beside-uid"]}
    assert stage(**planned) == ("waiting", "not selected: beside")
    assert stage(**{**planned, "uids": injected["uids"]})[0] == "injected"  # it came later


def test_a_pod_that_was_killed_is_another_one_and_its_record_stays() -> None:
    assert stages("pod_kill") == ["absent", "waiting", "replaced", "ending", "absent"]
    assert conditions([one for one in recorded("pod_kill") if stage(**one)[0] == "replaced"][-1])["AllInjected"]


def test_a_delete_without_a_controller_ends_nothing() -> None:
    assert stages("stuck_delete") == ["absent", "waiting", "injected", "ending", "absent"]
    ending = next(one for one in recorded("stuck_delete") if stage(**one)[0] == "ending")
    assert conditions(ending)["AllInjected"]


def test_the_wedge_is_told_from_what_is_only_slow_by_the_phase_of_its_records() -> None:
    """As the undo does, which takes no pod away but for that."""

    def phases(name: str) -> set[tuple[str, str]]:
        ending = [one["resource"] for one in recorded(name) if stage(**one)[0].startswith("ending")]
        records = [record for one in ending for record in one["status"]["experiment"]["containerRecords"]]
        return {(record["phase"], record["events"][-1]["type"]) for record in records}

    wedged = {("Not Injected/Wait", "Failed")}
    assert phases("wedge") == wedged
    assert not wedged & (phases("stuck_delete") | phases("partition") | phases("replaced_pod"))


def test_one_acts_on_its_pods_until_it_is_over() -> None:
    seen = [one["resource"] for one in recorded("duration_over") if one["resource"] and one["resource"].get("status")]
    (pod,) = recorded("duration_over")[0]["pods"]
    name = pod["metadata"]["name"]
    acting = [
        acts_on(one, "shop", [name]) for one in seen if one["status"].get("experiment", {}).get("containerRecords")
    ]
    assert [acts for acts, _ in itertools.groupby(acting)] == [True, False]
    assert not any(acts_on(one, "shop", [f"{name}x"]) or acts_on(one, "other", [name]) for one in seen)


def test_daemons_are_those_that_are_ready_by_their_nodes() -> None:
    def end(node: str, ready: bool) -> dict[str, Any]:
        return {"nodeName": node, "conditions": {"ready": ready}, "targetRef": {"name": f"daemon-{node}"}}

    slices = [
        {"metadata": {"name": "chaos-daemon-x"}, "endpoints": [end("a", True), end("b", False)]},
        {"metadata": {"name": "chaos-dashboard-x"}, "endpoints": [end("c", True)]},
        {"metadata": {"name": "chaos-daemon-y"}, "endpoints": None},
    ]
    assert daemons(slices) == {"a": "daemon-a"}


def test_a_network_that_could_not_be_changed_is_stale() -> None:
    failed = {"metadata": {"name": "a"}, "status": {"failedMessage": "unable to set tcs for pod a"}}
    whole = {"metadata": {"name": "b"}, "status": {"observedGeneration": 2}}
    assert stale([failed, whole, {"metadata": {"name": "c"}}], ["a", "b", "c"]) == ["a"]
    assert stale([failed], ["b"]) == []

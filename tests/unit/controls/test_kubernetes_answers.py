"""What an API server says of a workload and its pods: the state that a drill sees."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from blackstart.controls.kubernetes_answers import NOWHERE, REPLICAS, count, selector_of, state, state_of_pods
from blackstart.model.control import State
from tests.unit.controls.kubernetes_objects import pod, workload

RECORDED = Path(__file__).with_name("kubernetes_recorded")
"""What Kubernetes 1.34 answered, asked every 20 ms, each time that something else could be read of it."""
ENDING = {"deletionTimestamp": "2026-11-29T07:00:00Z"}


def told(name: str) -> list[State]:
    """The states in a recording, one after the other."""
    return [state(**json.loads(line)) for line in (RECORDED / f"{name}.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", ["deployment_stop_start", "deployment_kill_start", "daemonset_stop_start"])
def test_recorded_a_stop_and_a_start_go_through_their_states_to_other_pods(name: str) -> None:
    states = told(name)
    order = [status for status, _ in itertools.groupby(one.status for one in states)]
    assert order == ["running", "stopping", "stopped", "starting", "running"]
    first, last = (set(one.instance.split(",")) for one in (states[0], states[-1]))
    assert len(first) == len(last) and not first & last
    assert not any(one.instance for one in states if one.status in ("stopping", "stopped"))


def test_recorded_a_crash_is_another_life_of_the_same_pod_and_waits_longer_the_second_time() -> None:
    states = told("deployment_crash_twice")
    assert [one.status for one in states] == ["running", "starting", "running", *["starting"] * 3, "running"]
    (pod_uid,) = {one.instance.partition(":")[0] for one in states if one.instance}
    assert [one.instance for one in states if one.status == "running"] == [f"{pod_uid}:{n}" for n in range(3)]
    assert states[4].detail == "0 of 1 pods ready (CrashLoopBackOff)" and states[4].instance == ""


def test_recorded_a_rollout_does_not_run_until_all_its_old_pods_are_on_their_way_out() -> None:
    states = told("deployment_rollout")
    assert [one.status for one in states] == ["running", *["starting"] * 5, "running"]
    assert not set(states[0].instance.split(",")) & set(states[-1].instance.split(","))


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_all_pods_ready_is_running_and_names_each_life(kind: str) -> None:
    seen = state(workload(kind), [pod("b", restarts=3), pod("a")])
    assert (seen.status, seen.instance, seen.revives) == ("running", "a-uid:0,b-uid:3", True)
    assert seen.detail == "2 of 2 pods ready"


@pytest.mark.parametrize(
    ("pods", "detail"),
    [
        ([], "0 of 2 pods ready"),
        ([pod("a")], "1 of 2 pods ready"),
        ([pod("a"), pod("b", ready=False)], "1 of 2 pods ready"),
        ([pod("a"), pod("b", waiting="CrashLoopBackOff")], "1 of 2 pods ready (CrashLoopBackOff)"),
        ([pod("a"), pod("b", **ENDING)], "1 of 2 pods ready"),
        ([pod("a"), pod("b", phase="Failed")], "1 of 2 pods ready"),
        ([pod("a"), pod("b"), pod("c")], "3 of 2 pods ready"),  # a rollout is under way
    ],
)
def test_fewer_or_more_pods_than_wanted_are_on_their_way(pods: list[Any], detail: str) -> None:
    seen = state(workload(), pods)
    assert (seen.status, seen.detail) == ("starting", detail)


def test_a_life_is_named_only_while_all_its_containers_run() -> None:
    both = state(workload(), [pod("a"), pod("b", ready=False)])
    assert both.instance == "a-uid:0,b-uid:0"
    assert state(workload(), [pod("a"), pod("b", waiting="CrashLoopBackOff")]).instance == ""


def test_no_pods_wanted_and_none_there_is_stopped_and_says_how_many_there_were() -> None:
    stopped = workload(wanted=0, annotations={REPLICAS: "3"})
    seen = state(stopped, [])
    assert (seen.status, seen.instance) == ("stopped", "")
    assert seen.detail == "0 pods wanted, 3 before it was stopped" and count(stopped) == 3


def test_pods_that_end_are_stopping_and_what_ended_for_good_is_not_waited_for() -> None:
    assert state(workload(wanted=0), [pod("a", **ENDING)]).status == "stopping"
    assert state(workload(wanted=0), [pod("a")]).status == "stopping"
    assert state(workload(wanted=0), [pod("a", phase="Failed")]).status == "stopped"


def test_a_daemonset_that_is_sent_nowhere_is_stopped_whatever_its_status_still_says() -> None:
    nowhere = workload("DaemonSet", wanted=1)
    nowhere["spec"]["template"]["spec"]["nodeSelector"] = {NOWHERE: "true", "disk": "ssd"}
    assert state(nowhere, []).status == "stopped"
    assert state(nowhere, [pod("a", **ENDING)]).status == "stopping"


def test_a_workload_that_is_not_there_is_absent() -> None:
    assert state(None, []).status == "absent"


@pytest.mark.parametrize(("noted", "pods"), [("2", 2), ("", 0), ("-1", 0), ("many", 0)])
def test_a_note_that_is_no_number_counts_for_nothing(noted: str, pods: int) -> None:
    assert count(workload(wanted=0, annotations={REPLICAS: noted})) == pods
    assert count(workload(wanted=4, annotations={REPLICAS: noted})) == 4


def test_pods_by_a_selector_are_running_where_as_many_are_ready_as_there_were() -> None:
    assert state_of_pods([pod("a", restarts=1)], 1).instance == "a-uid:1"
    assert state_of_pods([pod("a")], 2).status == "starting"
    assert state_of_pods([], 1).status == "absent"
    assert not state_of_pods([pod("a", policy="Never")], 1).revives


def test_a_sidecars_restart_is_not_another_life_of_the_service() -> None:
    beside = pod("a", restarts=1)
    beside["spec"]["containers"].append({"name": "proxy"})
    beside["status"]["containerStatuses"].insert(0, {"name": "proxy", "restartCount": 7, "state": {"running": {}}})
    assert state(workload(wanted=1), [beside]).instance == "a-uid:1"
    beside["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "proxy"}
    assert state(workload(wanted=1), [beside]).instance == "a-uid:7"


def test_a_selector_is_written_as_kubectl_takes_it() -> None:
    given = workload()
    given["spec"]["selector"]["matchExpressions"] = [
        {"key": "tier", "operator": "In", "values": ["cache", "store"]},
        {"key": "env", "operator": "NotIn", "values": ["test"]},
        {"key": "live", "operator": "Exists"},
        {"key": "old", "operator": "DoesNotExist"},
    ]
    assert selector_of(given) == "app=redis,tier in (cache,store),env notin (test),live,!old"

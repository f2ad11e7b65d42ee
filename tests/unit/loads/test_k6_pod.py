"""A pod of a load as the API server shows it, and what that means."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.loads.driving import k6_pod


def pod(state: dict[str, Any] | None = None, phase: str = "Running", **more: Any) -> dict[str, Any]:
    meta = {"name": "load-1-abcde", "annotations": {k6_pod.INDEX: "1"}, **more.pop("metadata", {})}
    statuses = [] if state is None else [{"name": "k6", "state": state}]
    return {"metadata": meta, "status": {"phase": phase, "containerStatuses": statuses, **more}}


RUNNING: dict[str, Any] = {"running": {}}


def ended(code: int, reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason}}


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (pod(RUNNING), ""),
        (pod(ended(0, "Completed"), "Succeeded"), ""),
        (pod(ended(137, "OOMKilled"), "Failed"), "ended with code 137 (OOMKilled)"),
        (pod(ended(107), "Failed"), "ended with code 107"),
        (pod(RUNNING, metadata={"deletionTimestamp": "2026-11-29T12:00:00Z"}), "is being deleted"),
        (pod(None, "Failed", reason="Evicted"), "failed (Evicted)"),
    ],
)
def test_a_pod_that_plays_no_more_says_why(one: dict[str, Any], why: str) -> None:
    assert k6_pod.lost(one) == why


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (pod({"waiting": {"reason": "ContainerCreating"}}, "Pending"), ""),
        (pod({"waiting": {"reason": "ErrImagePull", "message": "no host"}}, "Pending"), "ErrImagePull: no host"),
        (pod({"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "k" not found'}}, "Pending"),
         'CreateContainerConfigError: secret "k" not found'),
        (pod(ended(107), "Failed"), "its k6 ended with code 107"),
        (pod(RUNNING), ""),
    ],
)  # fmt: skip
def test_what_will_never_be_ready_is_told_from_what_takes_its_time(one: dict[str, Any], why: str) -> None:
    assert k6_pod.hopeless(one) == why


def test_a_pod_that_no_node_takes_says_so() -> None:
    blocked = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes available"}
    assert k6_pod.waits(pod(None, "Pending", conditions=[blocked])) == "Unschedulable: 0/1 nodes available"
    assert k6_pod.hopeless(pod(None, "Pending", conditions=[blocked])) == ""
    assert k6_pod.index(pod(RUNNING)) == 1 and not k6_pod.is_ready(pod(RUNNING))

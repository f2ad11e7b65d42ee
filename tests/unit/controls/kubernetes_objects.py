"""Objects as a Kubernetes API server tells of them, as far as a control reads them."""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]


def workload(kind: str = "Deployment", wanted: int = 2, name: str = "redis", **meta: Any) -> JsonObject:
    template = {"metadata": {"labels": {"app": name, "tier": "cache"}}, "spec": {"containers": [{"name": "main"}]}}
    spec: JsonObject = {"selector": {"matchLabels": {"app": name}}, "template": template}
    status: JsonObject = {}
    if kind == "DaemonSet":
        status["desiredNumberScheduled"] = wanted
    else:
        spec["replicas"] = wanted
    return {"kind": kind, "metadata": {"name": name, "uid": f"{name}-uid", **meta}, "spec": spec, "status": status}


def pod(
    name: str = "a", ready: bool = True, restarts: int = 0, owner: JsonObject | None = None, **more: Any
) -> JsonObject:
    """`more`: `phase`, `deletionTimestamp`, `waiting` (a reason why its container does not run)."""
    waiting = more.get("waiting")
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {"startedAt": "2026-11-29T07:00:00Z"}}
    main = {"name": "main", "containerID": f"containerd://{name * 64}", "restartCount": restarts, "state": state}
    meta: JsonObject = {
        "name": name,
        "uid": f"{name}-uid",
        "labels": {"app": "redis"},
        "ownerReferences": [owner or of()],
    }
    if "deletionTimestamp" in more:
        meta["deletionTimestamp"] = more["deletionTimestamp"]
    conditions = [{"type": "Ready", "status": "True" if ready and not waiting else "False"}]
    phase = more.get("phase", "Running")
    status = {
        "phase": phase,
        "conditions": conditions,
        "containerStatuses": [main],
        "podIP": "10.1.0.7",
        "hostIP": "1.2.3.4",
    }
    spec = {
        "containers": [{"name": "main", "ports": more.get("ports", [])}],
        "restartPolicy": more.get("policy", "Always"),
    }
    return {"kind": "Pod", "metadata": meta, "spec": spec, "status": status}


def of(kind: str = "ReplicaSet", name: str = "redis-1", uid: str = "") -> JsonObject:
    """What a thing has as its owner."""
    return {"kind": kind, "name": name, "uid": uid or f"{name}-uid", "controller": True}

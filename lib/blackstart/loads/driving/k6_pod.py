"""A pod of a load as the API server shows it, read. Pure."""

from collections.abc import Mapping
from typing import Any

from blackstart.loads.k6_job import INDEX

JsonObject = Mapping[str, Any]
# What a container waits for that does not come by waiting.
_HOPELESS = frozenset((
    "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError",
    "CreateContainerConfigError", "CreateContainerError", "RunContainerError",
))  # fmt: skip


def index(pod: JsonObject) -> int:
    """Which share it plays."""
    return int(pod["metadata"]["annotations"][INDEX])


def name(pod: JsonObject) -> str:
    """Of the pod."""
    return str(pod["metadata"]["name"])


def is_ready(pod: JsonObject) -> bool:
    """Whether its k6 answers."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def exit_code(pod: JsonObject) -> int | None:
    """Its k6's, once it has ended."""
    ended = _state(pod).get("terminated")
    return int(ended["exitCode"]) if ended else None


def waits(pod: JsonObject) -> str:
    """What it waits for, in Kubernetes' words; empty where it does not."""
    waiting = _state(pod).get("waiting") or {}
    conditions = (pod.get("status") or {}).get("conditions") or ()
    blocked: JsonObject = next((one for one in conditions if one.get("reason") == "Unschedulable"), {})
    found = waiting or blocked
    return ": ".join(filter(None, (found.get("reason"), found.get("message"))))


def hopeless(pod: JsonObject) -> str:
    """Why it will never be ready; empty where it may."""
    reason = waits(pod).partition(":")[0]
    code = exit_code(pod)
    if code is not None:
        return f"its k6 ended with code {code}"
    return waits(pod) if reason in _HOPELESS else ""


def lost(pod: JsonObject) -> str:
    """Why it plays no more, although nobody told it to end; empty where it plays on, or its script came to its end."""
    meta, status = pod["metadata"], pod.get("status") or {}
    why = status.get("reason") or (_state(pod).get("terminated") or {}).get("reason")
    if code := exit_code(pod):
        return f"ended with code {code}{f' ({why})' if why and why != 'Error' else ''}"
    if code == 0:
        return ""
    return "is being deleted" if meta.get("deletionTimestamp") else f"failed ({why})" if _failed(status) else ""


def _failed(status: JsonObject) -> bool:
    return status.get("phase") == "Failed"


def _state(pod: JsonObject) -> JsonObject:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((one.get("state") or {} for one in statuses if one["name"] == "k6"), {})

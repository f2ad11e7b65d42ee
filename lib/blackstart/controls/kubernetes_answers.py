"""What a Kubernetes API server says of a workload and its pods, read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from blackstart.model.control import State

REPLICAS = "blackstart.dev/replicas"
"""The annotation that says how many pods a workload had before it was stopped."""
NOWHERE = "blackstart.dev/stopped"
"""The label that no node has: while a DaemonSet asks for it, it runs nowhere."""
JsonObject = Mapping[str, Any]


def selector_of(workload: JsonObject) -> str:
    """The label selector of its pods, as kubectl takes it."""
    selector = workload["spec"]["selector"]
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or ():
        key, values = one["key"], f"({','.join(one.get('values') or ())})"
        forms = {"In": f"{key} in {values}", "NotIn": f"{key} notin {values}", "Exists": key, "DoesNotExist": f"!{key}"}
        parts.append(forms[one["operator"]])
    return ",".join(parts)


def wanted(workload: JsonObject) -> int:
    """How many pods it shall have now."""
    spec = workload["spec"]
    if workload.get("kind") == "DaemonSet":
        nodes = (spec["template"]["spec"].get("nodeSelector") or {}).keys()
        return 0 if NOWHERE in nodes else int((workload.get("status") or {}).get("desiredNumberScheduled") or 0)
    return int(spec.get("replicas", 1))  # the API's own default


def count(workload: JsonObject) -> int:
    """How many pods it has when it runs: what it shall have now or, where that is none, had before we stopped it."""
    noted = str((workload["metadata"].get("annotations") or {}).get(REPLICAS, ""))
    return wanted(workload) or (int(noted) if noted.isdecimal() else 0)


def state(workload: JsonObject | None, pods: Sequence[JsonObject]) -> State:
    """The state of a workload with all its pods; what is on its way out is none of it any more."""
    if workload is None:
        return State("absent", detail="it is not there")
    alive = [pod for pod in pods if is_alive(pod)]
    number = wanted(workload)
    if number == 0:
        # A pod that has ended for good (evicted, or of a node that is gone) stays to be looked at.
        left = [pod for pod in pods if _phase(pod) in ("Running", "Pending", "Unknown")]
        noted = (workload["metadata"].get("annotations") or {}).get(REPLICAS)
        detail = f"0 pods wanted{f', {noted} before it was stopped' if noted else ''}"
        return State("stopping", detail=f"{len(left)} pods are ending") if left else State("stopped", detail=detail)
    return _of_pods(alive, number, revives=True)


def state_of_pods(pods: Sequence[JsonObject], number: int) -> State:
    """The state of pods that a selector picks, of which there were `number`."""
    alive = [pod for pod in pods if is_alive(pod)]
    if not pods:
        return State("absent", detail="no pod matches")
    revives = all(pod["spec"].get("restartPolicy", "Always") == "Always" for pod in alive)
    return _of_pods(alive, number, revives)


def container_ids(pods: Iterable[JsonObject]) -> tuple[str, ...]:
    """The ids of the main containers that run, without their runtime's name."""
    found = (main_container(pod) for pod in pods if is_alive(pod))
    return tuple(str(one.get("containerID", "")).rpartition("://")[2] for one in found if _runs(one))


def controller(thing: JsonObject) -> JsonObject:
    """The owner that looks after it (`kind`, `name`, `uid`); empty where it is nobody's."""
    owners = thing["metadata"].get("ownerReferences") or ()
    return next((one for one in owners if one.get("controller")), {})


def _of_pods(alive: Sequence[JsonObject], number: int, revives: bool) -> State:
    mains = [main_container(pod) for pod in alive]
    running = [pod for pod, main in zip(alive, mains, strict=True) if _runs(main)]
    lives = sorted(f"{pod['metadata']['uid']}:{main_container(pod).get('restartCount', 0)}" for pod in running)
    whole = len(running) == number == len(alive)
    ready = sum(map(_ready, alive))
    why = next(filter(None, map(_why_not, alive)), "")
    detail = f"{ready} of {number} pods ready{f' ({why})' if why else ''}"
    status: Any = "running" if whole and ready == number else "starting"
    return State(status, ",".join(lives) if whole else "", revives=revives, detail=detail)


def is_alive(pod: JsonObject) -> bool:
    """Whether it is not on its way out, and has not ended for good."""
    return not pod["metadata"].get("deletionTimestamp") and _phase(pod) not in ("Succeeded", "Failed")


def _phase(pod: JsonObject) -> str:
    return str((pod.get("status") or {}).get("phase", "Unknown"))


def _ready(pod: JsonObject) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def main_container(pod: JsonObject) -> JsonObject:
    """The status of the container that kubectl takes, too, where none is named."""
    first = pod["spec"]["containers"][0]["name"]
    name = (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container", first)
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((one for one in statuses if one["name"] == name), {})


def _runs(container: JsonObject) -> bool:
    return (container.get("state") or {}).get("running") is not None


def _why_not(pod: JsonObject) -> str:
    """Why a pod does not run, in its own word: CrashLoopBackOff, ImagePullBackOff, Unschedulable."""
    status = pod.get("status") or {}
    containers = status.get("containerStatuses") or ()
    waits = [((one.get("state") or {}).get("waiting") or {}).get("reason") for one in containers]
    reasons = [one.get("reason") for one in status.get("conditions") or () if one["status"] == "False"]
    return next(filter(None, (*waits, *(reason for reason in reasons if reason == "Unschedulable"))), "")

"""The one workload that a target means, among what a namespace has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from blackstart.base.errors import BadTarget, did_you_mean
from blackstart.controls.kubernetes_answers import JsonObject, controller, count, selector_of

SCALED = ("deployment", "statefulset")
WORKLOADS = (*SCALED, "daemonset")


class ApiClient(Protocol):
    """What is asked of an API server: what `cluster.api_server.ApiServer` answers."""

    def get(self, kind: str, name: str, namespace: str = "") -> JsonObject | None:
        """One object; None where there is none of that name."""

    def list(self, kind: str, namespace: str, selector: str = "") -> Sequence[JsonObject]:
        """All of a kind that a label selector picks."""


@dataclass(frozen=True)
class Found:
    """A workload with the selector and the number of its pods; or pods that are not all of one, `pod` by a selector."""

    resource: str
    name: str
    selector: str
    pods: int


def meant(api: ApiClient, namespace: str, resource: str, name: str) -> Found:
    """What is there by that name, or what the selector picks. Raises BadTarget with what is near, StepFailed."""
    return _selected(api, namespace, name) if resource == "pod" else _workload(api, namespace, resource, name)


def _workload(api: ApiClient, namespace: str, resource: str, name: str) -> Found:
    found = api.get(resource, name, namespace)
    if found is None:
        names = [one["metadata"]["name"] for one in api.list(resource, namespace)]
        raise BadTarget(f'the namespace {namespace} has no {resource} "{name}".{did_you_mean(name, names)}')
    selector, uid = selector_of(found), found["metadata"]["uid"]
    sets = api.list("replicaset", namespace, selector) if resource == "deployment" else ()
    makers = {uid, *(one["metadata"]["uid"] for one in sets if controller(one).get("uid") == uid)}
    pods = [one["metadata"] | {"of": controller(one).get("uid")} for one in api.list("pod", namespace, selector)]
    strangers = sorted(one["name"] for one in pods if one["of"] not in makers and "deletionTimestamp" not in one)
    if strangers:
        told = f"the {resource} {namespace}/{name} ({selector}) picks pods that are not its own: {', '.join(strangers)}"
        raise BadTarget(f"the selector of {told}")
    return Found(resource, name, selector, count(found))


def _selected(api: ApiClient, namespace: str, selector: str) -> Found:
    """The workload, where the selector picks all of its pods and no others."""
    pods = api.list("pod", namespace, selector)
    if not pods:
        raise BadTarget(f'the namespace {namespace} has no pod that matches "{selector}"')
    maker = _maker(api, namespace, pods)
    resource = str(maker.get("kind", "")).lower()
    if resource in WORKLOADS:
        whole = _workload(api, namespace, resource, str(maker["name"]))
        if len(api.list("pod", namespace, whole.selector)) == len(pods):
            return whole
    return Found("pod", selector, selector, len(pods))


def _maker(api: ApiClient, namespace: str, pods: Sequence[JsonObject]) -> JsonObject:
    """What all the pods are of; empty where that is nothing, or several."""
    owners = [controller(pod) for pod in pods]
    if len({one.get("uid") for one in owners}) != 1:
        return {}
    if owners[0].get("kind") != "ReplicaSet":
        return owners[0]
    found = api.get("replicaset", str(owners[0]["name"]), namespace)
    return controller(found) if found else {}

"""The one workload that is meant: by its name, or by labels that pick all of its pods."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.base.errors import BadTarget
from blackstart.controls.kubernetes_workload import Found, meant
from tests.unit.controls.kubernetes_objects import of, pod, workload

SELECTED = {"app=redis": "redis", "app=other": "other"}


class Namespace:
    """What a namespace holds, asked as the API server is."""

    def __init__(self, **kinds: list[dict[str, Any]]) -> None:
        self._kinds = kinds

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        return next((one for one in self.list(kind, namespace) if one["metadata"]["name"] == name), None)

    def list(self, kind: str, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        found = self._kinds.get(kind, [])
        pairs = dict(pair.split("=") for pair in selector.split(",") if pair)
        return [one for one in found if pairs.items() <= (one["metadata"].get("labels") or {}).items()]


def replica_set(name: str = "redis-1", owner: str = "redis") -> dict[str, Any]:
    meta = {
        "name": name,
        "uid": f"{name}-uid",
        "labels": {"app": "redis"},
        "ownerReferences": [of("Deployment", owner)],
    }
    return {"kind": "ReplicaSet", "metadata": meta}


SHOP = Namespace(deployment=[workload()], replicaset=[replica_set()], pod=[pod("a"), pod("b")])
WHOLE = Found("deployment", "redis", "app=redis", 2)


def test_a_deployment_is_found_with_its_selector_and_its_number_of_pods() -> None:
    assert meant(SHOP, "shop", "deployment", "redis") == WHOLE


def test_labels_that_pick_all_the_pods_of_a_workload_are_that_workload() -> None:
    assert meant(SHOP, "shop", "pod", "app=redis") == WHOLE


def test_labels_that_pick_some_of_them_are_those_pods() -> None:
    one = pod("a")
    one["metadata"]["labels"]["shard"] = "1"
    some = Namespace(deployment=[workload()], replicaset=[replica_set()], pod=[one, pod("b")])
    assert meant(some, "shop", "pod", "shard=1") == Found("pod", "shard=1", "shard=1", 1)


def test_labels_that_pick_the_pods_of_several_or_of_an_operators_own_kind_are_those_pods() -> None:
    for owners in ((of(), of("ReplicaSet", "other-1")), (of("RedisNode", "x"), of("RedisNode", "x"))):
        pods = [pod(str(number), owner=owner) for number, owner in enumerate(owners)]
        assert meant(Namespace(pod=pods), "shop", "pod", "app=redis") == Found("pod", "app=redis", "app=redis", 2)


@pytest.mark.parametrize(
    ("resource", "name", "complaint"),
    [
        ("deployment", "rediss", 'the namespace shop has no deployment "rediss". Did you mean "redis"?'),
        ("statefulset", "redis", 'the namespace shop has no statefulset "redis"'),
        ("pod", "app=nobody", 'the namespace shop has no pod that matches "app=nobody"'),
    ],
)
def test_what_is_not_there_is_refused_with_what_is_near(resource: str, name: str, complaint: str) -> None:
    with pytest.raises(BadTarget) as refusal:
        meant(SHOP, "shop", resource, name)
    assert complaint in str(refusal.value)


def test_a_selector_that_picks_anothers_pods_is_refused_with_their_names() -> None:
    mixed = Namespace(
        deployment=[workload()],
        replicaset=[replica_set()],
        pod=[pod("a"), pod("alien", owner=of("ReplicaSet", "other"))],
    )
    with pytest.raises(BadTarget, match=r"picks pods that are not its own: alien"):
        meant(mixed, "shop", "deployment", "redis")
    mixed.list("pod", "shop")[1]["metadata"]["deletionTimestamp"] = "2026-11-29T07:00:00Z"
    assert meant(mixed, "shop", "deployment", "redis") == WHOLE

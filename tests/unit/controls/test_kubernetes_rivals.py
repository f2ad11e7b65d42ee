"""Who else sets how many pods a workload has: named before it is stopped, with what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.controls.kubernetes_rivals import rivals
from tests.unit.controls.kubernetes_objects import of, workload


def autoscaler(kind: str = "Deployment", name: str = "redis", **limits: int) -> dict[str, Any]:
    spec = {"scaleTargetRef": {"kind": kind, "name": name}, "maxReplicas": 5, **limits}
    return {"metadata": {"name": "busy"}, "spec": spec}


def budget(selector: Any, allowed: int, healthy: int = 2) -> dict[str, Any]:
    status = {"disruptionsAllowed": allowed, "currentHealthy": healthy}
    return {"metadata": {"name": "some"}, "spec": {"selector": selector}, "status": status}


def test_a_workload_that_is_nobodys_has_none() -> None:
    assert rivals(workload(labels={"app.kubernetes.io/managed-by": "Helm"}), [], []) == {}


def test_an_autoscaler_is_named_where_it_aims_at_this_workload() -> None:
    found = rivals(workload(), [autoscaler(minReplicas=2)], [])
    assert list(found) == ["HorizontalPodAutoscaler/busy"] and "(2 to 5)" in found["HorizontalPodAutoscaler/busy"]
    assert not rivals(workload(), [autoscaler(name="other"), autoscaler("StatefulSet")], [])


def test_an_operator_is_named_by_what_owns_the_workload() -> None:
    assert list(rivals(workload(ownerReferences=[of("RedisFailover", "shop")]), [], [])) == ["RedisFailover/shop"]


@pytest.mark.parametrize(
    ("meta", "who"),
    [
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "ArgoCD"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/redis"}}, "ArgoCD"),
        ({"managedFields": [{"manager": "kubectl"}, {"manager": "argocd-controller"}]}, "ArgoCD"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}, "Flux"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}, "Flux"),
        ({"managedFields": [{"manager": "helm-controller"}]}, "Flux"),
        ({"annotations": {"objectset.rio.cattle.io/id": "x"}}, "Fleet"),
        ({"annotations": {"configsync.gke.io/resource-id": "x"}}, "ConfigSync"),
        ({"labels": {"kapp.k14s.io/app": "1"}}, "kapp-controller"),
    ],
)
def test_who_sets_it_back_to_git_is_named_once_with_the_mark(meta: dict[str, Any], who: str) -> None:
    found = rivals(workload(**meta), [], [])
    assert list(found) == [who] and "sets it back to what stands in Git" in found[who]


@pytest.mark.parametrize(
    ("selector", "picked"),
    [
        ({"matchLabels": {"app": "redis"}}, True),
        ({}, True),
        (None, False),
        ({"matchLabels": {"app": "other"}}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["cache"]}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["cache"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_a_budget_is_named_where_it_is_about_these_pods(selector: Any, picked: bool) -> None:
    found = rivals(workload(), [], [budget(selector, 1)])
    assert bool(found) is picked
    if picked:
        assert "lets 1 of its 2 pods be missing" in found["PodDisruptionBudget/some"]


def test_a_budget_that_lets_all_be_missing_forbids_nothing() -> None:
    assert not rivals(workload(), [], [budget({}, 2, healthy=2)])
    assert rivals(workload(), [], [budget({}, 0, healthy=0)])  # nobody has looked yet

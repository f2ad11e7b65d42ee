"""Who else sets how many pods a workload has, or says how many must stay, as the API server shows it."""

from collections.abc import Iterable, Mapping
from typing import Any

from blackstart.controls.kubernetes_answers import JsonObject, controller

# Who sets a workload back to what stands in Git, by how one of its labels or annotations begins, and how to put it off.
_GITOPS = {
    "argocd.argoproj.io/": ("ArgoCD", "argocd app set APP --sync-policy none"),
    "kustomize.toolkit.fluxcd.io/": ("Flux", "flux suspend kustomization NAME"),
    "helm.toolkit.fluxcd.io/": ("Flux", "flux suspend helmrelease NAME"),
    "objectset.rio.cattle.io/": ("Fleet", "pause its bundle"),
    "configsync.gke.io/": ("ConfigSync", "stop its sync"),
    "kapp.k14s.io/app": ("kapp-controller", "set spec.paused of its App"),
}
# The same by who has written its fields: the label that Argo CD sets where it isn't told another is Helm's, too.
_WRITERS = {
    "argocd-controller": "argocd.argoproj.io/",
    "kustomize-controller": "kustomize.toolkit.fluxcd.io/",
    "helm-controller": "helm.toolkit.fluxcd.io/",
}


def rivals(workload: JsonObject, autoscalers: Iterable[JsonObject], budgets: Iterable[JsonObject]) -> dict[str, str]:
    """What would undo a stop, fight its undo or forbids it, by the name that `allow` takes: what it does, and what to
    do about it."""
    return {
        **_owner(workload),
        **_gitops(workload),
        **_autoscalers(workload, autoscalers),
        **_budgets(workload, budgets),
    }


def _owner(workload: JsonObject) -> dict[str, str]:
    owner = controller(workload)
    word = f"{owner.get('kind')}/{owner.get('name')}"
    return {word: "owns it, and its operator sets it back: break it by that one's own means"} if owner else {}


def _gitops(workload: JsonObject) -> dict[str, str]:
    meta = workload["metadata"]
    marks = {mark: f"its mark {mark}" for mark in (*(meta.get("labels") or ()), *(meta.get("annotations") or ()))}
    writers = {one.get("manager") for one in meta.get("managedFields") or ()}
    marks |= {_WRITERS[writer]: f"{writer} writes its fields" for writer in writers if writer in _WRITERS}
    found: dict[str, str] = {}
    for begins, (who, way) in _GITOPS.items():
        for told in [told for mark, told in marks.items() if mark.startswith(begins)]:
            found.setdefault(who, f"sets it back to what stands in Git ({told}): {way}")
    return found


def _autoscalers(workload: JsonObject, autoscalers: Iterable[JsonObject]) -> dict[str, str]:
    found = {}
    for one in autoscalers:
        spec, aims = one["spec"], one["spec"]["scaleTargetRef"]
        if (aims["kind"], aims["name"]) == (workload["kind"], workload["metadata"]["name"]):
            limits = f"{spec.get('minReplicas', 1)} to {spec['maxReplicas']}"
            told = (
                f"sets its number of pods ({limits}), which is then another than the undo brings back: delete it first"
            )
            found[f"HorizontalPodAutoscaler/{one['metadata']['name']}"] = told
    return found


def _budgets(workload: JsonObject, budgets: Iterable[JsonObject]) -> dict[str, str]:
    labels = workload["spec"]["template"]["metadata"].get("labels") or {}
    found = {}
    for one in budgets:
        allowed, healthy = ((one.get("status") or {}).get(key, 0) for key in ("disruptionsAllowed", "currentHealthy"))
        if _picks(one["spec"].get("selector"), labels) and allowed < max(healthy, 1):
            told = f"lets {allowed} of its {healthy} pods be missing, and this takes all of them: break fewer"
            found[f"PodDisruptionBudget/{one['metadata']['name']}"] = told
    return found


def _picks(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector picks what has these labels; an empty one picks everything, none nothing."""
    if selector is None:
        return False
    tests = {
        "In": lambda value, values: value in values,
        "NotIn": lambda value, values: value not in values,
        "Exists": lambda value, values: value is not None,
        "DoesNotExist": lambda value, values: value is None,
    }
    same = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    more = selector.get("matchExpressions") or ()
    return same and all(tests[one["operator"]](labels.get(one["key"]), one.get("values") or ()) for one in more)

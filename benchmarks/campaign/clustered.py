"""A Redis in the tests' Kubernetes: its pods are scaled away, and cut off where Chaos Mesh is built."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import requests
from benchmarks.campaign.observer import Look, pings_redis
from benchmarks.campaign.system import Missing, System, own_experiments

_UP_WITHIN_S = 60.0
_CHAOS = "apis/chaos-mesh.org/v1alpha1/namespaces/shop"


@contextlib.contextmanager
def kubernetes(state: Path) -> Iterator[System]:
    """One pod of a Deployment, found by its name; seen through the API server, and asked at its own address."""
    from tests.cluster.chaos_mesh import ChaosMesh  # noqa: PLC0415  (the cluster's tests look at processes as we do)
    from tests.cluster.cluster import alone  # noqa: PLC0415
    from tests.contract.cluster_manifests import redis_archive  # noqa: PLC0415
    from tests.contract.kubernetes_shop import NAME, Shop, by_names, environment, named, workload  # noqa: PLC0415
    from tests.requirements import missing  # noqa: PLC0415
    from tests.services import eventually  # noqa: PLC0415

    if lacks := missing("kubernetes"):
        raise Missing(lacks)
    meshed = not missing("chaos-mesh")
    with alone() as cluster, Shop(cluster, "shop") as shop, Api.of(cluster.kubeconfig) as api:
        if meshed:
            ChaosMesh(cluster).up()
        cluster.load_image(redis_archive(state))
        shop.apply(workload("Deployment", 1), named())
        looks = [
            Look("redis", partial(_pongs, api), 0.05),
            Look("deployment", partial(_is_whole, api), 0.1),
            *([Look("nothing of Chaos Mesh", partial(_is_unbroken, api), 0.1)] if meshed else []),
        ]
        if not eventually(lambda: all(look.ask() for look in looks), _UP_WITHIN_S):
            raise Missing("no Redis comes up in the cluster")
        target = state / "kubernetes.toml"
        target.write_text(
            f'name = "kubernetes"\nallow = ["{NAME}"]\n[services.redis]\naddress = "{NAME}:6379"\n'
            'control = { deployment = "redis", namespace = "shop" }\n'
        )
        where = [f"{name}={value}" for name, value in environment(cluster.kubeconfig).items()]
        yield System(
            "kubernetes",
            target,
            looks,
            own_experiments("stop_redis", "kill_redis", *(("cut_redis", "drop_redis") if meshed else ())),
            assume_link="1",
            prefix=["env", *where, *by_names(cluster, state)],
            gap_s=0.2,
            undo_s=1.0,
        )


class Api(requests.Session):
    """The API server, asked over kept connections."""

    server = ""

    @classmethod
    def of(cls, kubeconfig: Path) -> Api:
        """As the administrator of a kubeconfig of one context."""
        told, api = json.loads(kubeconfig.read_text()), cls()
        api.trust_env = False  # a bundle of this machine's would go before the cluster's own, a proxy before both
        api.server = told["clusters"][0]["cluster"]["server"]
        api.verify = told["clusters"][0]["cluster"]["certificate-authority"]
        api.headers["Authorization"] = f"Bearer {told['users'][0]['user']['token']}"
        return api

    def items(self, path: str) -> list[dict[str, Any]] | None:
        """What is in a list; None where nobody tells."""
        try:
            answer = self.get(f"{self.server}/{path}", timeout=2)
            return list(answer.json()["items"]) if answer.ok else None
        except (requests.RequestException, ValueError):
            return None


def _pongs(api: Api) -> bool:
    """Whether there is one pod, and it answers."""
    pods = api.items("api/v1/namespaces/shop/pods?labelSelector=app=redis") or []
    address = pods[0]["status"].get("podIP") if len(pods) == 1 else None
    return bool(address and pings_redis(address, 6379))


def _is_whole(api: Api) -> bool:
    """Whether one pod is wanted, and ready, and no number is noted that is still to be brought back."""
    deployments = api.items("apis/apps/v1/namespaces/shop/deployments") or []
    return [
        (
            one["spec"]["replicas"],
            one["status"].get("readyReplicas"),
            "blackstart.dev/replicas" in one["metadata"]["annotations"],
        )
        for one in deployments
    ] == [(1, 1, False)]


def _is_unbroken(api: Api) -> bool:
    """Whether no fault is there, and none is left at a pod."""
    faults, pods = api.items(f"{_CHAOS}/networkchaos"), api.items(f"{_CHAOS}/podnetworkchaos")
    return faults == [] and pods is not None and not any(pod.get("spec") for pod in pods)

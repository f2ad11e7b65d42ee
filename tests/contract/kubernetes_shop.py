"""A namespace of the tests' Kubernetes with workloads in it, and where a drill finds them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from blackstart import controls
from blackstart.controls.kubernetes import Kubernetes
from blackstart.model.target import Service
from tests.cluster import build
from tests.cluster.cluster import Cluster
from tests.contract.cluster_manifests import redis_deployment

NAME = "redis.shop.svc.cluster.local"
"""Whoever is the pod of Redis by now, in the namespace `shop` that has `named()`."""
_NAMED = 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"'


@dataclass(frozen=True)
class Shop:
    """One namespace."""

    cluster: Cluster
    namespace: str

    def __enter__(self) -> Shop:
        self.cluster.kubectl("create", "namespace", self.namespace)
        return self

    def __exit__(self, *_: object) -> None:
        self.cluster.kubectl("delete", "namespace", self.namespace, "--wait=false")

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """As the cluster's administrator."""
        return self.cluster.kubectl(f"--namespace={self.namespace}", *words, stdin=stdin)

    def apply(self, *things: Mapping[str, Any]) -> None:
        """Made, or changed to this."""
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(things)}))

    def add_user(self, kubeconfig: Path, name: str, roles: str) -> None:
        """A user with a context of that name, who has the rights of a page's roles, as YAML; none without any."""
        self.kubectl("create", "serviceaccount", name)
        token = self.kubectl("create", "token", name)
        cluster = self.cluster.kubectl("config", "view", "-o", "jsonpath={.clusters[0].name}")
        configure(self.cluster, kubeconfig, "set-credentials", name, f"--token={token}")
        configure(self.cluster, kubeconfig, "set-context", name, f"--cluster={cluster}", f"--user={name}")
        things = list(yaml.safe_load_all(roles))
        for thing in things:
            thing["metadata"]["name"] += f"-{name}"
            if thing["metadata"]["namespace"] == "shop":
                thing["metadata"]["namespace"] = self.namespace
            for rule in thing.get("rules", ()):
                if rule.get("resourceNames") == ["shop"]:
                    rule["resourceNames"] = [self.namespace]
            if "subjects" in thing:
                thing["subjects"] = [{"kind": "ServiceAccount", "name": name, "namespace": self.namespace}]
                thing["roleRef"]["name"] += f"-{name}"
        if things:
            made = {"apiVersion": "v1", "kind": "List", "items": things}
            self.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(made))

    def of(self, **table: str) -> Kubernetes:
        """A control as a target that describes one gets it."""
        found = controls.of(Service("redis", control={"namespace": self.namespace, **table})).resolve()
        assert isinstance(found, Kubernetes)
        return found

    def pods(self, field: str = "metadata.uid") -> list[str]:
        """A field of each pod of `app=redis`."""
        path = f"jsonpath={{.items[*].{field}}}"
        return sorted(self.kubectl("get", "pods", "--selector=app=redis", "-o", path).split())

    def wanted(self, what: str = "deployment/redis") -> str:
        """How many pods it shall have, and its annotation of how many it had."""
        path = r"jsonpath={.spec.replicas} {.metadata.annotations.blackstart\.dev/replicas}"
        return self.kubectl("get", what, "-o", path).strip()


def named() -> dict[str, Any]:
    """The Service that gives the pods of `app=redis` a name, ready or not."""
    spec = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"app": "redis"}}
    spec["ports"] = [{"port": 6379}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "redis"}, "spec": spec}


def by_names(cluster: Cluster, folder: Path) -> tuple[str, ...]:
    """What a command has in front of it, to find pods by their names, as pods do."""
    names = folder / "resolv.conf"
    names.write_text(f"nameserver {cluster.place.address}\n")
    return ("unshare", "--mount", "sh", "-c", _NAMED, "with names", str(names))


def configure(cluster: Cluster, kubeconfig: Path, *words: str) -> None:
    """`kubectl config` of that file."""
    cluster.kubectl(f"--kubeconfig={kubeconfig}", "config", *words)


def without(roles: str, verb: str) -> str:
    """The roles, as YAML, without the rules that give this verb."""
    things = list(yaml.safe_load_all(roles))
    for thing in things:
        if "rules" in thing:
            thing["rules"] = [rule for rule in thing["rules"] if verb not in rule["verbs"]]
    return yaml.safe_dump_all(things)


def workload(kind: str, replicas: int = 2, **pod: Any) -> dict[str, Any]:
    """A workload `redis` of that kind; `pod` is added to the spec of its pods, `port` is where it listens."""
    made: dict[str, Any] = json.loads(redis_deployment("redis", replicas))
    made["kind"] = kind
    if kind == "DaemonSet":
        del made["spec"]["replicas"]
    if kind == "StatefulSet":
        made["spec"]["podManagementPolicy"] = "Parallel"
    spec = made["spec"]["template"]["spec"]
    if port := pod.pop("port", 0):
        spec["containers"][0] |= {"args": ["--port", str(port)]}
        spec["containers"][0]["readinessProbe"]["tcpSocket"]["port"] = port
    spec |= pod
    return made


def environment(kubeconfig: Path) -> dict[str, str]:
    """Where the tests' kubectl and their cluster are found."""
    return {"KUBECONFIG": str(kubeconfig), "PATH": f"{build.folder()}{os.pathsep}{os.environ['PATH']}"}

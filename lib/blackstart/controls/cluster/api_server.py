"""Asks a cluster's API server, over one connection that is kept: a look takes 18 ms where kubectl takes 170.

What the kubeconfig means (several files, relative paths, the context's user) is left to kubectl, which is asked once:
so what is read here is the cluster that the steps act on.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache, cached_property
from typing import Any, TypeVar

import httpx2
from lightkube import Client
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ApiError, ConfigError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.apps_v1 import DaemonSet, Deployment, ReplicaSet, StatefulSet
from lightkube.resources.autoscaling_v2 import HorizontalPodAutoscaler
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import ConfigMap, Namespace, Pod, Service
from lightkube.resources.discovery_v1 import EndpointSlice
from lightkube.resources.policy_v1 import PodDisruptionBudget

from blackstart.base.errors import BadTarget, StepFailed, StepTimedOut, did_you_mean
from blackstart.controls.kubeconfig import is_local, server_of
from blackstart.controls.steps.local import carry_out, run
from blackstart.controls.steps.outcome import last_line
from blackstart.model.step import Command

_KINDS: dict[str, Any] = {
    "deployment": Deployment, "statefulset": StatefulSet, "daemonset": DaemonSet, "replicaset": ReplicaSet, "pod": Pod,
    "job": Job, "configmap": ConfigMap,
    "endpointslice": EndpointSlice,
    "service": Service, "namespace": Namespace, "autoscaler": HorizontalPodAutoscaler, "budget": PodDisruptionBudget,
}  # fmt: skip
# Chaos Mesh calls many by the same word as one.
_CHAOS = ("NetworkChaos", "StressChaos", "PodChaos", "PodNetworkChaos")
_KINDS |= {
    kind.lower(): create_namespaced_resource("chaos-mesh.org", "v1alpha1", kind, kind.lower()) for kind in _CHAOS
}
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
JsonObject = dict[str, Any]
T = TypeVar("T")


class ApiServer:
    """What one context leads to. All of it comes as the API's own JSON.

    Every method raises StepFailed where the server refuses or can't be reached, StepTimedOut past the limit.
    """

    def __init__(self, settings: JsonObject, timeout_s: float) -> None:
        """`settings` is a kubeconfig of one context. Raises StepFailed for a login that can't be used here."""
        self.context = str(settings["current-context"])
        cluster = settings["clusters"][0]["cluster"]
        self.server = server_of(cluster)
        login: JsonObject = settings["users"][0]["user"] if settings["users"] else {"as": "nobody"}
        if "as" in login:  # kubectl would be another user than we are
            raise StepFailed(f"the context {self.context} acts as {login['as']}: name one with a login of its own")
        self.namespace = str(settings["contexts"][0]["context"].get("namespace") or "default")
        try:
            self._client = Client(
                KubeConfig.from_dict(settings),
                timeout=httpx2.Timeout(timeout_s),
                # kubectl, too, asks no web proxy for what is on this machine.
                trust_env=not is_local(str(cluster.get("server"))),
                proxy=cluster.get("proxy-url") or None,
            )
        except (ConfigError, OSError, ValueError, KeyError, ImportError) as error:  # of SOCKS
            raise StepFailed(f"the context {self.context} can't be used: {error}") from error

    def get(self, kind: str, name: str, namespace: str = "") -> JsonObject | None:
        """One object; None where there is none of that name."""
        return self._asked(
            f"get {kind} {name}", lambda: self._client.get(_KINDS[kind], name, **_within(namespace)).to_dict()
        )

    def list(self, kind: str, namespace: str, selector: str = "") -> list[JsonObject]:
        """All of a kind in a namespace that a label selector picks."""
        # To the client a label without a value is one that is there; a whole selector passes as one.
        labels: dict[str, Any] | None = {selector: None} if selector else None
        found = self._asked(
            f"list {kind} in {namespace}",
            lambda: [one.to_dict() for one in self._client.list(_KINDS[kind], labels=labels, **_within(namespace))],
        )
        return found or []

    @cached_property
    def uid(self) -> str:
        """What tells this cluster from every other: the uid of its namespace kube-system."""
        found = self.get("namespace", "kube-system")
        return str(found["metadata"]["uid"]) if found else ""

    def _asked(self, what: str, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except ApiError as error:
            code = error.response.status_code
            if code == _NOT_FOUND:
                return None
            if code == _UNAUTHORIZED:  # a login that has run out: the next look fetches another
                connect.cache_clear()
            told = f"the API server does not {what}: {error}"
            if code == _FORBIDDEN:
                told = f"a right is missing: {error} (docs/kubernetes.md has a Role with all that are needed)"
            raise StepFailed(f"{self.context}: {told}") from error
        except httpx2.TimeoutException as error:
            raise StepTimedOut(f"{self.context}: {self.server} did not answer in time ({what})") from error
        except (httpx2.HTTPError, ConfigError, OSError) as error:
            raise StepFailed(f"{self.context}: {self.server} can't be asked ({what}): {error}") from error
        except (KeyError, TypeError, ValueError) as error:  # what a proxy on the way answers in its place, too
            told = f"the answer of {self.server} is none of Kubernetes ({what}): {type(error).__name__}: {error}"
            raise StepFailed(f"{self.context}: {told}") from error


@cache
def connect(kubectl: str, kubeconfig: str, context: str, timeout_s: float) -> ApiServer:
    """The API server behind a context; behind the current one where none is named. `kubeconfig` is as in KUBECONFIG.

    Raises BadTarget where there is no such context, StepFailed where the files can't be read or a login can't be used.
    """
    config = Command((kubectl, "config"), env={"KUBECONFIG": kubeconfig})
    named = (f"--context={context}",) if context else ()
    # What it prints has keys in it, and is never shown.
    viewed = run(_with(config, "view", "--raw", "--flatten", "--minify", "-o", "json", *named))
    if viewed.ok:
        try:
            return ApiServer(json.loads(viewed.stdout), timeout_s)
        except ValueError as error:
            raise StepFailed(f"{kubectl} does not show the context {context} as JSON: {error}") from error
    known = carry_out(_with(config, "get-contexts", "-o", "name")).stdout.split()
    if context in known:
        raise StepFailed(f"the context {context} can't be read: {last_line(viewed.stderr)}")
    missing = f'there is no context "{context}"' if context else 'no context is the current one: name it, context = "…"'
    raise BadTarget(f"{missing} (KUBECONFIG={kubeconfig}).{did_you_mean(context, known)}")


def _with(config: Command, *words: str) -> Command:
    return replace(config, argv=(*config.argv, *words))


def _within(namespace: str) -> dict[str, Any]:
    return {"namespace": namespace} if namespace else {}

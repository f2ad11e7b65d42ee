"""A lab in a Kubernetes: what `lab.up NAME --on kubernetes` makes there of its manifests, and where drills find it.

Its pods are on the network of one node, at ports that are free here, and so at an address that is the same before and
after a fault: loopback where the node is this machine, else the node's own, which the target file then allows by name.
"""

import copy
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blackstart_lab import ports
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Layout, Program, Service
from blackstart_lab.workspace import Workspace

MANIFESTS = Path(__file__).parents[2] / "deploy" / "kubernetes"
_LIMIT_S = 60.0
_LOOPBACK = "127.0.0.1"
_ON_THE_PODS_NETWORK = ("Service", "Job")
"""What has nothing to do on a node's network: names of pods, and what looks for one by its name."""
Thing = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A Deployment: where it is reached (host:port), what its target says, and who asks it once its pod is ready."""

    address: str
    target: Mapping[str, Any] = field(default_factory=dict)
    lacks: Callable[[], str | None] | None = None


@dataclass(frozen=True)
class Place:
    """The cluster that was the current one when the lab was laid out, and the one node of it that has the lab."""

    workspace: Workspace
    kubectl: tuple[str, ...]
    node: str
    host: str

    def addresses(self, *names: str) -> dict[str, str]:
        """host:port for each name, no port twice."""
        return {name: f"{self.host}:{port}" for name, port in zip(names, ports.take(len(names)), strict=True)}

    def lay_out(
        self,
        head: Mapping[str, Any],
        parts: Mapping[str, Part],
        told: Mapping[str, str],
        within_s: float,
        files: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Layout:
        """The lab's manifests with a Deployment for each part: `api-2` is one of the manifests' `api`.

        `told` has values of the containers' variables, besides BIND and PORT; `files`, by its name, what a ConfigMap
        has in the place of what its manifest says. Raises NotStarted.
        """
        namespace = self.workspace.outside.name
        things = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}]
        manifests = MANIFESTS / self.workspace.name
        stated = _asked(self.kubectl, "apply", "--dry-run=client", "-o", "json", "-k", str(manifests))
        for thing in json.loads(stated)["items"]:
            things += self._placed(thing, parts, {**told, "BIND": self.host}, files or {})
        manifest = self.workspace.folder / "manifest.json"
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": things}), encoding="utf-8")
        hint = f"{manifests / 'kustomization.yaml'} says what the cluster must have"
        inside = (*self.kubectl, f"--namespace={namespace}")
        control = {"namespace": namespace, "context": _asked(self.kubectl, "config", "current-context")}
        return Layout(
            tuple(self._service(name, part, inside, control) for name, part in parts.items()),
            {**head, **({} if self.host == _LOOPBACK else {"allow": [self.host]})},
            enter=lambda: _enter(inside, manifest, list(parts), hint, within_s),
            leave=((*self.kubectl, "delete", "namespace", namespace, "--ignore-not-found"),),
        )

    def _placed(
        self, thing: Thing, parts: Mapping[str, Part], told: Mapping[str, str], files: Mapping[str, Mapping[str, str]]
    ) -> Iterator[Thing]:
        """What the lab has of a thing of the manifests."""
        of = thing["metadata"]["name"]
        if thing["kind"] in _ON_THE_PODS_NETWORK:
            return
        if thing["kind"] != "Deployment":
            yield {**thing, "metadata": {"name": of}, **({"data": files[of]} if of in files else {})}
            return
        for name in (name for name in parts if re.sub(r"-[0-9]+$", "", name) == of):
            port = parts[name].address.rpartition(":")[2]
            yield self._deployment(thing, name, {**told, "PORT": port})

    def _deployment(self, thing: Thing, name: str, told: Mapping[str, str]) -> Thing:
        """One pod of it, on the node's network, as it is told. The next one has to wait for its port."""
        placed = copy.deepcopy(thing)
        placed["metadata"], labels = {"name": name}, {"app": name}
        placed["spec"] |= {"replicas": 1, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": labels}}
        placed["spec"]["template"]["metadata"]["labels"] = labels
        pod = placed["spec"]["template"]["spec"]
        pod |= {"hostNetwork": True, "nodeSelector": {"kubernetes.io/hostname": self.node}}
        container = pod["containers"][0]
        container["ports"][0]["containerPort"] = int(told["PORT"])
        for probe in (probe for kind, probe in container.items() if kind.endswith("Probe")):
            (probe.get("httpGet") or probe["tcpSocket"])["host"] = self.host
        known = {one["name"]: one["value"] for one in container.get("env", ())}
        values = known | {key: value for key, value in told.items() if key in known}
        container["env"] = [{"name": key, "value": value} for key, value in values.items()]
        return placed

    def _service(self, name: str, part: Part, inside: Sequence[str], control: Mapping[str, str]) -> Service:
        return Service(
            name,
            Program((*inside, "logs", "--follow", "--tail=20", f"--selector=app={name}"), self.workspace.folder),
            part.address,
            part.lacks or (lambda: _unreached(part.address)),
            {**part.target, "control": {"deployment": name, **control}},
        )


def place(workspace: Workspace) -> Place:
    """The current cluster, with a node that takes pods. Raises NotStarted."""
    kubectl = _kubectl(workspace)
    return Place(workspace, kubectl, *_node(kubectl))


def _enter(inside: Sequence[str], manifest: Path, parts: Sequence[str], hint: str, within_s: float) -> None:
    """Make it, and wait until each pod is ready to its node."""
    _asked(inside, "apply", "-f", str(manifest))
    for name in parts:
        try:
            words = ("rollout", "status", f"deployment/{name}", f"--timeout={within_s:g}s")
            _asked(inside, *words, within_s=within_s + _LIMIT_S)
        except NotStarted as late:
            why = "jsonpath={range .items[*]}{.message}{'; '}{end}"
            said = _asked(inside, "get", "events", "--field-selector=type=Warning", "-o", why).rstrip("; ")
            raise NotStarted(f"{name} is not ready on the cluster: {said or late}; {hint}") from late


def _kubectl(workspace: Workspace) -> tuple[str, ...]:
    """kubectl for the cluster that is the current one now, whatever KUBECONFIG names later."""
    kubectl = shutil.which("kubectl")
    if not kubectl:
        raise NotStarted("--on kubernetes needs kubectl on PATH")
    if not MANIFESTS.is_dir():
        raise NotStarted(f"--on kubernetes needs {MANIFESTS}: start it from a clone of the repository")
    mine = workspace.folder / "kubeconfig"
    mine.touch(mode=0o600)
    mine.write_text(_asked((kubectl,), "config", "view", "--minify", "--flatten"), encoding="utf-8")
    return (kubectl, f"--kubeconfig={mine}")


def _node(kubectl: Sequence[str]) -> tuple[str, str]:
    """Name of a node that takes pods, and the address at which it is reached from here."""
    for node in json.loads(_asked(kubectl, "get", "nodes", "-o", "json"))["items"]:
        ready = {"type": "Ready", "status": "True"}.items()
        if any(ready <= one.items() for one in node["status"]["conditions"]) and not node["spec"].get("unschedulable"):
            found = {one["type"]: str(one["address"]) for one in node["status"]["addresses"]}
            address = _LOOPBACK if _is_ours(found["InternalIP"]) else found["InternalIP"]
            return str(node["metadata"]["labels"]["kubernetes.io/hostname"]), address
    raise NotStarted("no node of the cluster is ready to take pods (`kubectl get nodes`)")


def _is_ours(address: str) -> bool:
    """Whether this machine has that address."""
    try:
        with socket.socket() as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _asked(kubectl: Sequence[str], *words: str, within_s: float = _LIMIT_S) -> str:
    try:
        done = subprocess.run([*kubectl, *words], capture_output=True, text=True, timeout=within_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotStarted(f"kubectl could not be asked: {error}") from error
    if done.returncode:
        raise NotStarted(f"kubectl {' '.join(words)} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _unreached(address: str) -> str | None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError as error:
        return f"no way from here to {address}, the node's address ({error})"
    return None

"""The trader in a Kubernetes: what `lab.up trader --on kubernetes` makes there, and where drills find it.

Its pods are on the network of one node, at ports that are free here, and so at an address that is the same before and
after a fault: loopback where the node is this machine, else the node's own, which the target file then allows by name.
"""

import copy
import json
import shutil
import socket
import subprocess
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from blackstart_lab import ports
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Layout, Program, Service
from blackstart_lab.trader import answers
from blackstart_lab.workspace import Workspace

MANIFESTS = Path(__file__).parents[3] / "deploy" / "kubernetes"
_LIMIT_S = 60.0
_LOOPBACK = "127.0.0.1"
_SERVERS = ("redis", "postgres")
Thing = dict[str, Any]


def lay_out(workspace: Workspace, options: Namespace, names: Sequence[str], head: Mapping[str, Any]) -> Layout:
    """`names` are the instances of the app, the first of which is asked. Raises NotStarted."""
    kubectl = _kubectl(workspace)
    node, host = _node(kubectl)
    used = dict(zip((*_SERVERS, *names), ports.take(len(_SERVERS) + len(names)), strict=True))
    where = {name: f"{host}:{port}" for name, port in used.items()}
    namespace = workspace.outside.name
    told = {"BIND": host, "REDIS": where["redis"], "POSTGRES": where["postgres"], "PROFILE": options.profile}
    told["MUTANT"] = options.mutant or ""
    things = [_namespace(namespace)]
    for thing in json.loads(_asked(kubectl, "apply", "--dry-run=client", "-o", "json", "-k", str(MANIFESTS)))["items"]:
        copies = names if thing["metadata"]["name"] == "api" else (thing["metadata"]["name"],)
        things += [_placed(thing, name, node, used[name], told) for name in copies if thing["kind"] != "Service"]
    manifest = workspace.folder / "manifest.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": things}), encoding="utf-8")
    inside = (*kubectl, f"--namespace={namespace}")
    control = {"namespace": namespace, "context": _asked(kubectl, "config", "current-context")}
    more = {"redis": {"dsn": f"redis://{where['redis']}/0"}, "postgres": {"dsn": _dsn(where["postgres"])}}
    services = tuple(
        Service(
            name,
            Program((*inside, "logs", "--follow", "--tail=20", f"--selector=app={name}"), workspace.folder),
            address,
            _lacking(address, [where[each] for each in names]),
            {**more.get(name, {"url": f"http://{address}"}), "control": {"deployment": name, **control}},
        )
        for name, address in where.items()
    )
    return Layout(
        services,
        {**head, "api": f"http://{where[names[0]]}", **({} if host == _LOOPBACK else {"allow": [host]})},
        enter=lambda: _enter(inside, manifest, list(where), options.within_s),
        leave=((*kubectl, "delete", "namespace", namespace, "--ignore-not-found"),),
    )


def _enter(inside: Sequence[str], manifest: Path, names: Sequence[str], within_s: float) -> None:
    """Make it, and wait until each pod is ready to its node."""
    _asked(inside, "apply", "-f", str(manifest))
    for name in names:
        try:
            words = ("rollout", "status", f"deployment/{name}", f"--timeout={within_s:g}s")
            _asked(inside, *words, within_s=within_s + _LIMIT_S)
        except NotStarted as late:
            why = "jsonpath={range .items[*]}{.message}{'; '}{end}"
            said = _asked(inside, "get", "events", "--field-selector=type=Warning", "-o", why).rstrip("; ")
            hint = f"{MANIFESTS / 'kustomization.yaml'} says what the cluster must have"
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


def _namespace(name: str) -> Thing:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _placed(thing: Thing, name: str, node: str, port: int, told: Mapping[str, str]) -> Thing:
    """A thing of the manifests, called `name`; a Deployment's pods on the node's network, as they are told."""
    placed = copy.deepcopy(thing)
    placed["metadata"] = {"name": name}
    if placed["kind"] == "Deployment":
        labels = {"app": name}
        placed["spec"]["selector"]["matchLabels"] = labels
        placed["spec"]["template"]["metadata"]["labels"] = labels
        pod = placed["spec"]["template"]["spec"]
        pod |= {"hostNetwork": True, "nodeSelector": {"kubernetes.io/hostname": node}}
        container = pod["containers"][0]
        container["ports"][0]["containerPort"] = port
        for probe in (probe for kind, probe in container.items() if kind.endswith("Probe")):
            (probe.get("httpGet") or probe["tcpSocket"])["host"] = told["BIND"]
        known = {one["name"]: one["value"] for one in container["env"]}
        values = known | {key: value for key, value in {**told, "PORT": str(port)}.items() if key in known}
        container["env"] = [{"name": key, "value": value} for key, value in values.items()]
    return placed


def _dsn(address: str) -> str:
    return f"postgresql://trader@{address}/trader"


def _asked(kubectl: Sequence[str], *words: str, within_s: float = _LIMIT_S) -> str:
    try:
        done = subprocess.run([*kubectl, *words], capture_output=True, text=True, timeout=within_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotStarted(f"kubectl could not be asked: {error}") from error
    if done.returncode:
        raise NotStarted(f"kubectl {' '.join(words)} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _lacking(address: str, apps: Sequence[str]) -> Callable[[], str | None]:
    """Its pods are ready to their node: it must be reached from here, too, and one of the apps lead."""
    if address not in apps:
        return lambda: _unreached(address)
    return (lambda: answers.lacks_leader(apps)) if address == apps[0] else (lambda: answers.lacks_health(address))


def _unreached(address: str) -> str | None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError as error:
        return f"no way from here to {address}, the node's address ({error})"
    return None

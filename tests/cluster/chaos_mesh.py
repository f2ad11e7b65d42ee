"""Chaos Mesh in a cluster of tests: its controller as a process beside it, its daemon in a pod, its webhooks.

The daemon's image has its programs and none of the system's: it sees the machine's own (iptables, ipset, tc).
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import archive, build, settings
from tests.cluster.cluster import Cluster
from tests.services import eventually, free_port

HOME = "chaos-mesh"
_HERE = Path(__file__).resolve().parent
_IMAGE = "blackstart-test/chaos-daemon:1"
_SCRIPTS = {"nsexec": "nsexec.sh", "pause": "wait_for_cont.sh", "memStress": "mem_stress.py"}
_SYSTEM = ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/etc/alternatives")
_ADMITTED = ("networkchaos", "stresschaos", "podchaos")
_LABELS = {"app.kubernetes.io/component": "chaos-daemon"}
_NAMES = "subjectAltName=DNS:chaos-daemon.chaos-mesh.org,IP:127.0.0.1"
_KEYS = {"name": "keys", "secret": {"secretName": "keys"}}
_UP_WITHIN_S = 60.0


@dataclass
class ChaosMesh:
    """In that cluster, with which it ends. `controller` is its process, while there is one; by its `env` it is known as
    the one of whoever made this."""

    cluster: Cluster
    controller: subprocess.Popen[bytes] | None = None
    ports: dict[str, int] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @property
    def folder(self) -> Path:
        """Where its keys are."""
        return self.cluster.folder / "chaos-mesh"

    def up(self) -> None:
        """Bring it up: the cluster takes its resources, and it can carry them out. Its programs are built before."""
        assert not build.lacking(build.CHAOS_MESH), "python -m tests.cluster build-chaos-mesh"
        self.folder.mkdir(mode=0o700)
        self.ports = {name: free_port() for name in ("webhooks", "metrics")}
        _ran("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=chaos-mesh", "-days", "2",
             "-addext", _NAMES, "-keyout", str(self._key), "-out", str(self._certificate))  # fmt: skip
        self.cluster.load_image(archive.write(self.folder / "daemon.tar", _IMAGE, archive.packed(_daemon_root)))
        kinds = [yaml.safe_load(path.read_text()) for path in sorted((build.folder() / build.CRDS).glob("*.yaml"))]
        self._apply(*map(_whole, kinds))
        self._apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
        self._apply(self._secret(), _service(), _daemon_set())
        self.start_controller()
        self._apply(self._webhooks("Mutating", "mutate"), self._webhooks("Validating", "validate"))
        assert eventually(self.works, _UP_WITHIN_S), self.said()

    def start_controller(self) -> None:
        """As after a crash: its work is where it was."""
        env = settings.environment(self.cluster.folder, self.env) | {
            "KUBECONFIG": str(self.cluster.kubeconfig), "NAMESPACE": HOME, "ENABLE_LEADER_ELECTION": "false",
            "WEBHOOK_HOST": "127.0.0.1", "WEBHOOK_PORT": str(self.ports["webhooks"]), "CERTS_DIR": str(self.folder),
            "METRICS_HOST": "127.0.0.1", "METRICS_PORT": str(self.ports["metrics"]),
            "CHAOS_MESH_CA_CERT": str(self._certificate), "CHAOS_DAEMON_CLIENT_CERT": str(self._certificate),
            "CHAOS_DAEMON_CLIENT_KEY": str(self._key), "POD_FAILURE_PAUSE_IMAGE": f"docker.io/{settings.PAUSE}",
        }  # fmt: skip
        with self._log.open("ab") as log:
            self.controller = subprocess.Popen(
                [str(build.folder() / "chaos-controller-manager")], env=env, cwd=self.folder, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def kill_controller(self) -> None:
        """SIGKILL: what it had in hand stays as it is."""
        assert self.controller is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.controller.pid, signal.SIGKILL)
        self.controller.wait(timeout=10)

    @contextlib.contextmanager
    def without_daemon(self) -> Iterator[None]:
        """On no node, until the end."""
        where = "/spec/template/spec/nodeSelector"
        self._patch({"op": "add", "path": where, "value": {"there": "is-none"}})
        try:
            assert eventually(lambda: not self._asked("get", "pods", "-o", "name"), _UP_WITHIN_S)
            yield
        finally:
            self._patch({"op": "remove", "path": where})
            assert eventually(self.works, _UP_WITHIN_S), self.said()

    def _patch(self, step: dict[str, Any]) -> None:
        words = ("patch", "daemonset/chaos-daemon", "--type=json", "--patch", json.dumps([step]))
        self.cluster.kubectl(f"--namespace={HOME}", *words)

    def said(self) -> str:
        """The last words of controller and daemon."""
        daemon = self.cluster.kubectl(f"--namespace={HOME}", "logs", "daemonset/chaos-daemon", "--tail=40", check=False)
        pods = self.cluster.kubectl(f"--namespace={HOME}", "get", "pods,endpointslices", check=False)
        return "\n".join((self._log.read_text()[-6000:], pods, daemon))

    def works(self) -> bool:
        """Its webhooks answer, and its daemon is ready on the node."""
        chaos = {
            "apiVersion": "chaos-mesh.org/v1alpha1", "kind": "PodChaos",
            "metadata": {"name": "try", "namespace": HOME},
            "spec": {"action": "pod-kill", "mode": "all", "selector": {"namespaces": [HOME]}},
        }  # fmt: skip
        said = self.cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(chaos), check=False)
        ready = "jsonpath={.status.numberReady}"
        return "created" in said and self._asked("get", "daemonset/chaos-daemon", "-o", ready) == "1"

    def _asked(self, *words: str) -> str:
        return self.cluster.kubectl(f"--namespace={HOME}", *words, check=False)

    def _apply(self, *things: dict[str, Any]) -> None:
        told = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(things)})
        self.cluster.kubectl("apply", "--server-side", "-f", "-", stdin=told)

    @property
    def _key(self) -> Path:
        return self.folder / "tls.key"

    @property
    def _certificate(self) -> Path:
        """Of both ends, and who signs for them."""
        return self.folder / "tls.crt"

    @property
    def _log(self) -> Path:
        return self.cluster.folder / "log" / "chaos-controller-manager.log"

    def _secret(self) -> dict[str, Any]:
        parts = {"ca.crt": self._certificate, "tls.crt": self._certificate, "tls.key": self._key}
        data = {name: base64.b64encode(path.read_bytes()).decode() for name, path in parts.items()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": HOME}, "data": data}

    def _webhooks(self, kind: str, path: str) -> dict[str, Any]:
        asked = [self._webhook(f"{path}-{one}", f"{path}-chaos-mesh-org-v1alpha1-{one}", one) for one in _ADMITTED]
        if path == "validate":  # and what it wants of who asks
            asked.append(self._webhook("validate-auth", "validate-auth", *_ADMITTED))
        api, about = "admissionregistration.k8s.io/v1", {"name": HOME}
        return {"apiVersion": api, "kind": f"{kind}WebhookConfiguration", "metadata": about, "webhooks": asked}

    def _webhook(self, name: str, path: str, *resources: str) -> dict[str, Any]:
        signed_by = base64.b64encode(self._certificate.read_bytes()).decode()
        rule = {"apiGroups": ["chaos-mesh.org"], "apiVersions": ["v1alpha1"], "operations": ["CREATE", "UPDATE"]}
        return {
            "name": f"{name}.chaos.test", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail", "timeoutSeconds": 5, "rules": [rule | {"resources": list(resources)}],
            "clientConfig": {"url": f"https://127.0.0.1:{self.ports['webhooks']}/{path}", "caBundle": signed_by},
        }  # fmt: skip


def _whole(kind: dict[str, Any]) -> dict[str, Any]:
    """A kind as published, with what the newer API that the controller is built with writes into it."""
    if kind["spec"]["names"]["kind"] == "NetworkChaos":
        for version in kind["spec"]["versions"]:
            spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
            spec["properties"]["partitionBehavior"] = {"type": "string", "enum": ["drop", "reject"], "default": "drop"}
    return kind


def _daemon_root(tar: tarfile.TarFile) -> None:
    tar.add(build.folder() / "chaos-daemon", "usr/local/bin/chaos-daemon")
    for name, file in _SCRIPTS.items():
        entry = tar.gettarinfo(_HERE / file, f"usr/local/bin/{name}")
        entry.mode = 0o755
        with (_HERE / file).open("rb") as source:
            tar.addfile(entry, source)
    for name in ("bin", "sbin", "lib", "lib64"):
        link = tarfile.TarInfo(name)
        link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
        tar.addfile(link)
    for name in ("tmp", "run"):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(entry)


def _service() -> dict[str, Any]:
    """Headless: by its slices the controller finds the daemon of a node."""
    spec = {"clusterIP": "None", "selector": _LABELS, "ports": [{"name": "grpc", "port": 31767}]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "chaos-daemon", "namespace": HOME},
        "spec": spec,
    }


def _daemon_set() -> dict[str, Any]:
    keys = "/etc/chaos-daemon/cert"
    paths = {**{path: path for path in _SYSTEM}, "/host-run": "/run/containerd", **_groups()}
    volumes = [{"name": f"host-{number}", "hostPath": {"path": path}} for number, path in enumerate(paths.values())]
    mounts = [{"name": f"host-{number}", "mountPath": path} for number, path in enumerate(paths)]
    container = {
        "name": "chaos-daemon", "image": _IMAGE, "imagePullPolicy": "Never",
        "command": ["/usr/local/bin/chaos-daemon", "--runtime=containerd",
                    "--runtime-socket-path=/host-run/containerd.sock", f"--ca={keys}/ca.crt", f"--cert={keys}/tls.crt",
                    f"--key={keys}/tls.key"],
        "env": [{"name": "PATH", "value": "/usr/local/bin:/usr/sbin:/usr/bin"}],
        "securityContext": {"privileged": True}, "volumeMounts": [*mounts, {"name": "keys", "mountPath": keys}],
        "ports": [{"name": "grpc", "containerPort": 31767}],
        "readinessProbe": {"tcpSocket": {"port": 31767}, "periodSeconds": 1},
    }  # fmt: skip
    pod = {"hostPID": True, "containers": [container], "volumes": [*volumes, _KEYS], "terminationGracePeriodSeconds": 2}
    spec = {"selector": {"matchLabels": _LABELS}, "template": {"metadata": {"labels": _LABELS}, "spec": pod}}
    about = {"name": "chaos-daemon", "namespace": HOME, "labels": _LABELS}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": about, "spec": spec}


def _groups() -> dict[str, str]:
    """The machine's control groups, where the daemon looks for them. Of version 1 each that there is, alone: a folder
    that is none would be taken for one that every process is in."""
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.controllers").exists():
        return {"/host-sys": "/sys"}
    there = [path for path in top.iterdir() if (path / "cgroup.procs").exists() and path.name != "unified"]
    return {f"/host-sys/fs/cgroup/{path.name}": str(path) for path in there}


def _ran(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=60)

"""The settings of a cluster's programs, as the files and the command lines that they read."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import build
from tests.cluster.place import Place

NODE = "node1"
_DOMAIN = "cluster.local"
PAUSE = "blackstart-test/pause:1"
FIRST = ("etcd", "containerd", "kube-apiserver")
"""What is started at once."""
THEN = ("kube-controller-manager", "kube-scheduler", "kubelet", "coredns")
"""What asks the API server for work, and would wait ever longer for one that is not ready yet."""

_TUNED = {"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1"}
_TUNED |= {"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000"}
"""The kubelet sets these of the whole machine, to these values, for good. It is shown that they are set."""


@dataclass(frozen=True)
class Settings:
    """Of the cluster in `folder`. `ports` by what listens there: etcd, etcd-peers, kube-apiserver, kubelet, streams."""

    folder: Path
    place: Place
    ports: dict[str, int]
    token: str

    def write(self) -> None:
        """All files. What a program keeps is in a folder of its name; what it says is in log/."""
        for name in ("log", "lib", "lib-work", "tuned", "cni", "kubelet", "containerd", "kube-apiserver"):
            (self.folder / name).mkdir(mode=0o700)
        self._file("hosts", f"127.0.0.1 localhost {NODE}\n::1 localhost\n")
        self._file("tokens.csv", f"{self.token},admin,admin,system:masters\n")
        self._file("kubeconfig", json.dumps(self._kubeconfig()))
        self._file("kubelet.json", json.dumps(self._kubelet()))
        self._file("cni/10-bridge.conflist", json.dumps(self._network()))
        self._file("Corefile", self._names())
        self._file("containerd.toml", self._containerd())
        self._file("inside.sh", self._inside())
        self._file("supervisord.conf", self._supervisord())

    def _file(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)

    def _kubeconfig(self) -> dict[str, Any]:
        name = self.place.group
        server = {"server": f"https://127.0.0.1:{self.ports['kube-apiserver']}"}
        server["certificate-authority"] = str(self.folder / "kube-apiserver" / "apiserver.crt")
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": server}],
            "users": [{"name": "admin", "user": {"token": self.token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "admin"}}],
            "current-context": name,
        }

    def _kubelet(self) -> dict[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": "127.0.0.1",
            "port": self.ports["kubelet"],
            "healthzPort": 0,
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.place.group}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "enforceNodeAllocatable": [],
            "evictionHard": {},
            "imageGCHighThresholdPercent": 100,
            "makeIPTablesUtilChains": False,
            "resolvConf": "",
            "clusterDNS": [self.place.address],
            "clusterDomain": _DOMAIN,
        }

    def _network(self) -> dict[str, Any]:
        addresses = {"type": "host-local", "ranges": [[{"subnet": f"{self.place.subnet}.0/24"}]]}
        bridge = {"type": "bridge", "bridge": self.place.bridge, "isGateway": False, "ipMasq": False}
        # No route out of the pods' network: nothing that a pod sends leaves this machine.
        plugins = [{**bridge, "ipam": {**addresses, "dataDir": str(self.folder / "lib" / "addresses")}}]
        return {"cniVersion": "0.4.0", "name": "pods", "plugins": plugins}

    def _names(self) -> str:
        """Services by name, which must be headless, as there is no kube-proxy. A name is asked for each time."""
        seen = f"kubernetes {_DOMAIN} {{\nkubeconfig {self.folder}/kubeconfig\nttl 0\n}}"
        return f".:53 {{\nbind {self.place.address}\nerrors\n{seen}\n}}\n"

    def _containerd(self) -> str:
        # Without restrict_oom_score_adj runc ends with "can't get final child's PID" where scores may not be lowered.
        return f"""version = 2
root = "{self.folder}/containerd"
state = "/run/containerd"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "docker.io/{PAUSE}"
restrict_oom_score_adj = true
stream_server_port = "{self.ports["streams"]}"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{self.folder}/cni"
"""

    def _inside(self) -> str:
        """What the first process does: whatever the programs leave at paths that can't be set is the cluster's own."""
        at = shlex.quote(str(self.folder))
        lines = ["set -e", f"cd {at}", "mount -t tmpfs tmpfs /run", "mkdir /run/netns"]
        lines += ["mount -t overlay -o lowerdir=/var/lib,upperdir=lib,workdir=lib-work overlay /var/lib"]
        # The kubelet's sockets need a short path.
        lines += ["mkdir -p /var/lib/kubelet", "mount --bind kubelet /var/lib/kubelet"]
        lines += ["mount --bind log /var/log", "mount --bind hosts /etc/hosts"]
        for key, value in _TUNED.items():
            held = f"tuned/{key.replace('/', '.')}"
            lines += [f"echo {value} >{held}", f"mount --bind {held} /proc/sys/{key}"]
        supervisor = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", "supervisord.conf"]
        return "\n".join([*lines, f"exec {shlex.join(supervisor)}", ""])

    def _supervisord(self) -> str:
        """supervisord starts the programs again that end, and reaps what others leave to the first process."""
        at = self.folder
        sections = [
            f"""[supervisord]
logfile={at}/log/supervisord.log
pidfile={at}/supervisord.pid
user=root
[unix_http_server]
file={at}/s.sock
chmod=0700
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{at}/s.sock"""
        ]
        for name, argv in self.programs().items():
            sections.append(f"""[program:{name}]
command={shlex.join(argv)}
directory={at}
autostart={str(name in FIRST).lower()}
autorestart=true
startsecs=0
redirect_stderr=true
stdout_logfile={at}/log/{name}.log""")
        return "\n".join([*sections, ""])

    def programs(self) -> dict[str, list[str]]:
        """Command lines by name."""
        built, kubeconfig = build.folder(), str(self.folder / "kubeconfig")
        etcd, peers = (f"http://127.0.0.1:{self.ports[name]}" for name in ("etcd", "etcd-peers"))
        api = str(self.folder / "kube-apiserver")
        key = f"{api}/accounts.key"
        return {
            # In memory: a cluster of tests need not outlive its machine, and a disk that is busy would hold it up.
            "etcd": _argv(
                "/usr/bin/etcd",
                data_dir="/run/etcd",
                listen_client_urls=etcd,
                advertise_client_urls=etcd,
                listen_peer_urls=peers,
                initial_advertise_peer_urls=peers,
                initial_cluster=f"default={peers}",
            ),
            "containerd": ["/usr/bin/containerd", "--config", str(self.folder / "containerd.toml")],
            "kube-apiserver": _argv(
                built / "kube-apiserver",
                etcd_servers=etcd,
                bind_address="127.0.0.1",
                secure_port=self.ports["kube-apiserver"],
                cert_dir=api,
                token_auth_file=self.folder / "tokens.csv",
                service_account_key_file=key,
                service_account_signing_key_file=key,
                service_account_issuer="https://kubernetes.default.svc",
                authorization_mode="RBAC",
                service_cluster_ip_range="10.63.0.0/24",
                allow_privileged="true",
                kubelet_preferred_address_types="Hostname",
            ),
            "kube-controller-manager": _argv(
                built / "kube-controller-manager",
                kubeconfig=kubeconfig,
                secure_port=0,
                leader_elect="false",
                service_account_private_key_file=key,
                root_ca_file=f"{api}/apiserver.crt",
            ),
            "kube-scheduler": _argv(
                built / "kube-scheduler", kubeconfig=kubeconfig, secure_port=0, leader_elect="false"
            ),
            "coredns": [str(built / "coredns"), "-conf", str(self.folder / "Corefile")],
            "kubelet": _argv(
                built / "kubelet",
                config=self.folder / "kubelet.json",
                kubeconfig=kubeconfig,
                hostname_override=NODE,
                node_ip=self.place.address,
            ),
        }


def environment(folder: Path, env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a cluster's processes are told by: each inherits it, whoever started it."""
    return {**env, "BLACKSTART_CLUSTER": str(folder)}


def _argv(program: str | Path, **flags: object) -> list[str]:
    return [str(program), *(f"--{key.replace('_', '-')}={value}" for key, value in flags.items())]

"""The tests' own Kubernetes is a real one, comes up in seconds, and leaves nothing, also where its maker is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.cluster.cluster import Cluster, NotReady
from tests.contract.cluster_manifests import redis_archive, redis_deployment
from tests.environment import ROOT
from tests.requirements import require
from tests.services import eventually, free_port, pings

pytestmark = pytest.mark.kubernetes
MACHINE = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys")
"""What a kubelet sets of a whole machine."""


@pytest.fixture(scope="module")
def running(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The cluster with a Deployment `redis` of two pods that are Ready."""
    cluster.load_image(redis_archive(tmp_path_factory.mktemp("images")))
    cluster.kubectl("apply", "-f", "-", stdin=redis_deployment("redis", replicas=2))
    cluster.kubectl("rollout", "status", "deployment/redis", "--timeout=60s")
    return cluster


@contextlib.contextmanager
def forwarded(cluster: Cluster, pod: str) -> Iterator[redis.Redis]:
    """A client of that pod's Redis, through the API server."""
    port = free_port()
    words = cluster.kubectl_line("port-forward", f"pod/{pod}", f"{port}:6379")
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as forward:
        try:
            assert eventually(lambda: pings(port), 30)
            with redis.Redis(host="127.0.0.1", port=port, socket_timeout=5) as client:
                yield client
        finally:
            forward.terminate()


def pods(cluster: Cluster, field: str = "metadata.name") -> list[str]:
    """A field of each pod of the Deployment."""
    path = f"jsonpath={{.items[*].{field}}}"
    return cluster.kubectl("get", "pods", "-l", "app=redis", "-o", path).split()


def test_logs_and_exec_reach_a_pod(running: Cluster) -> None:
    one = pods(running)[0]
    assert "Ready to accept connections" in running.kubectl("logs", one)
    assert "v=" in running.kubectl("exec", one, "--", "/usr/bin/redis-server", "--version")


def test_pods_reach_each_other_by_name_and_a_client_reaches_them_by_port_forward(running: Cluster) -> None:
    leader, follower = pods(running)
    running.kubectl("label", "pod", leader, "leads=yes")
    running.kubectl("create", "service", "clusterip", "leader", "--clusterip=None")
    running.kubectl("set", "selector", "service", "leader", "leads=yes")
    with forwarded(running, leader) as first, forwarded(running, follower) as second:
        second.replicaof("leader", 6379)
        first.set("written", "here")
        assert eventually(lambda: second.get("written") == b"here", 30), second.info("replication")
        second.replicaof("NO", "ONE")


def test_scale_to_0_ends_the_pods_and_scale_back_makes_new_ones_ready(running: Cluster) -> None:
    before = set(pods(running, "metadata.uid"))
    running.kubectl("scale", "deployment/redis", "--replicas=0")
    assert eventually(lambda: pods(running) == [], 60)
    running.kubectl("scale", "deployment/redis", "--replicas=2")
    running.kubectl("rollout", "status", "deployment/redis", "--timeout=60s")
    assert len(pods(running)) == 2 and not before.intersection(pods(running, "metadata.uid"))


def machine() -> list[str]:
    """What a cluster could change for everybody."""
    return [*(Path(f"/proc/sys/{key}").read_text() for key in MACHINE), Path("/etc/hosts").read_text()]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Cluster]:
    """One that is not up, for a test alone."""
    require("kubernetes")
    one = Cluster(tmp_path / "k8s")
    yield one
    one.down()


def ends_without_a_trace(cluster: Cluster) -> None:
    cluster.down()
    assert cluster.left() == [] and not cluster.folder.exists()
    assert str(cluster.folder) not in Path("/proc/self/mounts").read_text()


def test_down_leaves_nothing_on_the_machine(own: Cluster, tmp_path: Path) -> None:
    before = machine()
    own.up()
    assert machine() == before and str(own.folder) not in Path("/proc/self/mounts").read_text()
    own.load_image(redis_archive(tmp_path))
    own.kubectl("apply", "-f", "-", stdin=redis_deployment("redis"))
    own.kubectl("rollout", "status", "deployment/redis", "--timeout=60s")
    held = [path.read_text().split() for path in Path("/sys/fs/cgroup").glob(f"**/{own.place.group}/**/cgroup.procs")]
    containers = {pid for pids in held for pid in pids}
    links = [path.name for path in Path(f"/sys/class/net/{own.place.bridge}/brif").iterdir()]
    assert len(containers) >= 2 and len(links) == 1 and len(own.left()) > 8

    ends_without_a_trace(own)
    assert machine() == before
    assert [pid for pid in containers if Path(f"/proc/{pid}").exists()] == []
    assert [name for name in links if Path(f"/sys/class/net/{name}").exists()] == []


@pytest.mark.parametrize("so_far", ["the bridge is there", "etcd runs", "the kubelet runs"])
def test_up_that_is_killed_halfway_is_cleared_away_by_down(own: Cluster, so_far: str) -> None:
    words = {
        "the bridge is there": f"bridge {own.place.bridge}",
        "etcd runs": "/etcd ",
        "the kubelet runs": "/kubelet ",
    }
    argv = [sys.executable, "-m", "tests.cluster", "up", str(own.folder)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL) as maker:
        try:
            assert eventually(lambda: any(words[so_far] in f"{found} " for found in own.left()), 60), own.left()
        finally:
            os.kill(maker.pid, signal.SIGKILL)
    ends_without_a_trace(own)


def test_down_waits_for_a_child_of_a_killed_maker_that_has_not_begun_its_program(own: Cluster) -> None:
    own.folder.mkdir()
    marker = own.folder / "a-cluster-of-tests"
    child = f"exec 9>{marker}; flock 9; echo held; sleep 1; BLACKSTART_CLUSTER={own.folder} exec sleep 600"
    with subprocess.Popen(["sh", "-c", child], stdout=subprocess.PIPE) as late:
        assert late.stdout is not None and late.stdout.readline() == b"held\n"
        own.down()
        assert late.wait(10) == -signal.SIGKILL and not own.folder.exists()


def test_a_cluster_whose_first_process_is_killed_ends_and_comes_up_again(own: Cluster) -> None:
    own.up()
    first = next(int(found.split()[0]) for found in own.left() if found.split()[1] == "unshare")
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: not any("/kubelet " in found for found in own.left()), 30), own.left()
    own.up()
    assert own.kubectl("get", "nodes", "-o", "name") == "node/node1"
    ends_without_a_trace(own)


def test_a_folder_with_other_files_is_left_alone(own: Cluster) -> None:
    own.folder.mkdir()
    (own.folder / "mine").touch()
    for does in (own.up, own.down):
        with pytest.raises(NotReady, match="something else"):
            does()
    assert os.listdir(own.folder) == ["mine"]
    (own.folder / "mine").unlink()

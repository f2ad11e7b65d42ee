"""`lab.up trader --on kubernetes`: the manifests' trader in a real cluster, and nothing of it after `lab.down`."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from blackstart_lab.trader import mutants
from tests import machine_lock
from tests.cluster import build
from tests.cluster.cluster import Cluster
from tests.docker_engine import docker
from tests.environment import ROOT
from tests.lab.campaign import QUICK_WAIT
from tests.lab.drills import Drill, drill, ledger
from tests.lab.lab_driver import LabDriver, eventually
from tests.requirements import require

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes]
IMAGES = [f"blackstart-lab/{name}:local" for name in ("python", "redis", "postgres")]


@pytest.fixture(scope="module")
def images(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The cluster with the images of this machine's programs."""
    require("docker", "redis-cli")
    packed = tmp_path_factory.mktemp("images") / "images.tar"
    with machine_lock.held("gateway-images"):
        there = docker("images", "-q", "--filter", "reference=blackstart-lab/*:local")
        building = [sys.executable, str(ROOT / "deploy" / "build_images.py")]
        built = subprocess.run(building, capture_output=True, text=True, timeout=300, check=False)
        assert built.returncode == 0, built.stderr
        docker("save", "-o", str(packed), *IMAGES)
        if not there:
            docker("rmi", *docker("images", "-q", "--filter", "reference=blackstart-lab/*:local").split())
    cluster.load_image(packed)
    return cluster


@pytest.fixture
def lab(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabDriver]:
    """A lab that is not up, where KUBECONFIG names the cluster."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("PATH", f"{build.folder()}{os.pathsep}{os.environ['PATH']}")
    driver = LabDriver(tmp_path / "state")
    yield driver
    driver.command("down")


@pytest.fixture
def volume(cluster: Cluster) -> Iterator[None]:
    """What PostgreSQL's claim can have."""
    name = f"volume-{uuid.uuid4().hex[:8]}"
    cluster.add_volume(name)
    yield
    cluster.kubectl("delete", "persistentvolume", name, "--wait=false")


def namespaces(cluster: Cluster) -> set[str]:
    return set(cluster.kubectl("get", "namespaces", "-o", "name").split())


def status(url: str) -> int:
    """What it answers; 0 where nobody does."""
    try:
        return requests.get(url, timeout=5).status_code
    except requests.RequestException:
        return 0


def test_a_redis_at_0_pods_stops_the_trading_until_it_is_back_and_down_leaves_nothing(
    images: Cluster, volume: None, lab: LabDriver
) -> None:
    before = namespaces(images)
    target: dict[str, Any] = lab.up("--on", "kubernetes").target
    control = target["services"]["redis"]["control"]
    inside = f"--namespace={control['namespace']}"
    assert control == {
        "deployment": "redis",
        "namespace": control["namespace"],
        "context": images.kubectl("config", "current-context"),
    }
    assert status(f"{target['api']}/ready") == 200 and target["api"].startswith("http://127.0.0.1:")
    assert "Ready to accept connections" in lab.command("logs", "trader", "redis").stdout

    images.kubectl(inside, "scale", "deployment/redis", "--replicas=0")
    eventually(lambda: status(f"{target['api']}/ready") == 503, within_s=30)
    assert status(f"{target['api']}/health") == 200
    images.kubectl(inside, "scale", "deployment/redis", "--replicas=1")
    eventually(lambda: status(f"{target['api']}/ready") == 200, within_s=60)

    down = lab.command("down")
    assert down.returncode == 0, down.stderr
    assert namespaces(images) == before and not lab.folder.exists()


def drilled(lab: LabDriver, task: str, reports: Path, **more: str) -> Drill:
    """A drill on the lab that is up; the ledger has nothing open afterwards."""
    done = drill(task, lab.state, reports, within_s=240, KUBECONFIG=os.environ["KUBECONFIG"], **more)
    assert ledger(lab.state) == [], done.output
    return done


@pytest.mark.timeout(900)
def test_the_three_drills_hold(images: Cluster, volume: None, lab: LabDriver, tmp_path: Path) -> None:
    lab.up("--on", "kubernetes")
    for task, broken in (("leader-lock", "redis"), ("postgres-blip", "postgres"), ("rate-limit-spike", "")):
        done = drilled(lab, f"chaos.{task}", tmp_path / task)
        assert (done.code, done.log[-1]) == (0, "test_result,PASS"), done.output
        assert [event["service"] for event in done.record.of("linked")] == ([broken] if broken else [])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["ready-lies", "keeps-trading", "never-reacquires"])
def test_a_defect_is_caught_by_the_expectations_that_it_names(
    images: Cluster, volume: None, lab: LabDriver, tmp_path: Path, name: str
) -> None:
    mutant = mutants.load(name)
    lab.up("--on", "kubernetes", "--mutant", name)
    done = drilled(lab, f"chaos.{mutant.experiment}", tmp_path / "reports", WAIT_READY_TIMEOUT=QUICK_WAIT["quick"])
    assert done.code == 20, done.output
    assert set(mutant.must_fail) <= done.failed() <= {*mutant.must_fail, *mutant.may_fail}


def test_of_two_instances_the_other_takes_over_when_the_leader_is_gone(
    images: Cluster, volume: None, lab: LabDriver
) -> None:
    services = lab.up("--on", "kubernetes", "--instances", "2").target["services"]
    ready = {name: f"{services[name]['url']}/ready" for name in ("api", "api-2")}
    eventually(lambda: sorted(map(status, ready.values())) == [200, 503], within_s=30)
    leads, waits = sorted(ready, key=lambda name: status(ready[name]))
    images.kubectl(
        f"--namespace={services[leads]['control']['namespace']}", "scale", f"deployment/{leads}", "--replicas=0"
    )
    eventually(lambda: status(ready[waits]) == 200, within_s=60)


def test_a_cluster_without_a_volume_is_refused_with_the_reason_and_left_as_it_was(
    images: Cluster, lab: LabDriver
) -> None:
    before = namespaces(images)
    refused = lab.command("up", "trader", "--on", "kubernetes", "--within-s", "8")
    assert refused.returncode == 40 and refused.stderr.startswith("Not started:")
    assert "unbound immediate PersistentVolumeClaims" in refused.stderr and "kustomization.yaml" in refused.stderr
    assert namespaces(images) == before and not lab.folder.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--broker",), "--broker is for a lab on this machine"),
        (("--orders-per-s", "20"), "--orders-per-s is for a lab on this machine"),
    ],
)
def test_what_the_manifests_cannot_be_told_is_refused(lab: LabDriver, words: tuple[str, ...], said: str) -> None:
    refused = lab.command("up", "trader", "--on", "kubernetes", *words)
    assert refused.returncode == 40 and said in refused.stderr


def test_without_kubectl_the_lab_says_what_it_needs(lab: LabDriver, tmp_path: Path) -> None:
    refused = lab.command("up", "trader", "--on", "kubernetes", PATH=str(tmp_path))
    assert refused.returncode == 40 and "needs kubectl on PATH" in refused.stderr


def test_the_manifests_are_applied_by_kubectl_alone(images: Cluster, volume: None) -> None:
    """As deploy/kubernetes/kustomization.yaml says it: on the pods' own network, by the names of Services."""
    images.kubectl("create", "namespace", "trader")
    try:
        images.kubectl("apply", "-n", "trader", "-k", str(ROOT / "deploy" / "kubernetes"))
        images.kubectl("-n", "trader", "rollout", "status", "deployment/api", "--timeout=60s")
        pod = images.kubectl("-n", "trader", "get", "pod", "-l", "app=api", "-o", "jsonpath={.items[0].status.podIP}")
        eventually(lambda: status(f"http://{pod}:8000/ready") == 200, within_s=30)
    finally:
        images.kubectl("delete", "namespace", "trader")

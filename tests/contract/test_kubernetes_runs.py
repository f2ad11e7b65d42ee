"""Whole runs on a real cluster: what is refused beforehand leaves nothing, and whoever dies, the pods come back."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.errors import EXIT_HELD, EXIT_REFUSED, Refused
from blackstart.faults import _chaos_mesh
from blackstart.faults.stop import Stop
from tests.cluster.cluster import Cluster
from tests.contract.cluster_manifests import redis_archive
from tests.contract.kubernetes_shop import Shop, configure, environment, without, workload
from tests.contract.network_runs import ROOT, NetworkRun
from tests.docs.pages import blocks
from tests.services import eventually, free_port

pytestmark = pytest.mark.kubernetes
DRILL = Path(__file__).with_name("kubernetes_drill.py")
WITHIN_S = 60.0
ARGO = {"argocd.argoproj.io/instance": "shop"}


@pytest.fixture(scope="module")
def kubeconfig(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cluster's own, to which users are added."""
    return Path(shutil.copy(cluster.kubeconfig, tmp_path_factory.mktemp("kubeconfig")))


@pytest.fixture(scope="module")
def shop(cluster: Cluster, kubeconfig: Path) -> Iterator[Shop]:
    """A namespace `shop` with users who have the rights of our page, less than those, and none."""
    cluster.load_image(redis_archive(kubeconfig.parent))
    with Shop(cluster, "shop") as one:
        page, *_ = blocks(ROOT / "docs" / "kubernetes.md", "yaml")
        users = {"drills": page, "reader": without(page, "update"), "nobody": ""}
        for user, roles in users.items():
            one.add_user(kubeconfig, user, roles)
        yield one


@pytest.fixture(autouse=True)
def redis(shop: Shop, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pods, ready, of a Deployment that is nobody else's."""
    for name, value in environment(kubeconfig).items():
        monkeypatch.setenv(name, value)
    shop.apply(workload("Deployment"))
    assert eventually(lambda: shop.of(deployment="redis").read_state().status == "running", WITHIN_S)


def run(shop: Shop, folder: Path, allow: str = "", hold_s: float = 0.5, **table: str) -> NetworkRun:
    control = {"deployment": "redis", "namespace": shop.namespace, **table}
    control = {"pod": control.pop("pod")} | control if "pod" in control else control
    target = {"max_rate_hz": 10.0, "services": {"redis": {"control": control}}}
    return NetworkRun(folder, Stop("redis"), target, hold_s, allow, drill=DRILL)


def seen(shop: Shop) -> tuple[str, list[str]]:
    """What a run could have touched: any write to the Deployment, and its pods."""
    return shop.kubectl("get", "deployment/redis", "-o", "jsonpath={.metadata.resourceVersion}"), shop.pods()


def refused(shop: Shop, folder: Path, **more: str) -> str:
    """What is said of a run that was refused, and touched and left nothing."""
    before = seen(shop)
    refusing = run(shop, folder, **more)
    code = refusing.end()
    assert code == EXIT_REFUSED, refusing.text
    assert seen(shop) == before and not list(refusing.reports.glob("*/HEAL.sh"))
    return refusing.text


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"context": "nowhere"}, 'there is no context "nowhere"'),
        ({"namespace": "shpo"}, 'has no namespace "shpo". Did you mean "shop"?'),
        ({"deployment": "rediss"}, 'the namespace shop has no deployment "rediss". Did you mean "redis"?'),
        ({"context": "nobody"}, "a right is missing: namespaces "),
        ({"context": "reader"}, "auth can-i update deployments.apps/redis --subresource=scale"),
    ],
    ids=["context", "namespace", "deployment", "no right at all", "no right to scale"],
)
def test_what_is_not_there_or_not_allowed_is_refused_by_name(
    shop: Shop, tmp_path: Path, table: dict[str, str], reason: str
) -> None:
    assert reason in " ".join(refused(shop, tmp_path, **table).split())


def autoscaled(shop: Shop) -> dict[str, Any]:
    aim = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "redis"}
    spec = {"scaleTargetRef": aim, "minReplicas": 2, "maxReplicas": 4}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"}, "spec": spec}


def budgeted(shop: Shop) -> dict[str, Any]:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "redis"}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": spec}


def labelled(shop: Shop) -> dict[str, Any]:
    made = workload("Deployment")
    made["metadata"]["labels"] = ARGO
    return made


def owned(shop: Shop) -> dict[str, Any]:
    shop.kubectl("create", "configmap", "owner")
    uid = shop.kubectl("get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}")
    made = workload("Deployment")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid, "controller": True}
    made["metadata"]["ownerReferences"] = [owner]
    return made


@pytest.mark.parametrize(
    ("rival", "word"),
    [
        (autoscaled, "HorizontalPodAutoscaler/a"),
        (budgeted, "PodDisruptionBudget/b"),
        (labelled, "ArgoCD"),
        (owned, "ConfigMap/owner"),
    ],
    ids=["autoscaler", "budget", "GitOps", "operator"],
)
def test_what_else_sets_the_number_of_pods_is_refused_unless_it_is_allowed(
    shop: Shop, tmp_path: Path, rival: Callable[[Shop], dict[str, Any]], word: str
) -> None:
    shop.apply(rival(shop))
    try:
        assert f"--allow {word}" in " ".join(refused(shop, tmp_path).split())
        allowed = run(shop, tmp_path, allow=word)
        assert allowed.end() == EXIT_HELD, allowed.text
    finally:
        for one in ("hpa/a", "pdb/b", "deployment/redis", "configmap/owner"):
            shop.kubectl("delete", one, "--ignore-not-found", "--cascade=foreground")


def test_the_rights_of_our_page_are_enough(shop: Shop, tmp_path: Path) -> None:
    before = shop.pods()
    held = run(shop, tmp_path, context="drills")
    assert held.end() == EXIT_HELD, held.text
    assert shop.wanted() == "2" and not set(before) & set(shop.pods())


def test_an_api_server_that_is_not_on_this_machine_must_be_allowed_by_name(
    shop: Shop, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster, port = shop.cluster, free_port()
    host = cluster.place.address
    words = ("proxy", f"--address={host}", f"--port={port}", "--accept-hosts=.*")
    with subprocess.Popen(cluster.kubectl_line(*words), stdout=subprocess.DEVNULL) as beyond:
        try:
            ready = (f"--server=http://{host}:{port}", "get", "--raw=/readyz")
            assert eventually(lambda: cluster.kubectl(*ready, check=False) == "ok", 20)
            configure(cluster, kubeconfig, "set-cluster", "beyond", f"--server=http://{host}:{port}")
            configure(cluster, kubeconfig, "set-context", "beyond", "--cluster=beyond", "--user=drills")
            told = refused(shop, tmp_path, context="beyond")
            assert f"redis is controlled on another machine (http://{host}:{port})" in " ".join(told.split())
            allowed = run(shop, tmp_path, allow=host, context="beyond")
            assert allowed.end() == EXIT_HELD, allowed.text
        finally:
            beyond.terminate()


def test_chaos_mesh_is_missing_only_where_the_cluster_says_so(shop: Shop, kubeconfig: Path) -> None:
    configure(shop.cluster, kubeconfig, "set-credentials", "stranger", "--token=nobodys")
    leads = f"--cluster={shop.cluster.place.group}"
    configure(shop.cluster, kubeconfig, "set-context", "stranger", leads, "--user=stranger")
    place = shop.of(deployment="redis").place
    assert not _chaos_mesh.serves(place)
    with pytest.raises(Refused, match="whether stranger has Chaos Mesh can't be seen: (.|\n)*Unauthorized"):
        _chaos_mesh.serves(replace(place, context="stranger"))


# ---------------------------------------------------------------- whoever dies


def stopped(shop: Shop, folder: Path) -> NetworkRun:
    """A run whose fault has taken all pods away."""
    one = run(shop, folder, hold_s=50.0)
    one.wait_for("the fault bites")
    assert shop.wanted() == "0 2" and shop.pods() == []
    return one


def are_back(shop: Shop) -> bool:
    return shop.wanted() == "2" and shop.of(deployment="redis").read_state().status == "running"


def test_the_guardian_of_a_killed_run_brings_the_pods_back(shop: Shop, tmp_path: Path) -> None:
    one = stopped(shop, tmp_path)
    one.kill()
    assert one.guardian_gone(WITHIN_S) and are_back(shop)


@pytest.mark.parametrize("way", ["chaos.heal", "HEAL.sh"])
def test_where_its_guardian_dies_too_either_way_of_mending_brings_them_back(
    shop: Shop, kubeconfig: Path, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stopped(shop, tmp_path)
    one.orphan()
    assert shop.wanted() == "0 2"
    monkeypatch.delenv("KUBECONFIG")  # by another shell
    one.mend(way)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    assert eventually(lambda: are_back(shop), WITHIN_S)

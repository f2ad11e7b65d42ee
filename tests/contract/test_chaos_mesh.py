"""Faults by a real Chaos Mesh: they bite and are undone, whoever dies, and what can't be is refused beforehand."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.errors import EXIT_HELD
from blackstart.faults.bandwidth import Bandwidth
from blackstart.faults.cpu_stress import CpuStress
from blackstart.faults.cut import Cut
from blackstart.faults.drop import Drop
from blackstart.faults.memory_stress import MemoryStress
from blackstart.model.change import Fault
from tests.cluster.chaos_mesh import ChaosMesh
from tests.cluster.cluster import Cluster
from tests.contract.cluster_manifests import redis_archive
from tests.contract.kubernetes_shop import Shop, environment, without, workload
from tests.contract.network_runs import ROOT, NetworkRun
from tests.docs.pages import blocks
from tests.requirements import require
from tests.services import eventually

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]
WITHIN_S = 90.0
FAULTS: tuple[Fault, ...] = (
    Drop("redis"), Cut("redis"), Bandwidth("redis", 100), CpuStress("redis", 0.3), MemoryStress("redis", mb=128)
)  # fmt: skip
KINDS = "networkchaos,stresschaos,podchaos,podnetworkchaos"


@pytest.fixture(scope="module")
def mesh(cluster: Cluster) -> ChaosMesh:
    """In the cluster of this file's tests."""
    require("chaos-mesh")
    one = ChaosMesh(cluster)
    one.up()
    return one


@pytest.fixture(scope="module")
def kubeconfig(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cluster's own, to which users are added."""
    return Path(shutil.copy(cluster.kubeconfig, tmp_path_factory.mktemp("kubeconfig")))


@pytest.fixture(scope="module")
def shop(mesh: ChaosMesh, kubeconfig: Path) -> Iterator[Shop]:
    """A namespace `shop` with users who have the rights of our page, and less than those."""
    mesh.cluster.load_image(redis_archive(kubeconfig.parent))
    with Shop(mesh.cluster, "shop") as one:
        drill, _, chaos_mesh = blocks(ROOT / "docs" / "kubernetes.md", "yaml")
        page = f"{drill}---\n{chaos_mesh}"
        for user, roles in {"drills": page, "reader": without(page, "create")}.items():
            one.add_user(kubeconfig, user, roles)
        yield one


@pytest.fixture(autouse=True)
def redis(shop: Shop, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pod, ready."""
    for name, value in environment(kubeconfig).items():
        monkeypatch.setenv(name, value)
    shop.apply(workload("Deployment", 1))
    assert eventually(lambda: shop.of(deployment="redis").facts().status == "running", WITHIN_S)


def run(shop: Shop, folder: Path, fault: Fault, hold_s: float = 0.5, allow: str = "", **table: str) -> NetworkRun:
    (address,) = shop.pods("status.podIP")
    control = {"deployment": "redis", "namespace": shop.namespace, **table}
    service = {"address": f"{address}:6379", "dsn": f"redis://{address}:6379", "control": control}
    return NetworkRun(folder, fault, {"max_rate_hz": 10.0, "services": {"redis": service}}, hold_s, allow)


def chaos(shop: Shop) -> str:
    """What there is of Chaos Mesh in the namespace."""
    return shop.kubectl("get", KINDS, "-o", "name").strip()


def spoilt(shop: Shop) -> str:
    """The network chaos that is set at the pods, none where nothing is."""
    path = "jsonpath={range .items[*]}{.spec}{end}"
    return shop.kubectl("get", "podnetworkchaos", "-o", path).replace("{}", "")


def is_whole(shop: Shop) -> bool:
    return not shop.kubectl("get", "networkchaos,stresschaos,podchaos", "-o", "name") and not spoilt(shop)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_it_bites_and_is_undone(shop: Shop, tmp_path: Path, fault: Fault) -> None:
    before = shop.pods()
    held = run(shop, tmp_path, fault, context="drills")
    assert held.end() == EXIT_HELD, held.text
    assert is_whole(shop) and shop.pods() == before

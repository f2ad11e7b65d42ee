"""Faults by a real Chaos Mesh: they bite and are undone, whoever dies, and what can't be is refused beforehand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.errors import EXIT_HELD, EXIT_INCONCLUSIVE, EXIT_NOT_RESTORED, EXIT_REFUSED
from blackstart.controls.kubernetes_chaos import INJECTED, RECOVERED, stage
from blackstart.faults.bandwidth import Bandwidth
from blackstart.faults.cpu_stress import CpuStress
from blackstart.faults.cut import Cut
from blackstart.faults.drop import Drop
from blackstart.faults.kill import Kill
from blackstart.faults.latency import Latency
from blackstart.faults.memory_stress import MemoryStress
from blackstart.model.change import Fault
from blackstart.model.schedule import At
from tests.cluster.chaos_mesh import ChaosMesh
from tests.cluster.cluster import Cluster
from tests.contract.cluster_manifests import redis_archive
from tests.contract.kubernetes_shop import NAME, Shop, by_names, environment, named, workload
from tests.contract.network_runs import ROOT, NetworkRun
from tests.docs.pages import blocks
from tests.requirements import require
from tests.services import carry_out, eventually

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]
WITHIN_S = 90.0
FAULTS: tuple[Fault, ...] = (
    Drop("redis"), Cut("redis"), Bandwidth("redis", 100), CpuStress("redis", 0.3), MemoryStress("redis", mb=128)
)  # fmt: skip


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
        for user, roles in {
            "drills": page,
            "reader": page.replace("[create, get, list, delete]", "[get, list]"),
        }.items():
            one.add_user(kubeconfig, user, roles)
        one.apply(named())
        yield one


@pytest.fixture(autouse=True)
def redis(shop: Shop, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pod, ready."""
    for name, value in environment(kubeconfig).items():
        monkeypatch.setenv(name, value)
    shop.apply(workload("Deployment", 1))
    assert eventually(lambda: shop.of(deployment="redis").read_state().status == "running", WITHIN_S)


def run(
    shop: Shop, folder: Path, fault: Fault, hold_s: float = 0.5, allow: str = "", host: str = NAME, **table: str
) -> NetworkRun:
    """A run that finds Redis by its name, as pods do."""
    control = {**({} if "pod" in table else {"deployment": "redis"}), "namespace": shop.namespace, **table}
    service = {"address": f"{host}:6379", "dsn": f"redis://{host}:6379", "control": control}
    allowed = ",".join(filter(None, (host, allow)))
    target = {"max_rate_hz": 10.0, "services": {"redis": service}}
    return NetworkRun(folder, fault, target, hold_s, allowed, by_names(shop.cluster, folder))


def chaos(shop: Shop) -> list[dict[str, Any]]:
    """The resources of Chaos Mesh that stand for faults."""
    found = shop.kubectl("get", "networkchaos,stresschaos,podchaos", "-o", "json")
    return list(json.loads(found)["items"])


def kubectl_name(resource: dict[str, Any]) -> str:
    """As kubectl takes it."""
    return f"{resource['kind']}/{resource['metadata']['name']}".lower()


def is_whole(shop: Shop) -> bool:
    """Whether nothing is left of any fault, in the cluster or at a pod."""
    specs = shop.kubectl("get", "podnetworkchaos", "-o", "jsonpath={.items[*].spec}")
    return not chaos(shop) and not specs.replace("{}", "").split()


def injected(shop: Shop, folder: Path, hold_s: float = 50.0) -> NetworkRun:
    """A run whose fault has cut the pod off."""
    one = run(shop, folder, Drop("redis"), hold_s)
    one.wait_for("the fault bites")
    assert len(chaos(shop)) == 1
    return one


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_it_bites_and_is_undone_with_the_rights_of_our_page(shop: Shop, tmp_path: Path, fault: Fault) -> None:
    before = shop.pods()
    held = run(shop, tmp_path, fault, context="drills")
    assert held.end() == EXIT_HELD, held.text
    assert is_whole(shop) and shop.pods() == before


def test_one_pod_of_several_is_killed_and_is_the_same_one_afterwards(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.apply(workload("Deployment", 2))
    assert eventually(lambda: shop.of(deployment="redis").read_state().status == "running", WITHIN_S)
    before = shop.pods()
    name = shop.pods("metadata.name")[0]
    shop.kubectl("label", "pod", name, "track=canary")
    host = shop.kubectl("get", "pod", name, "-o", "jsonpath={.status.podIP}")
    monkeypatch.setenv("NETWORK_UNDO", "90")  # the kubelet waits before it starts a container again
    killed = run(shop, tmp_path, Kill("redis"), host=host, pod="track=canary", context="drills")
    assert killed.end(3 * WITHIN_S) == EXIT_HELD, killed.text
    assert is_whole(shop) and shop.pods() == before


# ---------------------------------------------------------------- refused


def refused(shop: Shop, folder: Path, fault: Fault, **more: str) -> str:
    """What is said of a run that was refused, and made nothing."""
    refusing = run(shop, folder, fault, **more)
    assert refusing.end() == EXIT_REFUSED, refusing.text
    assert chaos(shop) == [] and not list(refusing.reports.glob("*/HEAL.sh"))
    return " ".join(refusing.text.split())


def test_a_delay_that_no_kernel_here_can_make_is_refused(shop: Shop, tmp_path: Path) -> None:
    told = refused(shop, tmp_path, Latency("redis", 500))
    assert "the kernel of node1, where redis runs, has no netem" in told and "--allow netem" in told


def test_a_right_that_is_missing_is_named(shop: Shop, tmp_path: Path) -> None:
    assert "auth can-i create networkchaos.chaos-mesh.org" in refused(shop, tmp_path, Drop("redis"), context="reader")


def test_a_node_without_a_daemon_is_refused(shop: Shop, mesh: ChaosMesh, tmp_path: Path) -> None:
    with mesh.without_daemon():
        assert "pods of redis run on node1, where no daemon of Chaos Mesh is ready" in refused(
            shop, tmp_path, Drop("redis")
        )


def test_webhooks_that_are_down_refuse_it(shop: Shop, mesh: ChaosMesh, tmp_path: Path) -> None:
    mesh.kill_controller()
    try:
        assert "failed calling webhook" in refused(shop, tmp_path, Drop("redis"))
    finally:
        mesh.start_controller()
        assert eventually(mesh.works, WITHIN_S)


def test_what_somebody_else_breaks_already_is_refused(shop: Shop, tmp_path: Path) -> None:
    shop.apply(chaos_of("StressChaos", "theirs", stressors={"cpu": {"workers": 1, "load": 10}}))
    try:
        assert eventually(lambda: said(shop, "stresschaos/theirs") == "injected", WITHIN_S)
        refusing = run(shop, tmp_path, CpuStress("redis", 0.3))
        assert refusing.end() == EXIT_REFUSED
    finally:
        shop.kubectl("delete", "stresschaos", "theirs")
    assert "redis is broken by Chaos Mesh already (theirs)" in " ".join(refusing.text.split())
    assert is_whole(shop)


def test_a_pod_that_nothing_would_make_anew_is_refused(shop: Shop, tmp_path: Path) -> None:
    lone = workload("Deployment")["spec"]["template"]
    shop.apply({"apiVersion": "v1", "kind": "Pod", **lone, "metadata": {"name": "lone", "labels": {"app": "lone"}}})
    try:
        shop.kubectl("wait", "pod/lone", "--for=condition=Ready", "--timeout=60s")
        host = shop.kubectl("get", "pod", "lone", "-o", "jsonpath={.status.podIP}")
        told = refused(shop, tmp_path, Drop("redis"), host=host, pod="app=lone")
    finally:
        shop.kubectl("delete", "pod", "lone")
    assert "nothing would bring lone back" in told


# ---------------------------------------------------------------- what goes wrong


def test_a_delay_that_fails_all_the_same_is_mended_and_nothing_is_left(shop: Shop, tmp_path: Path) -> None:
    before = shop.pods()
    failed = run(shop, tmp_path, Latency("redis", 500), allow="netem")
    assert failed.end(3 * WITHIN_S) == EXIT_INCONCLUSIVE, failed.text
    assert "unable to set tcs" in failed.text
    assert is_whole(shop) and not set(shop.pods()) & set(before)


def test_a_pod_that_is_replaced_meanwhile_ends_the_run_inconclusive(shop: Shop, tmp_path: Path) -> None:
    one = injected(shop, tmp_path)
    shop.kubectl("delete", "pods", "--selector=app=redis", "--wait=false")
    assert one.end() == EXIT_INCONCLUSIVE, one.text
    assert "redis_networkchaos is replaced" in one.text and is_whole(shop)


def test_a_container_that_starts_anew_ends_the_stress_and_the_run_is_inconclusive(shop: Shop, tmp_path: Path) -> None:
    one = run(shop, tmp_path, CpuStress("redis", 0.3), hold_s=8.0)
    one.wait_for("the fault bites")
    control = shop.of(deployment="redis")
    carry_out(control.crash(control.read_state(), "KILL"))
    assert one.end() == EXIT_INCONCLUSIVE, one.text
    assert "ended by somebody else: redis_stress_cores was 0" in " ".join(one.text.split()) and is_whole(shop)


def chaos_of(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    spec |= {"mode": "all", "selector": {"namespaces": ["shop"], "labelSelectors": {"app": "redis"}}}
    return {"apiVersion": "chaos-mesh.org/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def said(shop: Shop, what: str) -> str:
    told = shop.kubectl("get", what, "-o", "json", "--ignore-not-found")
    pods = json.loads(shop.kubectl("get", "pods", "--selector=app=redis", "-o", "json"))["items"]
    return stage(json.loads(told) if told else None, pods, ())[0]


# ---------------------------------------------------------------- whoever dies


def test_a_fault_whose_run_and_guardian_are_dead_ends_by_itself(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETWORK_UNDO", "2")
    one = run(shop, tmp_path, At(Drop("redis"), 0, 8))
    assert eventually(lambda: [said(shop, kubectl_name(made)) for made in chaos(shop)] == [INJECTED], WITHIN_S)
    one.orphan()
    (left,) = chaos(shop)
    assert left["spec"]["duration"] == "40s"  # the hold, the time limit of an undo, and 30 s
    assert eventually(lambda: said(shop, kubectl_name(left)) == RECOVERED, WITHIN_S)
    assert shop.kubectl("get", "podnetworkchaos", "-o", "jsonpath={.items[*].spec}") == "{}"
    one.mend("chaos.heal")
    assert is_whole(shop)


def test_the_guardian_of_a_killed_run_takes_the_fault_back(shop: Shop, tmp_path: Path) -> None:
    one = injected(shop, tmp_path)
    one.kill()
    assert one.guardian_gone(WITHIN_S) and is_whole(shop)


@pytest.mark.parametrize("way", ["chaos.heal", "HEAL.sh"])
def test_where_its_guardian_dies_too_either_way_of_mending_takes_it_back(
    shop: Shop, kubeconfig: Path, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = injected(shop, tmp_path)
    one.orphan()
    assert len(chaos(shop)) == 1
    monkeypatch.delenv("KUBECONFIG")  # by another shell
    one.mend(way)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    assert eventually(lambda: is_whole(shop), WITHIN_S)


def test_without_a_controller_it_is_not_restored_and_mended_when_that_is_back(
    shop: Shop, mesh: ChaosMesh, tmp_path: Path
) -> None:
    one = injected(shop, tmp_path, hold_s=1.0)
    mesh.kill_controller()
    try:
        code = one.end(3 * WITHIN_S)
    finally:
        mesh.start_controller()
        assert eventually(mesh.works, WITHIN_S)
    assert code == EXIT_NOT_RESTORED, one.text
    assert "do its controller and its daemons run?" in one.text
    one.mend("chaos.heal")
    assert is_whole(shop)

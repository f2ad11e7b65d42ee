"""`lab.up NAME --on kubernetes`: the manifests' systems in a real cluster, and nothing of them after `lab.down`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from blackstart.base.errors import EXIT_REFUSED
from tests.cluster.cluster import Cluster
from tests.contract.kubernetes_shop import environment
from tests.environment import ROOT
from tests.lab.campaign import complaint, run_mutant
from tests.lab.drills import Drill, drill, ledger
from tests.lab.lab_driver import LabDriver, eventually
from tests.lab.labs import SALE, TRADER, Lab
from tests.lab.on_kubernetes import load_images, volumes
from tests.lab.sale_driver import SaleDriver
from tests.requirements import require

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.kafka]
REFUSED = (
    ("postgres-blip", ("--freeze",), "Kubernetes freezes no container"),
    ("partition", (), "In the lab on this machine: invoke lab.up trader --broker"),
    ("partition", ("--drop",), "partition --drop would cut off our own look at redis, too"),
    ("token-expiry", (), "token-expiry needs a broker"),
    ("resource-stress", (), "must say how much, and lacks stress_cpu_load, stress_memory_mb"),
)


@pytest.fixture(scope="module")
def images(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The cluster with the images of this machine's programs."""
    require(*SALE.in_cluster.needs)
    load_images(cluster, SALE.in_cluster.images, tmp_path_factory.mktemp("images"))
    return cluster


@pytest.fixture
def current(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """KUBECONFIG names the cluster."""
    for name, value in environment(cluster.kubeconfig).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def lab(current: None, tmp_path: Path) -> Iterator[LabDriver]:
    """A trader that is not up."""
    driver = LabDriver(tmp_path / "state")
    yield driver
    driver.command("down")


@pytest.fixture
def sale(current: None, cluster: Cluster, tmp_path: Path) -> Iterator[SaleDriver]:
    """A flash sale that is not up, whose three claims can be met."""
    driver = SaleDriver(tmp_path / "state")
    with volumes(cluster, SALE.in_cluster.volumes):
        yield driver
        driver.command("down")


@pytest.fixture
def volume(cluster: Cluster) -> Iterator[None]:
    """What PostgreSQL's claim can have."""
    with volumes(cluster, TRADER.in_cluster.volumes):
        yield


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


def drilled(lab: LabDriver, task: str, reports: Path, *options: str) -> Drill:
    """A drill on the lab that is up; the ledger has nothing open afterwards."""
    done = drill(task, lab.state, reports, *options, within_s=240)
    assert ledger(lab.state) == [], done.output
    return done


def caught(lab: Lab, name: str, folder: Path) -> str:
    """What is wrong with a run of that mutant; "" where it is caught as its file says."""
    here = lab.on_kubernetes()
    mutant = here.wanted(name)
    done = run_mutant(mutant, folder / "state", folder / "reports", lab=here)
    return complaint(mutant, done, folder / "state")


@pytest.mark.timeout(900)
def test_the_three_drills_hold(images: Cluster, volume: None, lab: LabDriver, tmp_path: Path) -> None:
    lab.up("--on", "kubernetes")
    broken = {"leader-lock": ["redis"], "postgres-blip": ["postgres"], "rate-limit-spike": []}
    for task in TRADER.in_cluster.drills:
        done = drilled(lab, f"chaos.{task}", tmp_path / task)
        assert (done.code, done.log[-1]) == (0, "test_result,PASS"), done.output
        assert [event["service"] for event in done.record.of("linked")] == broken[task]


def test_a_drill_that_takes_what_a_cluster_has_not_is_refused(
    images: Cluster, volume: None, lab: LabDriver, tmp_path: Path
) -> None:
    """As the table of our page says."""
    lab.up("--on", "kubernetes")
    for name, options, why in REFUSED:
        refused = drilled(lab, f"chaos.{name}", tmp_path / "refused", *options)
        assert refused.code == EXIT_REFUSED and why in " ".join(refused.output.split()), refused.output


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TRADER.in_cluster.mutants)
def test_a_defect_is_caught_by_the_expectations_that_it_names(
    images: Cluster, volume: None, current: None, tmp_path: Path, name: str
) -> None:
    assert caught(TRADER, name, tmp_path) == ""


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
        ("trader --broker", "--broker is for a lab on this machine"),
        ("trader --orders-per-s 20", "--orders-per-s is for a lab on this machine"),
        ("flash-sale --brokers 2", "--brokers is for a lab on this machine"),
        ("flash-sale --without-restart", "--without-restart is for a lab on this machine"),
        ("flash-sale --mutant no-restart", "Kubernetes starts again whatever ends"),
        ("flash-sale --mutant zombie-worker", "a new pod remembers nothing"),
    ],
)
def test_what_the_manifests_cannot_be_told_is_refused(lab: LabDriver, words: str, said: str) -> None:
    refused = lab.command("up", *words.split(), "--on", "kubernetes")
    assert refused.returncode == 40 and said in refused.stderr


def test_without_kubectl_the_lab_says_what_it_needs(lab: LabDriver, tmp_path: Path) -> None:
    refused = lab.command("up", "trader", "--on", "kubernetes", PATH=str(tmp_path))
    assert refused.returncode == 40 and "needs kubectl on PATH" in refused.stderr


def test_the_manifests_are_applied_by_kubectl_alone(images: Cluster, volume: None) -> None:
    """As their kustomization.yaml says it: on the pods' own network, by the names of Services."""
    images.kubectl("create", "namespace", "trader")
    try:
        images.kubectl("apply", "-n", "trader", "-k", str(ROOT / "deploy" / "kubernetes" / "trader"))
        images.kubectl("-n", "trader", "rollout", "status", "deployment/api", "--timeout=60s")
        pod = images.kubectl("-n", "trader", "get", "pod", "-l", "app=api", "-o", "jsonpath={.items[0].status.podIP}")
        eventually(lambda: status(f"http://{pod}:8000/ready") == 200, within_s=30)
    finally:
        images.kubectl("delete", "namespace", "trader")


@pytest.mark.slow  # a cluster, a Kafka and a load at once: beside other tests its machine is too crowded for them
@pytest.mark.timeout(600)
def test_a_killed_api_is_no_users_error_as_the_cluster_starts_it_again_and_down_leaves_nothing(
    images: Cluster, sale: SaleDriver, tmp_path: Path
) -> None:
    before = namespaces(images)
    sale.up("--on", "kubernetes")
    done = drilled(sale, "flash-sale.api-kill", tmp_path / "reports")
    assert (done.code, done.log[-1]) == (0, "test_result,PASS"), done.output
    api = sale.target["services"]["api-1"]
    inside = f"--namespace={api['control']['namespace']}"
    restarts = "jsonpath={.items[*].status.containerStatuses[*].restartCount}"
    assert images.kubectl(inside, "get", "pods", "--selector=app=api-1", "-o", restarts) == "1"
    assert [event["service"] for event in done.record.of("linked")] == ["api-1"]
    down = sale.command("down")
    assert down.returncode == 0, down.stderr
    assert namespaces(images) == before and not sale.folder.exists()


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_sales_drills_hold_but_for_what_kubernetes_has_not(
    images: Cluster, sale: SaleDriver, tmp_path: Path
) -> None:
    sale.up("--on", "kubernetes")
    for name in SALE.in_cluster.drills:
        done = drilled(sale, f"flash-sale.{name}", tmp_path / name)
        assert (done.code, done.log[-1]) == (0, "test_result,PASS"), done.output
    frozen = drilled(sale, "flash-sale.redis-down", tmp_path / "redis-down")
    assert frozen.code == 40 and "Kubernetes freezes no container" in frozen.output, frozen.output


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_pod_of_the_sale_is_made_anew_at_its_port(images: Cluster, sale: SaleDriver) -> None:
    """As the page says, so that the kubelet's pauses between starts begin anew."""
    api = sale.up("--on", "kubernetes").target["services"]["api-1"]
    inside = f"--namespace={api['control']['namespace']}"
    images.kubectl(inside, "rollout", "restart", "deployment/api-1")
    images.kubectl(inside, "rollout", "status", "deployment/api-1", "--timeout=60s")
    eventually(lambda: status(f"{api['url']}/health") == 200, within_s=30)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SALE.in_cluster.mutants)
def test_a_defect_of_the_sale_is_caught_by_the_expectations_that_it_names(
    images: Cluster, current: None, tmp_path: Path, name: str
) -> None:
    with volumes(images, SALE.in_cluster.volumes):
        assert caught(SALE, name, tmp_path) == ""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_sales_manifests_are_applied_by_kubectl_alone(images: Cluster, sale: SaleDriver) -> None:
    """An order goes the whole way: balancer, API, proxy and Redis, Kafka, worker, proxy and PostgreSQL."""
    inside = ("--namespace", "sale")

    def at(app: str, port: int) -> str:
        address = ("get", "pod", f"--selector=app={app}", "-o", "jsonpath={.items[0].status.podIP}")
        return f"http://{images.kubectl(*inside, *address)}:{port}"

    def posted(path: str, **body: object) -> int:
        key = {"x-idempotency-key": "one"}
        answer = requests.post(f"{entrance}{path}", json={"productId": "iphone-15", **body}, headers=key, timeout=15)
        return answer.status_code

    images.kubectl("create", "namespace", "sale")
    try:
        images.kubectl(*inside, "apply", "-k", str(ROOT / "deploy" / "kubernetes" / "flash-sale"))
        images.kubectl(*inside, "wait", "--for=condition=complete", "job/topics", "--timeout=110s")
        for name in ("proxy", "worker", "api", "waiting-room", "balancer"):
            images.kubectl(*inside, "rollout", "status", f"deployment/{name}", "--timeout=60s")
        ways = requests.get(f"{at('proxy', 8474)}/proxies", headers={"Host": "proxy"}, timeout=5).json()
        assert {name: way["upstream"] for name, way in ways.items()} == {
            "redis": "redis:6379",
            "postgres": "postgres:5432",
        }
        entrance, worker = at("balancer", 8080), at("worker", 3001)
        eventually(lambda: posted("/init", quantity=5) == 200, within_s=30)
        eventually(lambda: posted("/order", userId="one") == 200, within_s=30)
        eventually(lambda: "processed_total 1.0" in requests.get(f"{worker}/metrics", timeout=5).text, within_s=30)
    finally:
        images.kubectl("delete", "namespace", "sale")

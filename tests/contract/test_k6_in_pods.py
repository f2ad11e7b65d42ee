"""A k6 script from many pods of a real cluster: the union is the whole, a lost pod is told, and nothing is left."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.errors import EXIT_HELD
from blackstart.evidence import history, journal
from blackstart.evidence.events import EventName
from blackstart.faults.stop import Stop
from tests.cluster.cluster import Cluster
from tests.contract.cluster_manifests import K6_IMAGE, k6_archive
from tests.contract.kubernetes_shop import Shop, environment
from tests.contract.loads_support import Server, load_server
from tests.contract.network_runs import NetworkRun
from tests.requirements import require

pytestmark = [pytest.mark.kubernetes, pytest.mark.k6]
DRILL = Path(__file__).with_name("k6_drill.py")
PODS = 3
RATE_PER_S, LASTS_S = 30, 6
SCRIPT = """
import http from 'k6/http';
import exec from 'k6/execution';
export const options = {
  scenarios: { steady: { executor: 'constant-arrival-rate', rate: RATE, timeUnit: '1s', duration: 'LASTSs',
                         preAllocatedVUs: 12, maxVUs: 12 } },
  thresholds: { http_reqs: ['count>=LEAST'], http_req_duration: ['p(95)<5000'] },
};
export default function () {
  exec.vu.metrics.metadata['key'] = `k-${exec.scenario.iterationInTest}`;
  http.get(`${__ENV.API}/ok`, { tags: { name: 'get' } });
}
"""


@pytest.fixture(scope="module")
def shop(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A namespace on a node that has the image."""
    require("k6")
    cluster.load_image(
        k6_archive(tmp_path_factory.mktemp("image"), Path(shutil.which("k6") or "~/go/bin/k6").expanduser())
    )
    with Shop(cluster, "load") as one:
        yield one


@pytest.fixture
def server(shop: Shop) -> Iterator[Server]:
    """What pods and this machine reach by one address."""
    with load_server(shop.cluster.place.address) as running:
        yield running


@pytest.fixture(autouse=True)
def in_cluster(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(cluster.kubeconfig).items():
        monkeypatch.setenv(name, value)


def script(folder: Path, lasts_s: int = LASTS_S, least: int = 1) -> str:
    text = SCRIPT.replace("RATE", str(RATE_PER_S)).replace("LASTS", str(lasts_s)).replace("LEAST", str(least))
    file = folder / "script.js"
    file.write_text(text)
    return str(file)


def run(shop: Shop, server: Server, folder: Path, k6: str, image: str = K6_IMAGE, **load: str) -> NetworkRun:
    load = {"image": image, "namespace": shop.namespace, **load}
    target = {"api": server.url, "load": load}
    host = shop.cluster.place.address
    return NetworkRun(folder, Stop("nothing"), target, 0.5, host, drill=DRILL, k6=k6, pods=str(PODS))


def left(shop: Shop) -> str:
    """What is there of a load: each namespace has a ConfigMap of Kubernetes' own."""
    there = shop.kubectl("get", "jobs,pods,configmaps", "-o", "name").split()
    return " ".join(one for one in there if one != "configmap/kube-root-ca.crt")


def test_the_union_of_all_pods_is_the_whole_load_once(shop: Shop, server: Server, tmp_path: Path) -> None:
    whole = RATE_PER_S * LASTS_S
    done = run(shop, server, tmp_path, script(tmp_path, least=whole))
    assert done.end() == EXIT_HELD, done.text
    (folder,) = done.reports.glob("*/journal.jsonl")
    rows = history.read(folder.with_name("history.csv")).rows
    assert sorted(row.key for row in rows) == sorted(f"k-{number}" for number in range(len(rows)))
    assert len(rows) in (whole, whole + 1)
    assert {row.outcome for row in rows} == {"ok"}
    shares = Counter(row.worker for row in rows)
    assert len(shares) == PODS and max(shares.values()) - min(shares.values()) <= 1, shares
    begins = [min(row.start_s or 0 for row in rows if row.worker == worker) for worker in shares]
    assert max(begins) - min(begins) < 0.5
    (summary,) = [one["summary"] for one in journal.read(folder).of(EventName.LOAD) if "summary" in one]
    assert summary["complete"] and summary["sent"] == len(rows)
    assert {one["name"]: one["held"] for one in summary["thresholds"]} == {
        f"http_reqs: count>={whole}": True,
        "http_req_duration: p(95)<5000": True,
    }
    assert left(shop) == ""

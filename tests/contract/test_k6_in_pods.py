"""A k6 script from many pods of a real cluster: the union is the whole, a lost pod is told, and nothing is left."""

from __future__ import annotations

import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.errors import EXIT_HELD, EXIT_INCONCLUSIVE, EXIT_REFUSED
from blackstart.evidence import history, journal
from blackstart.evidence.events import EventName
from blackstart.faults.stop import Stop
from tests.cluster.cluster import Cluster
from tests.contract.cluster_manifests import K6_IMAGE, k6_archive
from tests.contract.kubernetes_shop import Shop, environment
from tests.contract.loads_support import Server, load_server
from tests.contract.network_runs import ROOT, NetworkRun
from tests.docs.pages import blocks
from tests.requirements import require
from tests.services import eventually

pytestmark = [pytest.mark.kubernetes, pytest.mark.k6]
DRILL = Path(__file__).with_name("k6_drill.py")
PODS = 3
RATE_PER_S, LASTS_S, WITHIN_S = 30, 6, 60.0
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
def kubeconfig(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cluster's own, to which users may be added, where kubectl looks for it."""
    path = Path(shutil.copy(cluster.kubeconfig, tmp_path))
    for name, value in environment(path).items():
        monkeypatch.setenv(name, value)
    return path


def script(folder: Path, lasts_s: int = LASTS_S, least: int = 1, text: str = SCRIPT) -> str:
    text = text.replace("RATE", str(RATE_PER_S)).replace("LASTS", str(lasts_s)).replace("LEAST", str(least))
    file = folder / "script.js"
    file.write_text(text)
    return str(file)


def run(shop: Shop, server: Server, folder: Path, k6: str, image: str = K6_IMAGE, **load: str) -> NetworkRun:
    folder.mkdir(exist_ok=True)
    target = {"api": server.url, "load": {"image": image, "namespace": shop.namespace, **load}}
    host = shop.cluster.place.address
    return NetworkRun(folder, Stop("nothing"), target, 0.5, host, drill=DRILL, k6=k6, pods=str(PODS))


def left(shop: Shop) -> str:
    """What is there of a load: each namespace has a ConfigMap of Kubernetes' own."""
    there = shop.kubectl("get", "jobs,pods,configmaps", "-o", "name").split()
    return " ".join(one for one in there if one != "configmap/kube-root-ca.crt")


def test_the_union_of_all_pods_is_the_whole_load_once(shop: Shop, server: Server, tmp_path: Path) -> None:
    whole = RATE_PER_S * LASTS_S
    done = run(shop, server, tmp_path, script(tmp_path, least=whole))
    assert done.end(WITHIN_S * 2) == EXIT_HELD, done.text
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


@pytest.fixture
def flowing(shop: Shop, server: Server, tmp_path: Path) -> NetworkRun:
    """A run whose pods send, and would for long."""
    one = run(shop, server, tmp_path, script(tmp_path, lasts_s=100))
    assert eventually(lambda: server.seen()["paths"].get("/ok", 0) > 50, WITHIN_S), one.text
    return one


def pods(shop: Shop) -> list[str]:
    return shop.kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.name}").split()


def test_a_pod_that_is_killed_makes_the_load_incomplete_and_the_run_inconclusive(
    shop: Shop, flowing: NetworkRun
) -> None:
    victim = sorted(pods(shop))[1]
    shop.kubectl("delete", "pod", victim, "--grace-period=0", "--force")
    assert flowing.end(WITHIN_S * 2) == EXIT_INCONCLUSIVE, flowing.text
    # Its k6, which is ended with it, may be heard of before the API server is.
    lost = rf"the pod {victim}, one of {PODS}, was lost: it (is |ended with code 105)"
    assert re.search(lost, " ".join(flowing.text.split())), flowing.text
    assert left(shop) == ""


@pytest.mark.parametrize(
    ("image", "text", "reason"),
    [
        ("127.0.0.1:9/nobody/has:1", SCRIPT, "ImagePullBackOff|ErrImagePull"),
        (K6_IMAGE, "export default function ( {", "its k6 ended with code 107: .*script.js: Line 1"),
        (K6_IMAGE, SCRIPT.replace("options = {", "options = { executionSegment: '0:1/3',"), "executionSegment itself"),
        (K6_IMAGE, SCRIPT.replace("RATE", "RATE * 0 + nothing"), "nothing is not defined"),
        (
            K6_IMAGE,
            f"const now = Date.now; Date.now = () => now() + 9000;{SCRIPT}",
            "clocks of pods are off .* by [5-8]",
        ),
    ],
    ids=["no image", "no JavaScript", "a segment of its own", "an exception", "another time"],
)
def test_what_cannot_begin_is_refused_with_the_reason_and_nothing_is_left(
    shop: Shop, server: Server, tmp_path: Path, image: str, text: str, reason: str
) -> None:
    refused = run(shop, server, tmp_path, script(tmp_path, text=text), image)
    assert refused.end(WITHIN_S * 2) == EXIT_REFUSED, refused.text
    assert re.search(reason, " ".join(refused.text.split())), refused.text
    assert left(shop) == "" and "/ok" not in server.seen()["paths"]


def test_a_load_that_flows_throughout_is_ended_with_the_run(
    shop: Shop, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K6_FLOWS", "throughout")
    done = run(shop, server, tmp_path, script(tmp_path, lasts_s=100))
    assert done.end(WITHIN_S * 2) == EXIT_HELD, done.text
    (file,) = done.reports.glob("*/journal.jsonl")
    (summary,) = [one["summary"] for one in journal.read(file).of(EventName.LOAD) if "summary" in one]
    # When its pods were ready is the cluster's: that it flowed, and for less than the 100 s it would have, is ours.
    assert summary["complete"] and summary["stopped"] and 0 < summary["sent"] < 100 * RATE_PER_S
    assert left(shop) == ""


def test_the_rights_of_our_page_are_enough_and_each_that_is_missing_is_named(
    shop: Shop, server: Server, kubeconfig: Path, tmp_path: Path
) -> None:
    drill, load, _ = blocks(ROOT / "docs" / "kubernetes.md", "yaml")
    cluster_id = "---".join(one for one in drill.split("---") if "namespace: kube-system" in one)
    shop.add_user(kubeconfig, "enough", f"{cluster_id}\n---\n{load}")
    shop.add_user(kubeconfig, "less", f"{cluster_id}\n---\n{load.replace('pods/exec', 'pods/attach')}")
    less = run(shop, server, tmp_path / "less", script(tmp_path), context="less")
    assert less.end(WITHIN_S * 2) == EXIT_REFUSED and "auth can-i create pods --subresource=exec" in " ".join(
        less.text.split()
    )
    enough = run(shop, server, tmp_path / "enough", script(tmp_path), context="enough")
    assert enough.end(WITHIN_S * 2) == EXIT_HELD, enough.text
    assert left(shop) == ""


# ---------------------------------------------------------------- whoever dies


def test_who_is_tired_of_waiting_for_the_pods_leaves_none(shop: Shop, server: Server, tmp_path: Path) -> None:
    one = run(shop, server, tmp_path, script(tmp_path))
    one.wait_for("doing: play k6 in 3 pods")
    one.process.send_signal(signal.SIGINT)
    assert one.end(WITHIN_S * 2) == 130, one.text
    assert left(shop) == "" and "/ok" not in server.seen()["paths"]


def test_the_guardian_of_a_killed_run_takes_the_load_away(shop: Shop, flowing: NetworkRun) -> None:
    flowing.kill()
    assert flowing.guardian_gone(WITHIN_S) and left(shop) == ""


@pytest.mark.parametrize("way", ["chaos.heal", "HEAL.sh"])
def test_where_its_guardian_dies_too_either_way_of_mending_takes_the_load_away(
    shop: Shop, flowing: NetworkRun, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flowing.orphan()
    assert len(pods(shop)) == PODS
    monkeypatch.delenv("KUBECONFIG")  # by another shell
    flowing.mend(way)
    assert eventually(lambda: left(shop) == "", WITHIN_S)

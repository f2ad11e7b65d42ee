"""Faults by Chaos Mesh as data: what is made of the pods that are there, what undoes it, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blackstart import controls
from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import NotAvailable, Refused
from blackstart.controls.kubernetes import Kubernetes
from blackstart.controls.kubernetes_context import Context, place_of
from blackstart.controls.steps.outcome import Outcome
from blackstart.controls.steps.shell import to_shell
from blackstart.faults import _chaos_mesh, _chaos_stress, kill
from blackstart.faults._service import ServiceUnderTest
from blackstart.faults._wire import Route
from blackstart.faults.bandwidth import Bandwidth
from blackstart.faults.cpu_stress import CpuStress
from blackstart.faults.cut import Cut
from blackstart.faults.drop import Drop
from blackstart.faults.kill import Kill
from blackstart.faults.latency import Latency
from blackstart.faults.memory_stress import MemoryStress
from blackstart.model.change import Change, Fault
from blackstart.model.control import State
from blackstart.model.step import Command
from blackstart.model.target import Service, Target
from blackstart.probes.tcp import Tcp
from tests.requirements import require
from tests.services import free_port
from tests.unit.controls.kubernetes_objects import JsonObject, pod

FOUND = Kubernetes(
    "deployment", "redis", "shop", "kind", "uid-1", "https://127.0.0.1:6443", "/bin/kubectl", "/k/c", "app=redis", 2
)
NETWORK: tuple[Fault, ...] = (Drop("redis"), Cut("redis"), Latency("redis", 500, 100), Bandwidth("redis", 100))
FAULTS = (*NETWORK, CpuStress("redis", 0.5), MemoryStress("redis", mb=100), Kill("redis"))
KINDS = dict.fromkeys(NETWORK, "NetworkChaos") | dict.fromkeys(FAULTS[4:6], "StressChaos") | {FAULTS[6]: "PodChaos"}
NODES = {"a": "node-1", "b": "node-2"}


class Cluster:
    """What an API server has: `things` by kind; `tries` by node is what a queue that is tried there says."""

    def __init__(self) -> None:
        self.things: dict[str, list[JsonObject]] = {
            "pod": [pod(name) for name in NODES],
            "endpointslice": [daemons("node-1", "node-2")],
        }
        for one in self.things["pod"]:
            one["spec"]["nodeName"] = NODES[one["metadata"]["name"]]
        self.says, self.processors = "", "4\n"
        self.has_chaos_mesh = True
        self.asked: dict[str, str] = {}

    def get(self, kind: str, name: str, namespace: str = "") -> None:
        """Nothing but what can be listed."""

    def list(self, kind: str, namespace: str, selector: str = "") -> list[JsonObject]:
        self.asked[kind] = namespace
        return self.things.get(kind, [])

    def run(self, step: Command) -> Outcome:
        if "get" in step.argv:
            return Outcome(True, 0, "", "", 0.0, already=not self.has_chaos_mesh)
        if "nproc" in step.argv:
            return Outcome(True, 0, self.processors, "", 0.0)
        return Outcome(not self.says, 2 if self.says else 0, "", self.says, 0.0)


def daemons(*nodes: str, ready: bool = True) -> JsonObject:
    ends = [
        {"nodeName": node, "conditions": {"ready": ready}, "targetRef": {"name": f"chaos-daemon-of-{node}"}}
        for node in nodes
    ]
    return {"metadata": {"name": "chaos-daemon-x7"}, "endpoints": ends}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Two pods of Redis on two nodes, each with a daemon of Chaos Mesh; it answers in 1 ms."""
    one = Cluster()

    def tested(target: Target, name: str) -> ServiceUnderTest:
        port = Tcp(address="10.1.0.7:6379") if target.services["redis"].address else None
        described = place_of(controls.of(target.services["redis"]))
        control = replace(FOUND, chaos_mesh=described.chaos_mesh)
        if "pod" in target.services["redis"].control:
            control = replace(control, resource="pod", name="app=redis")
        return ServiceUnderTest(target.services["redis"], control, State("running", "a:0"), port, None)

    for module in (_chaos_mesh, kill):
        monkeypatch.setattr(module, "service_under_test", tested)
    monkeypatch.setattr(controls, "resolved", lambda service: FOUND)
    monkeypatch.setattr(_chaos_mesh, "run", one.run)
    for module in (_chaos_mesh, _chaos_stress):
        monkeypatch.setattr(module, "carry_out", one.run)
    monkeypatch.setattr(Context, "api", lambda self, timeout_s=10.0: one)
    monkeypatch.setattr(Route, "normal", lambda self: None)
    monkeypatch.setattr(Route, "normal_ms", lambda self, trip: 1.0)
    return one


def target(**more: Any) -> Target:
    control = more.pop("control", {"deployment": "redis", "namespace": "shop"})
    service = Service("redis", "10.1.0.7:6379", dsn="redis://x", control=control)
    return Target("shop", services={"redis": replace(service, **more.pop("service", {}))}, **more)


def plan(fault: Fault, where: Target | None = None) -> Change:
    labelled = {"control": {"pod": "app=redis", "namespace": "shop"}} if isinstance(fault, Kill) else {}
    (change,) = fault.plan(where or target(**labelled))
    return change


def made(change: Change) -> JsonObject:
    (create,) = change.do
    assert isinstance(create, Command)
    told: JsonObject = json.loads(create.argv[4])
    return told


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_it_is_one_resource_for_the_pods_that_are_there_by_name(cluster: Cluster, fault: Fault) -> None:
    change = plan(fault)
    assert from_data(json.loads(json.dumps(to_data(change)))) == change
    assert change.what == fault.describe() and change.undo_is_noop
    resource = made(change)
    assert (resource["kind"], resource["metadata"]["namespace"]) == (KINDS[fault], "shop")
    assert resource["spec"]["selector"] == {"namespaces": ["shop"], "pods": {"shop": ["a", "b"]}}
    assert resource["spec"]["mode"] == "all"
    (state,) = [condition.probe for condition in change.bites if KINDS[fault].lower() in condition.probe.name]
    assert to_data(state)["uids"] == ["a-uid", "b-uid"]
    assert len(change.bites) == 2  # and a probe of ours
    assert any("absent" in str(condition) for condition in change.gone)


def test_a_pod_that_was_evicted_and_stays_to_be_looked_at_is_left_alone(cluster: Cluster) -> None:
    cluster.things["pod"].append(pod("evicted", phase="Failed"))
    assert made(plan(Drop("redis")))["spec"]["selector"]["pods"] == {"shop": ["a", "b"]}


@pytest.mark.parametrize(("in_force_s", "duration"), [(40.0, "70s"), (65.4, "96s"), (600.0, "630s")])
def test_the_cluster_takes_it_back_soon_after_the_run_must_have(
    cluster: Cluster, in_force_s: float, duration: str
) -> None:
    change = plan(Drop("redis"), target(in_force_s=in_force_s))
    assert made(change)["spec"]["duration"] == duration and change.lease_s == in_force_s


@pytest.mark.parametrize(
    ("fault", "spec"),
    [
        (Drop("redis"), {"action": "partition", "direction": "from"}),
        (Cut("redis"), {"action": "partition", "direction": "both"}),
        (
            Latency("redis", 500, 100),
            {"action": "delay", "delay": {"latency": "500ms", "jitter": "100ms", "correlation": "0"}},
        ),
        (
            Bandwidth("redis", 100),
            {"action": "bandwidth", "bandwidth": {"rate": "100000bps", "buffer": 10_000, "limit": 110_000}},
        ),
        (Kill("redis"), {"action": "pod-failure"}),
    ],
    ids=lambda one: one.describe() if hasattr(one, "describe") else "",
)
def test_each_fault_is_an_action_of_chaos_mesh(cluster: Cluster, fault: Fault, spec: dict[str, Any]) -> None:
    assert made(plan(fault))["spec"].items() >= spec.items()


def test_the_undo_is_kubectl_alone_whatever_context_is_the_current_one(cluster: Cluster) -> None:
    change = plan(Drop("redis"))
    name = made(change)["metadata"]["name"]
    delete, wait = [to_shell(step) for step in change.undo]
    line = "env KUBECONFIG=/k/c /bin/kubectl --context=kind --namespace=shop"
    assert delete == f"{line} delete networkchaos.chaos-mesh.org/{name} --ignore-not-found --wait=false"
    assert "command /bin/kubectl --context=kind --namespace=shop" in wait and wait.endswith(" a b")


def test_two_faults_of_one_service_have_names_of_their_own_and_the_same_one_has_one(cluster: Cluster) -> None:
    names = [made(plan(fault))["metadata"]["name"] for fault in (*FAULTS, *FAULTS)]
    assert len(set(names)) == len(FAULTS) and names[: len(FAULTS)] == names[len(FAULTS) :]


def test_where_a_proxy_is_named_on_the_way_it_is_the_way(cluster: Cluster) -> None:
    proxied = target(service={"proxy_name": "redis"}, proxy="http://127.0.0.1:1")
    for fault in (Cut("redis"), Latency("redis", 500), Bandwidth("redis", 100)):
        with pytest.raises(Refused, match="the fault proxy of redis can't be used"):
            fault.plan(proxied)
    assert made(plan(Drop("redis"), proxied))["kind"] == "NetworkChaos"  # which no proxy can do


def of_chaos(name: str, phase: str, **status: Any) -> JsonObject:
    record = {"id": f"shop/{name}", "phase": phase, "injectedCount": 1}
    about = {"desiredPhase": status.get("wanted", "Run"), "containerRecords": [record]}
    return {"metadata": {"name": "others"}, "status": {"experiment": about}}


@pytest.mark.parametrize(
    ("kind", "thing", "reason"),
    [
        ("endpointslice", daemons("node-1"), "pods of redis run on node-2, where no daemon of Chaos Mesh is ready"),
        ("endpointslice", daemons("node-1", "node-2", ready=False), "run on node-1, node-2, where no daemon"),
        ("stresschaos", of_chaos("b", "Injected"), r"redis is broken by Chaos Mesh already \(others\)"),
        ("podchaos", of_chaos("b", "Not Injected/Wait"), "broken by Chaos Mesh already"),
        (
            "podnetworkchaos",
            {"metadata": {"name": "b"}, "status": {"failedMessage": "unknown qdisc"}},
            "kubectl --context=kind --namespace=shop delete pods b",
        ),
    ],
)
def test_what_it_could_not_do_or_undo_is_refused_by_name(
    cluster: Cluster, kind: str, thing: JsonObject, reason: str
) -> None:
    cluster.things[kind] = [thing]
    with pytest.raises(Refused, match=reason):
        plan(Drop("redis"))


@pytest.mark.parametrize(
    "thing", [of_chaos("c", "Injected"), of_chaos("aa", "Injected"), of_chaos("a", "Not Injected", wanted="Stop")]
)
def test_what_breaks_other_pods_or_is_over_does_not_matter(cluster: Cluster, thing: JsonObject) -> None:
    cluster.things["networkchaos"] = [thing]
    assert plan(Drop("redis"))


@pytest.mark.parametrize(("more", "home"), [({}, "chaos-mesh"), ({"chaos_mesh": "ops"}, "ops")])
def test_chaos_mesh_is_looked_for_where_the_control_says(cluster: Cluster, more: dict[str, str], home: str) -> None:
    plan(Drop("redis"), target(control={"deployment": "redis", "namespace": "shop", **more}))
    assert cluster.asked["endpointslice"] == home and cluster.asked["pod"] == "shop"


def test_pods_on_their_nodes_network_are_refused(cluster: Cluster) -> None:
    cluster.things["pod"][1]["spec"]["hostNetwork"] = True
    with pytest.raises(Refused, match="broken, it would break the node"):
        plan(Drop("redis"))


def test_a_pod_that_nothing_makes_anew_is_refused_what_its_deletion_may_have_to_undo(cluster: Cluster) -> None:
    cluster.things["pod"][1]["metadata"]["ownerReferences"] = [{"kind": "ConfigMap", "name": "x", "uid": "x-uid"}]
    for fault in NETWORK:
        with pytest.raises(Refused, match="nothing would bring b back, of redis"):
            plan(fault)
    assert all(map(plan, FAULTS[4:]))  # of these nothing is left that keeps a resource from going


def test_an_api_server_that_does_not_answer_has_or_lacks_nothing(tmp_path: Path) -> None:
    require("kubectl")
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "kind", "users": [{"name": "me", "user": {}}]}
    config["clusters"] = [{"name": "one", "cluster": {"server": f"http://127.0.0.1:{free_port()}"}}]
    config["contexts"] = [{"name": "kind", "context": {"cluster": "one", "user": "me"}}]
    (tmp_path / "config").write_text(json.dumps(config))
    place = Context("shop", "kind", kubectl="kubectl", kubeconfig=str(tmp_path / "config"))
    with pytest.raises(Refused, match="whether kind has Chaos Mesh can't be seen: (.|\n)*refused"):
        _chaos_mesh.serves(place)


def test_a_cluster_without_chaos_mesh_is_refused_with_what_would_do(cluster: Cluster) -> None:
    cluster.has_chaos_mesh = False
    with pytest.raises(Refused, match="kind has no Chaos Mesh .* install it .*, or put a fault proxy on the way"):
        plan(Cut("redis"))


@pytest.mark.parametrize(("fault", "queue"), [(Latency("redis", 500), "netem"), (Bandwidth("redis", 100), "tbf")])
def test_a_queue_that_a_nodes_kernel_lacks_is_refused_unless_it_is_allowed(
    cluster: Cluster, fault: Fault, queue: str
) -> None:
    cluster.says = "Error: Specified qdisc kind is unknown."
    with pytest.raises(Refused, match=f"the kernel of node-1, where redis runs, has no {queue}"):
        plan(fault)
    assert plan(fault, target(allow=(queue,)))
    cluster.says = 'pods "chaos-daemon-of-node-1" is forbidden'
    with pytest.raises(Refused, match=f"whether the kernel of node-1 has {queue} can't be seen .*--allow {queue}"):
        plan(fault)


@pytest.mark.parametrize("fault", [Latency("redis", 500, stream="upstream"), Bandwidth("redis", 9, stream="upstream"),
                                   Latency("redis", 500, 9, distribution="normal")])  # fmt: skip
def test_what_only_a_proxy_can_do_is_refused(cluster: Cluster, fault: Fault) -> None:
    with pytest.raises(Refused, match="use Blackstart's own proxy"):
        plan(fault)


def test_a_delay_that_chaos_mesh_does_not_know_is_told_in_words(cluster: Cluster) -> None:
    with pytest.raises(Refused, match='knows no delays with distribution = "normal", stream = "upstream": use'):
        plan(Latency("redis", 500, 9, distribution="normal", stream="upstream"))


def test_a_kill_that_only_chaos_mesh_could_make_says_so(cluster: Cluster) -> None:
    cluster.has_chaos_mesh = False
    with pytest.raises(NotAvailable, match=r"use the fault crash; where the cluster has Chaos Mesh .*killed by that$"):
        plan(Kill("redis"))


# ---------------------------------------------------------------- processors and memory


def limited(cluster: Cluster, *limits: dict[str, str]) -> None:
    for one, each in zip(cluster.things["pod"], limits, strict=True):
        one["spec"]["containers"][0]["resources"] = {"limits": each}


def stressors(change: Change) -> dict[str, Any]:
    spec = made(change)["spec"]
    assert spec["containerNames"] == ["main"]
    told: dict[str, Any] = spec["stressors"]
    return told


@pytest.mark.parametrize(
    ("limits", "load", "workers", "least"),
    [
        (({}, {}), 100, 2, "at least 1.0"),  # half of a node with four processors
        (({"cpu": "500m"}, {}), 25, 1, "at least 0.125"),  # one has no limit
        (({"cpu": "500m"}, {"cpu": "2"}), 25, 1, "at least 0.125"),
        (({"cpu": "3"}, {"cpu": "3"}), 75, 2, "at least 0.75"),
    ],
)
def test_the_load_is_of_what_each_container_may_use(
    cluster: Cluster, limits: tuple[dict[str, str], ...], load: int, workers: int, least: str
) -> None:
    limited(cluster, *limits)
    change = plan(CpuStress("redis", 0.5))
    assert stressors(change) == {"cpu": {"workers": workers, "load": load}}
    assert least in str(change.bites[0])


def test_memory_is_held_in_each_and_the_stressor_is_ended_first(cluster: Cluster) -> None:
    change = plan(MemoryStress("redis", mb=100))
    assert stressors(change) == {"memory": {"workers": 1, "size": "100MB", "oomScoreAdj": 1000}}
    assert "at least 90" in str(change.bites[0])


def test_no_more_memory_than_the_service_can_do_without(cluster: Cluster) -> None:
    limited(cluster, {"memory": "1Gi"}, {"memory": "104Mi"})
    with pytest.raises(Refused, match="100 MB would leave redis too little of its limit, 104 MB"):
        plan(MemoryStress("redis", mb=100))
    assert plan(MemoryStress("redis", mb=98))
    with pytest.raises(Refused, match="give mb"):
        plan(MemoryStress("redis", share=0.9))


def test_whoever_has_no_address_can_not_be_seen_to_be_down(cluster: Cluster) -> None:
    unseen = target(service={"address": "", "dsn": ""}, control={"pod": "app=redis", "namespace": "shop"})
    with pytest.raises(Refused, match="give it an address"):
        plan(Kill("redis"), unseen)


def test_a_whole_workload_is_killed_by_its_number(cluster: Cluster) -> None:
    killed = plan(Kill("redis"), target())
    assert [step.argv[3] for step in killed.do if isinstance(step, Command)] == ["annotate", "scale", "delete"]

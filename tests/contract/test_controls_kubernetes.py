"""The control of Kubernetes on a real cluster: what is done to workloads and their pods, and what is read of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psutil
import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget, StepFailed
from blackstart.controls import container_process
from blackstart.controls.kubernetes import Kubernetes
from blackstart.controls.steps.local import carry_out as carried_out
from blackstart.faults.crash import Crash
from blackstart.faults.kill import Kill
from blackstart.faults.stop import Stop
from blackstart.model.change import Fault
from blackstart.model.target import Service, Target
from blackstart.safety.preflight.link_proofs import Listens, ServedByControl
from tests.cluster.cluster import Cluster
from tests.contract.cluster_manifests import redis_archive
from tests.contract.kubernetes_shop import Shop, environment, workload
from tests.services import by_shell, carry_out, eventually, free_port, pings, so

pytestmark = pytest.mark.kubernetes
KINDS = {"Deployment": 2, "StatefulSet": 2, "DaemonSet": 1}
WITHIN_S = 60.0
A_LOOK_S = 10.0  # kubectl takes its time on a busy machine


@pytest.fixture(scope="module")
def node(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster, its node with an image of Redis, as its user has it."""
    cluster.load_image(redis_archive(tmp_path_factory.mktemp("images")))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(cluster.kubeconfig).items():
            patch.setenv(name, value)
        yield cluster


@pytest.fixture(scope="module", params=KINDS)
def made(node: Cluster, request: pytest.FixtureRequest) -> Iterator[tuple[Shop, str]]:
    """Each kind of workload, with all its pods ready, in a namespace of its own."""
    kind = request.param
    with Shop(node, f"shop-{kind.lower()}") as one:
        one.apply(workload(kind, KINDS[kind]))
        yield one, kind.lower()


@pytest.fixture
def control(made: tuple[Shop, str]) -> Iterator[Kubernetes]:
    """Its control; it runs before and after."""
    one, resource = made
    assert eventually(lambda: one.of(**{resource: "redis"}).read_state().status == "running", WITHIN_S)
    found = one.of(**{resource: "redis"})
    yield found
    carry_out(found.start())
    assert eventually(lambda: found.read_state().status == "running", WITHIN_S), found.read_state()


def test_a_running_workload_names_its_cluster_and_each_life_of_its_pods(
    made: tuple[Shop, str], control: Kubernetes
) -> None:
    uid = made[0].cluster.kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
    assert control.identity() == f"kubernetes:{uid}:{made[0].namespace}/{made[1]}/redis"
    assert control.reach() == "" and control.pods == len(made[0].pods())
    seen = control.read_state()
    assert (seen.status, seen.revives) == ("running", True)
    assert [life.partition(":")[0] for life in seen.instance.split(",")] == made[0].pods()
    assert from_data(json.loads(json.dumps(to_data(control)))) == control


@pytest.mark.parametrize("way", [carry_out, by_shell])
def test_stop_ends_all_pods_and_start_brings_back_as_many(
    made: tuple[Shop, str], control: Kubernetes, way: Callable[..., None]
) -> None:
    before = set(made[0].pods())
    way(control.rights())
    way(control.start())  # as it is rehearsed: nothing happens
    assert set(made[0].pods()) == before
    way(control.stop())
    assert control.read_state().status == "stopped" and made[0].pods() == []
    way(control.start() + control.start())
    assert eventually(lambda: control.read_state().status == "running", WITHIN_S)
    assert len(made[0].pods()) == len(before) and not before & set(made[0].pods())


def test_kill_leaves_no_pod_and_none_comes_until_the_start(made: tuple[Shop, str], control: Kubernetes) -> None:
    carry_out(control.kill())
    assert eventually(lambda: control.read_state().status == "stopped", 10), control.read_state()
    assert not eventually(lambda: made[0].pods() != [], 2)


def test_the_number_of_pods_is_noted_while_it_is_stopped(made: tuple[Shop, str], control: Kubernetes) -> None:
    one, resource = made
    if resource == "daemonset":
        carry_out(control.stop())
        assert "blackstart.dev/stopped" in one.kubectl("get", "daemonset/redis", "-o", "json")
        carry_out(control.start())
        assert "blackstart.dev" not in one.kubectl("get", "daemonset/redis", "-o", "jsonpath={.spec}")
        return
    carry_out(control.stop())
    assert one.wanted(f"{resource}/redis") == "0 2"
    again = one.of(**{resource: "redis"})  # by another run, which has no undo of ours
    assert again.start() == control.start() and "2 before it was stopped" in again.read_state().detail
    carry_out(again.start())
    assert one.wanted(f"{resource}/redis") == "2"


def test_a_number_that_somebody_has_set_meanwhile_is_left_alone(node: Cluster) -> None:
    with Shop(node, "scaled") as one:
        one.apply(workload("Deployment", 2))
        control = one.of(deployment="redis")
        carry_out(control.stop())
        one.kubectl("scale", "deployment/redis", "--replicas=1")
        carry_out(control.start())
        assert one.wanted() == "1"
        one.kubectl("scale", "deployment/redis", "--replicas=3")
        with pytest.raises(StepFailed, match="Expected replicas to be 2, was 3"):
            carry_out(control.stop()[1:])


# ---------------------------------------------------------------- a Redis that this machine reaches


@pytest.fixture(scope="module")
def reached(node: Cluster) -> Iterator[tuple[Shop, int]]:
    """A Redis in its node's network, which is this machine's, and its port."""
    port = free_port()
    with Shop(node, "reached") as one:
        one.apply(workload("Deployment", 1, port=port, hostNetwork=True))
        assert eventually(lambda: pings(port), WITHIN_S)
        assert eventually(lambda: one.of(deployment="redis").read_state().status == "running", WITHIN_S)
        yield one, port


def target(one: Shop, port: int, **table: str) -> Target:
    control = {"namespace": one.namespace, **(table or {"deployment": "redis"})}
    return Target("test", services={"redis": Service("redis", f"127.0.0.1:{port}", control=control)})


@pytest.mark.parametrize("fault", [Stop("redis"), Kill("redis"), Crash("redis")], ids=lambda fault: fault.describe())
def test_a_fault_bites_and_its_undo_from_the_ledgers_json_is_proved(reached: tuple[Shop, int], fault: Fault) -> None:
    (planned,) = fault.plan(target(*reached))
    change = from_data(json.loads(json.dumps(to_data(planned))))
    assert change == planned
    carry_out(change.rights + change.undo)
    assert so(change.gone, A_LOOK_S) and not so(change.bites, A_LOOK_S)
    carry_out(change.do)
    assert eventually(lambda: so(change.bites), WITHIN_S), [str(condition) for condition in change.bites]
    by_shell(change.undo)
    assert eventually(lambda: so(change.gone), WITHIN_S)
    assert pings(reached[1])


def test_a_crash_is_one_more_restart_of_the_same_pod(reached: tuple[Shop, int]) -> None:
    control = reached[0].of(deployment="redis")
    before = control.read_state()
    assert before.pid and psutil.Process(before.pid).name() == "redis-server"
    crash = control.crash(before, "KILL")
    carry_out(control.crash(before, "0"))
    assert control.read_state() == before
    carry_out(crash)
    uid, _, restarts = before.instance.partition(":")
    assert eventually(lambda: control.read_state().instance == f"{uid}:{int(restarts) + 1}", WITHIN_S), (
        control.read_state()
    )
    with pytest.raises(StepFailed, match="somebody restarted it"):
        carry_out(crash)
    assert eventually(lambda: control.read_state().status == "running", WITHIN_S)


def test_what_answers_at_its_address_is_proved_to_be_its_pod(reached: tuple[Shop, int]) -> None:
    one, port = reached
    api = int(one.of(deployment="redis").server.rpartition(":")[2])

    def missing(proof: type[ServedByControl | Listens], at: int) -> str:
        there = target(one, at)
        answering = {"redis": replace(there.services["redis"], url=f"http://127.0.0.1:{at}")}
        return proof("redis").bind(replace(there, services=answering)).missing()

    for proof in (ServedByControl, Listens):
        assert missing(proof, port) == "" and f"port {api} is served by process" in missing(proof, api)


def test_inside_and_the_log_are_the_pods(reached: tuple[Shop, int]) -> None:
    control = reached[0].of(deployment="redis")
    assert "v=" in carried_out(control.inside(("/usr/bin/redis-server", "--version"))).stdout
    log = control.log_tail(50)
    assert log and "Ready to accept connections" in carried_out(log).stdout


# ---------------------------------------------------------------- pods by their labels


def test_labels_of_all_pods_are_the_workload_and_of_one_are_that_pod(node: Cluster) -> None:
    with Shop(node, "labelled") as one:
        one.apply(workload("StatefulSet", 2))
        assert eventually(lambda: one.of(statefulset="redis").read_state().status == "running", WITHIN_S)
        assert one.of(pod="app=redis") == one.of(statefulset="redis")
        first = one.of(pod="statefulset.kubernetes.io/pod-name=redis-0")
        before = first.read_state()
        assert (first.resource, before.status, before.instance.count(":")) == ("pod", "running", 1)
        (uid, _), *_ = [(life, 0) for life in before.instance.split(":")]
        carry_out(first.crash(before, "KILL"))
        assert eventually(lambda: first.read_state().instance == f"{uid}:1", WITHIN_S)
        by_shell(first.start())
        assert first.read_state().status == "running"
        other = next(life for life in one.of(statefulset="redis").read_state().instance.split(",") if uid not in life)
        assert other.endswith(":0")


# ---------------------------------------------------------------- what does not stand still


def test_a_context_that_leads_to_another_cluster_by_now_proves_nothing(reached: tuple[Shop, int]) -> None:
    control = reached[0].of(deployment="redis")
    data: dict[str, Any] = {**to_data(control), "cluster": "another"}
    with pytest.raises(StepFailed, match="leads to another cluster by now"):
        from_data(data).read_state()


def test_a_workload_that_is_deleted_is_absent_and_one_that_starts_is_on_its_way(node: Cluster) -> None:
    with Shop(node, "passing") as one:
        one.apply(workload("Deployment", 1, nodeSelector={"no": "node"}))
        control = one.of(deployment="redis")
        assert eventually(lambda: "Unschedulable" in control.read_state().detail, WITHIN_S), control.read_state()
        assert control.read_state().status == "starting"
        one.kubectl("delete", "deployment/redis")
        assert control.read_state().status == "absent"
        with pytest.raises(BadTarget, match='has no deployment "redis"'):
            one.of(deployment="redis")


def test_the_main_process_is_told_from_what_was_started_beside_it(reached: tuple[Shop, int]) -> None:
    control = reached[0].of(deployment="redis")
    (crash,) = control.crash(control.read_state(), "0")
    pid, _, container = crash.argv[-1].partition(":")
    words = control.inside(("/usr/bin/redis-server", "--port", str(free_port()), "--save", ""))
    with psutil.Popen(words.argv, env={**os.environ, **words.env}, stdout=subprocess.DEVNULL) as beside:
        inside = lambda: [one for one in psutil.pids() if container_process.is_in(one, (container,))]  # noqa: E731
        assert eventually(lambda: len(inside()) == 2, 20)
        container_process.main_pid.cache_clear()
        assert container_process.main_pid(container) == int(pid)
        beside.terminate()

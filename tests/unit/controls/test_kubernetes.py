"""The control of Kubernetes: its table, its steps as plain kubectl lines, and what it does not have."""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from blackstart import controls
from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget, NotAvailable, Refused, StepFailed
from blackstart.controls.kubernetes import Kubernetes
from blackstart.controls.steps.shell import to_shell
from blackstart.faults.bounce import Bounce
from blackstart.faults.crash import Crash
from blackstart.faults.kill import Kill
from blackstart.faults.pause import Pause
from blackstart.faults.stop import Stop
from blackstart.model.change import Fault
from blackstart.model.control import Control, State
from blackstart.model.target import Service, Target
from tests.environment import ROOT

FOUND = Kubernetes(
    "deployment", "redis", "shop", "kind", "uid-1", "https://127.0.0.1:6443", "/bin/kubectl", "/k/c", "app=redis", 3
)
LINE = "env KUBECONFIG=/k/c /bin/kubectl --context=kind --namespace=shop"
RUNNING = State("running", "a:0", 42, revives=True)


def of(**table: object) -> Control:
    return controls.of(Service("redis", control=table))


def lines(steps: tuple[object, ...]) -> list[str]:
    return [to_shell(step) for step in steps]  # type: ignore[arg-type]


@pytest.mark.parametrize("resource", ["deployment", "statefulset", "daemonset"])
def test_a_workload_is_read_and_survives_json(resource: str) -> None:
    control = of(**{resource: "redis", "namespace": "shop", "context": "kind"})
    assert control == Kubernetes(resource, "redis", "shop", "kind")
    assert from_data(json.loads(json.dumps(to_data(control)))) == control
    assert control.identity() == f"kubernetes:kind:shop/{resource}/redis"


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"deployment": "Redis"}, 'deployment = "Redis" can\'t be a name in Kubernetes'),
        ({"deployment": "redis*"}, "can't be a name in Kubernetes"),
        ({"pod": "redis"}, "is not labels with their values"),
        ({"pod": "app in (a)"}, "is not labels with their values"),
        ({"deployment": "redis", "statefulset": "redis"}, "deployment and statefulset name it twice"),
        ({"deployment": "redis", "namspace": "shop"}, 'Did you mean "namespace"?'),
        ({"deployment": "redis", "host": "ssh://db1"}, 'unknown key "host"'),
    ],
)
def test_a_mistake_is_refused_with_its_place(table: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadTarget) as refusal:
        of(**table)
    assert str(refusal.value).startswith("Not started: [services.redis] control") and complaint in str(refusal.value)


def test_stop_and_start_are_plain_lines_that_know_the_number_of_pods() -> None:
    note, scale, wait = lines(FOUND.stop())
    assert note == f"{LINE} annotate deployment/redis blackstart.dev/replicas=3 --overwrite"
    assert scale == f"{LINE} scale deployment/redis --current-replicas=3 --replicas=0"
    assert f"{LINE} wait pods --selector=app=redis --for=delete --timeout=110s" in wait
    back, clear = lines(FOUND.start())
    assert f"{LINE} scale deployment/redis --current-replicas=0 --replicas=3" in back
    assert clear == f"{LINE} annotate deployment/redis blackstart.dev/replicas-"


def test_kill_goes_to_none_first_so_that_no_other_pods_are_made() -> None:
    *_, scale, delete = lines(FOUND.kill())
    assert "--replicas=0" in scale
    assert delete.startswith(f"{LINE} delete pods --selector=app=redis --grace-period=0 --force")


def test_a_daemonset_is_sent_to_nodes_that_do_not_exist_and_back() -> None:
    everywhere = replace(FOUND, resource="daemonset")
    there, _ = lines(everywhere.stop())
    (back,) = lines(everywhere.start())
    patch = '{"spec":{"template":{"spec":{"nodeSelector":{"blackstart.dev/stopped":%s}}}}}'
    assert (
        there == f"{LINE} patch daemonset/redis --patch '{patch % chr(34)}true\"}}}}}}}}}}'"
        or patch % '"true"' in there
    )
    assert patch % "null" in back


def test_a_workload_that_had_no_pods_gets_one() -> None:
    assert "--replicas=1" in to_shell(replace(FOUND, pods=0).start()[0])


def test_identity_is_the_clusters_uid_whatever_context_leads_to_it() -> None:
    other = replace(FOUND, context="admin", kubeconfig="/k/other", server="https://10.0.0.1", local=False)
    assert other.identity() == FOUND.identity() == "kubernetes:uid-1:shop/deployment/redis"
    assert FOUND.reach() == "" and other.reach() == "https://10.0.0.1"


def test_pause_says_what_is_not_to_be_had_and_what_is() -> None:
    for power in (FOUND.pause, FOUND.resume):
        with pytest.raises(NotAvailable, match=r"freezes no container.*--subresource=resize.*cpu.*1m.*fault stop"):
            power()


def test_pods_by_labels_can_be_crashed_and_not_stopped() -> None:
    some = Kubernetes("pod", "app=redis", "shop", "kind", selector="app=redis", pods=1)
    for power in (some.stop, some.kill):
        with pytest.raises(NotAvailable, match='deployment = "…", or use the fault crash'):
            power()
    (waits,) = some.start()
    assert "--for=condition=Ready" in waits.argv


def test_a_command_inside_and_the_logs_are_kubectls() -> None:
    assert lines((FOUND.inside(("redis-cli", "PING")),)) == [f"{LINE} exec deployment/redis -- redis-cli PING"]
    logs = FOUND.log_tail(20, "2026-11-29T07:00:00Z")
    assert logs and logs.argv[3:] == (
        "logs", "--selector=app=redis", "--prefix", "--tail=20", "--max-log-requests=3",
        "--since-time=2026-11-29T07:00:00Z",
    )  # fmt: skip


def test_rights_are_asked_for_one_by_one_by_name() -> None:
    asked = [" ".join(step.argv[3:]) for step in FOUND.rights()]
    assert asked == [
        "auth can-i patch deployments.apps/redis",
        "auth can-i update deployments.apps/redis --subresource=scale",
        "auth can-i watch pods",
        "auth can-i delete pods",
    ]


# ---------------------------------------------------------------- what faults make of it


def target(monkeypatch: pytest.MonkeyPatch, rivals: dict[str, str], *allow: str) -> Target:
    monkeypatch.setattr(Kubernetes, "resolve", lambda self: FOUND)
    monkeypatch.setattr(Kubernetes, "read_state", lambda self, timeout_s=10.0: RUNNING)
    monkeypatch.setattr(Kubernetes, "rivals", lambda self: rivals)
    monkeypatch.setattr(Kubernetes, "crash", lambda self, seen, signal: self.start())
    return Target("test", allow=allow, services={"redis": Service("redis", control={"deployment": "redis"})})


AUTOSCALER = {"HorizontalPodAutoscaler/redis": "sets its number of pods: delete it first"}


@pytest.mark.parametrize("fault", [Stop("redis"), Kill("redis"), Bounce("redis", 300)], ids=lambda one: one.describe())
def test_what_would_undo_a_stop_is_named_and_can_be_allowed(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused) as refusal:
        fault.plan(target(monkeypatch, AUTOSCALER))
    assert "HorizontalPodAutoscaler/redis sets its number of pods: delete it first" in str(refusal.value)
    assert str(refusal.value).endswith("--allow HorizontalPodAutoscaler/redis")
    assert fault.plan(target(monkeypatch, AUTOSCALER, *AUTOSCALER))


def test_who_sets_the_number_of_pods_has_no_part_in_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Crash("redis").plan(target(monkeypatch, AUTOSCALER))


def test_a_pause_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="Not started: Kubernetes freezes no container"):
        Pause("redis").plan(target(monkeypatch, {}))


# ---------------------------------------------------------------- what it needs


def test_the_base_install_has_no_kubernetes_and_the_extra_has() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not [one for one in project["dependencies"] if "kube" in one]
    assert [one for one in project["optional-dependencies"]["kubernetes"] if one.startswith("lightkube")]


def test_without_its_client_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kubectl").write_text("#!/bin/sh\n")
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delitem(sys.modules, "blackstart.controls.cluster.api_server", raising=False)
    # Where another test has imported it, its package knows it, too.
    monkeypatch.delattr("blackstart.controls.cluster.api_server", raising=False)
    monkeypatch.setitem(sys.modules, "lightkube", None)
    with pytest.raises(BadTarget, match=r"pip install 'blackstart\[kubernetes\]'"):
        of(deployment="redis").resolve()


def test_a_kubectl_that_answers_with_something_else_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kubectl").write_text("#!/bin/sh\necho Welcome\n")
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with pytest.raises(StepFailed, match=rf"{tmp_path}/kubectl does not show the context kind as JSON"):
        of(deployment="redis", context="kind").resolve()


def test_without_kubectl_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadTarget, match="there is no kubectl on PATH"):
        of(deployment="redis").resolve()

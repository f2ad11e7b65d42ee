"""What is seen of a cluster's API server, by the real client, over a real connection."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from blackstart.controls.kubernetes_chaos import REPLACED
from blackstart.controls.kubernetes_context import Context
from blackstart.model.reading import Probe
from blackstart.probes.chaos_state import ChaosState
from blackstart.probes.cluster_things import ClusterThings
from blackstart.probes.read import read_once
from tests.requirements import require
from tests.unit.controls.kubernetes_objects import JsonObject
from tests.unit.probes.servers import Handler, free_port, http, requests_of, serving

PODS = "/api/v1/namespaces/shop/pods?labelSelector=app=redis"
CHAOS = "/apis/chaos-mesh.org/v1alpha1/namespaces/shop/podchaos/k1"
JOB = "/apis/batch/v1/namespaces/shop/jobs/redis"
WAITING = {"apiVersion": "chaos-mesh.org/v1alpha1", "kind": "PodChaos", "metadata": {"name": "k1", "uid": "k1-uid"}}


@pytest.fixture(autouse=True)
def _kubectl() -> None:
    require("kubectl")


def place(folder: Path, port: int) -> Context:
    config = {
        "current-context": "here",
        "clusters": [{"name": "one", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me"}}],
        "users": [{"name": "me", "user": {"token": "secret"}}],
    }
    (folder / "config").write_text(json.dumps(config))
    return Context("shop", "here", kubectl="kubectl", kubeconfig=str(folder / "config"))


def probes(where: Context) -> Iterator[Probe]:
    yield ChaosState(where, "podchaos", "k1", "app=redis", ("a-uid",), "redis_podchaos")
    yield ClusterThings(where, "redis", "app", ("job", "configmap"))


def answering(objects: dict[str, JsonObject], silent: tuple[str, ...] = ()) -> Handler:
    """An API server that has these, by their paths, and else nothing; asked for what is `silent` it says nothing."""

    def handle(conn: socket.socket) -> None:
        for head in requests_of(conn):
            path = unquote(head.split()[1].decode())
            if path in silent:
                continue
            found = objects.get(path)
            body = json.dumps(found or {"kind": "Status", "code": 404, "message": "not found"}).encode()
            conn.sendall(http(body, "200 OK" if found else "404 Not Found", "Content-Type: application/json"))

    return handle


def seen(folder: Path, objects: dict[str, JsonObject]) -> list[tuple[object, str]]:
    with serving(answering(objects)) as port:
        readings = [read_once(probe, 5.0) for probe in probes(place(folder, port))]
    assert {one.kind for one in readings} == {"value"}, readings
    return [(one.value, one.note) for one in readings]


def pods(*names: str) -> JsonObject:
    items = [{"metadata": {"name": name, "uid": f"{name}-uid"}} for name in names]
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}


def test_what_is_there_is_read_with_the_pods_of_the_selector(tmp_path: Path) -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "redis"}}
    state, things = seen(tmp_path, {CHAOS: WAITING, PODS: pods("a", "b"), JOB: job})
    assert state == ("waiting", "")
    assert things == (3, "job, pod, pod")


def test_a_pod_that_was_replaced_is_none_of_those_that_the_fault_was_made_for(tmp_path: Path) -> None:
    state, things = seen(tmp_path, {CHAOS: WAITING, PODS: pods("b")})
    assert state[0] == REPLACED
    assert things == (1, "pod")


def test_what_is_not_there_is_absent_and_no_thing(tmp_path: Path) -> None:
    assert seen(tmp_path, {PODS: pods()}) == [("absent", ""), (0, "")]


def test_a_server_that_does_not_listen_cannot_be_read(tmp_path: Path) -> None:
    for probe in probes(place(tmp_path, free_port())):
        found = read_once(probe, 5.0)
        assert found.kind == "unreadable" and "can't be asked" in found.note


def test_a_server_that_is_silent_has_timed_out(tmp_path: Path) -> None:
    with serving(answering({}, silent=(CHAOS, JOB))) as port:
        for probe in probes(place(tmp_path, port)):
            found = read_once(probe, 0.3)
            assert found.kind == "timed_out" and "did not answer in time" in found.note


def test_a_context_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    place(tmp_path, free_port())
    lost = Context("shop", "lost", kubectl="kubectl", kubeconfig=str(tmp_path / "config"))
    for probe in probes(lost):
        found = read_once(probe, 5.0)
        assert found.kind == "unreadable" and 'there is no context "lost"' in found.note


def test_an_answer_that_is_not_kubernetes_own_cannot_be_read(tmp_path: Path) -> None:
    def somebody_else(conn: socket.socket) -> None:
        for _ in requests_of(conn):
            conn.sendall(http(b"<html>Bad Gateway</html>", "502 Bad Gateway"))

    with serving(somebody_else) as port:
        for probe in probes(place(tmp_path, port)):
            found = read_once(probe, 5.0)
            assert found.kind == "unreadable" and "is none of Kubernetes" in found.note, found

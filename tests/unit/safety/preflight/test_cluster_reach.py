"""Which cluster a kubectl command leads to: read by the real kubectl of a kubeconfig, and no server is asked."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.model.experiment import Experiment
from blackstart.model.plan import Plan
from blackstart.model.step import Command
from blackstart.model.target import Service, Target
from blackstart.safety.preflight.cluster_reach import reached_by
from blackstart.safety.preflight.guard_rails import objections
from tests.requirements import require
from tests.unit.builders import change

HERE, FAR = "https://127.0.0.1:6443", "https://prod.example.com:443"
CONFIG = """apiVersion: v1
kind: Config
current-context: here
clusters:
- {name: one, cluster: {server: "HERE"}}
- {name: two, cluster: {server: "FAR"}}
- {name: three, cluster: {server: "HERE", proxy-url: "http://me:secret@web.example.com:3128"}}
- {name: four, cluster: {server: "HERE", tls-server-name: prod.example.com}}
contexts:
- {name: here, context: {cluster: one, user: me}}
- {name: prod, context: {cluster: two, user: me}}
- {name: proxied, context: {cluster: three, user: me}}
- {name: tunnelled, context: {cluster: four, user: me}}
users:
- {name: me, user: {token: secret}}
"""


@pytest.fixture
def config(tmp_path: Path) -> dict[str, str]:
    require("kubectl")
    (tmp_path / "config").write_text(CONFIG.replace("HERE", HERE).replace("FAR", FAR))
    return {"KUBECONFIG": str(tmp_path / "config")}


@pytest.mark.parametrize(
    ("argv", "server"),
    [
        (("kubectl", "scale", "deployment/redis", "--replicas=0"), HERE),
        (("kubectl", "--context=prod", "delete", "pod", "x"), FAR),
        (("/usr/bin/kubectl", "delete", "pod", "x", "--context", "prod"), FAR),
        (("kubectl", "--cluster=two", "get", "pods"), FAR),
        (("kubectl", "--context=proxied", "delete", "pod", "x"), "http://web.example.com:3128"),
        (("kubectl", "--cluster=four", "delete", "pod", "x"), "https://prod.example.com"),
        (("helm", "--kube-context", "prod", "rollback", "shop"), FAR),
        (("sh", "-c", "cd /x; kubectl --context 'prod' delete pod y && true"), FAR),
        (("kubectl", "--server=https://1.2.3.4", "get", "pods"), "https://1.2.3.4"),
        (("kubectl", "--context=nobody", "get", "pods"), ""),
        (("true", "--context=prod"), ""),
    ],
)
def test_the_server_is_the_one_of_the_context_that_the_command_names(
    argv: tuple[str, ...], server: str, config: dict[str, str]
) -> None:
    assert reached_by(Command(argv), config) == server
    assert reached_by(Command(argv, env=config), {"KUBECONFIG": os.devnull}) == server


def test_another_machines_cluster_must_be_allowed_by_its_host(config: dict[str, str]) -> None:
    target = Target("shop", services={"redis": Service("redis")})
    far = {"prod": "prod.example.com", "proxied": "web.example.com", "tunnelled": "prod.example.com"}
    for context, words in ({context: [word] for context, word in far.items()} | {"here": []}).items():
        act = replace(
            change(), service="redis", do=(Command(("kubectl", f"--context={context}", "delete", "pod", "x")),)
        )
        found = objections(Plan(Experiment("x", "shop", "x"), target, (act,), (), None), environment=config)
        assert [one.word for one in found] == words

"""Which cluster a kubectl command leads to, as kubectl itself reads its kubeconfig. No server is asked."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from blackstart.base.errors import StepFailed
from blackstart.controls.kubeconfig import server_of
from blackstart.controls.steps.local import run
from blackstart.model.step import Command

_PROGRAMS = ("kubectl", "oc", "helm")
# As kubectl calls them; helm has a name of its own for one.
_OPTIONS = {"--context": "context", "--kube-context": "context", "--kubeconfig": "kubeconfig", "--cluster": "cluster"}
_SERVERS = ("--server", "-s", "--kube-apiserver")
_WORDS = re.compile(r"[\s;|&()'\"`$<>]+")


def reached_by(step: Command, environment: Mapping[str, str]) -> str:
    """The API server's URL; empty where the command is no kubectl, or kubectl finds no cluster to lead it to."""
    words = [word for text in step.argv for word in _WORDS.split(text)]
    if not any(os.path.basename(word) in _PROGRAMS for word in words):
        return ""
    given = dict(_options(words))
    if "server" in given:
        return given["server"]
    kubeconfig = step.env.get("KUBECONFIG") or environment.get("KUBECONFIG", "")
    cluster = given.pop("cluster", "")
    options = (*(() if cluster else ("--minify",)), *(f"--{name}={value}" for name, value in sorted(given.items())))
    return _server(cluster, options, kubeconfig)


@cache
def _server(cluster: str, options: tuple[str, ...], kubeconfig: str) -> str:
    env = {"KUBECONFIG": kubeconfig} if kubeconfig else {}
    try:
        told = run(Command(("kubectl", "config", "view", "--output=json", *options), env=env))
    except StepFailed:  # no kubectl
        return ""
    clusters = (json.loads(told.stdout).get("clusters") or ()) if told.ok else ()
    return next((server_of(one["cluster"]) for one in clusters if cluster in ("", one["name"])), "")


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word, after in zip(words, [*words[1:], ""], strict=True):
        option, given, value = word.partition("=")
        name = _OPTIONS.get(option) or ("server" if option in _SERVERS else "")
        if name and (value if given else after):
            yield name, value if given else after

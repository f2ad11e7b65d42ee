"""Which cluster a kubectl command leads to, as kubectl itself reads its kubeconfig. No server is asked."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from blackstart.base.errors import StepFailed
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
    which = f'{{.clusters[?(@.name=="{cluster}")].cluster.server}}' if cluster else "{.clusters[0].cluster.server}"
    options = (*(() if cluster else ("--minify",)), *(f"--{name}={value}" for name, value in sorted(given.items())))
    return _server((f"--output=jsonpath={which}", *options), kubeconfig)


@cache
def _server(options: tuple[str, ...], kubeconfig: str) -> str:
    env = {"KUBECONFIG": kubeconfig} if kubeconfig else {}
    try:
        told = run(Command(("kubectl", "config", "view", *options), env=env))
    except StepFailed:  # no kubectl
        return ""
    return told.stdout.strip() if told.ok else ""


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word, after in zip(words, [*words[1:], ""], strict=True):
        option, given, value = word.partition("=")
        name = _OPTIONS.get(option) or ("server" if option in _SERVERS else "")
        if name and (value if given else after):
            yield name, value if given else after

"""The trader in a Kubernetes: what `lab.up trader --on kubernetes` tells its manifests, and when it is up."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from blackstart_lab import kubernetes
from blackstart_lab.kubernetes import Part
from blackstart_lab.model import Layout
from blackstart_lab.trader import answers
from blackstart_lab.workspace import Workspace


def lay_out(workspace: Workspace, options: Namespace, names: Sequence[str], head: Mapping[str, Any]) -> Layout:
    """`names` are the instances of the app, the first of which is asked. Raises NotStarted."""
    place = kubernetes.place(workspace)
    where = place.addresses("redis", "postgres", *names)
    told = {"REDIS": where["redis"], "POSTGRES": where["postgres"], "PROFILE": options.profile}
    parts = {
        "redis": Part(where["redis"], {"dsn": f"redis://{where['redis']}/0"}),
        "postgres": Part(where["postgres"], {"dsn": f"postgresql://trader@{where['postgres']}/trader"}),
        **{name: _app(where[name], [where[each] for each in names]) for name in names},
    }
    api = f"http://{where[names[0]]}"
    return place.lay_out({**head, "api": api}, parts, {**told, "MUTANT": options.mutant or ""}, options.within_s)


def _app(address: str, apps: Sequence[str]) -> Part:
    """Its pod is ready while it answers: one of the apps must lead, too."""
    leads = (lambda: answers.lacks_leader(apps)) if address == apps[0] else (lambda: answers.lacks_health(address))
    return Part(address, {"url": f"http://{address}"}, leads)

"""Where in which cluster something is: what one context of a kubeconfig leads to, and a namespace there."""

import contextlib
import json
import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget, StepFailed, did_you_mean
from blackstart.controls.kubeconfig import is_local
from blackstart.model.control import Control
from blackstart.model.step import Command

if TYPE_CHECKING:
    from blackstart.controls.cluster.api_server import ApiServer

CHAOS_MESH = "chaos-mesh"
"""Where Chaos Mesh itself is, unless a target says otherwise."""
_LACKS_CLIENT = "a control of Kubernetes needs its client: pip install 'blackstart[kubernetes]'"


@plain("kubernetes_context")
class Context:
    """`cluster` is the cluster's uid, `server` the API server's URL, `local` whether that is on this machine's
    loopback, `kubeconfig` as in KUBECONFIG, `chaos_mesh` the namespace that Chaos Mesh itself is in. All but what a
    target names is known after `resolve`."""

    namespace: str = ""
    context: str = ""
    cluster: str = ""
    server: str = ""
    kubectl: str = ""
    kubeconfig: str = ""
    local: bool = True
    chaos_mesh: str = CHAOS_MESH

    def resolve(self) -> "Context":
        """The one namespace that is meant, in the one cluster. Raises BadTarget with what is near, StepFailed."""
        kubectl = shutil.which(self.kubectl or "kubectl")
        if not kubectl:
            raise BadTarget("there is no kubectl on PATH, which every step and undo is made of: install it")
        known = replace(self, kubectl=kubectl, kubeconfig=self.kubeconfig or _kubeconfig())
        api = known.api()
        known = replace(
            known,
            context=api.context,
            server=api.server,
            local=is_local(api.server),
            namespace=self.namespace or api.namespace,
            cluster=api.uid,
        )
        if not known.cluster:
            raise StepFailed(f"{api.context}: {api.server} has no namespace kube-system: is it a Kubernetes?")
        if api.get("namespace", known.namespace) is None:
            names: list[str] = []
            with contextlib.suppress(StepFailed):  # not everybody may list them
                names = [one["metadata"]["name"] for one in api.list("namespace", "")]
            raise BadTarget(
                f'{api.context} has no namespace "{known.namespace}".{did_you_mean(known.namespace, names)}'
            )
        return known

    def api(self, timeout_s: float = 10.0) -> "ApiServer":
        """The API server. Raises BadTarget without its client or the context, StepFailed where it can't be asked."""
        try:
            from blackstart.controls.cluster import api_server  # noqa: PLC0415  (an extra, for who names a cluster)
        except ModuleNotFoundError as error:
            raise BadTarget(f"{_LACKS_CLIENT} (there is no module {error.name})") from error
        api = api_server.connect(self.kubectl, self.kubeconfig, self.context, timeout_s)
        if self.cluster and api.uid != self.cluster:
            raise StepFailed(f"the context {self.context} leads to another cluster by now ({api.uid})")
        return api

    def step(self, *words: str, **more: Any) -> Command:
        """kubectl with these words, in this namespace, whatever context is the current one by then."""
        argv = (self.kubectl or "kubectl", f"--context={self.context}", f"--namespace={self.namespace}", *words)
        return Command(argv, env={"KUBECONFIG": self.kubeconfig} if self.kubeconfig else {}, **more)

    def script(self, called: str, text: str, *words: str, **more: Any) -> Command:
        """A script of the shell in which `kubectl` is as in `step`; the `words` are its $1 and so on."""
        kubectl = self.step(**more)
        lines = f'kubectl() {{ {shlex.join(("command", *kubectl.argv))} "$@"; }}; {text}'
        return replace(kubectl, argv=("sh", "-c", lines, called, *words))

    def create(self, thing: Mapping[str, Any], *words: str) -> Command:
        """Make what a manifest describes; it fails where there is one of that name already."""
        text = f'printf %s "$1" | kubectl {shlex.join(("create", *words, "-f", "-"))}'
        return self.script("create", text, json.dumps(thing))

    def may(self, verb: str, what: str, *more: str) -> Command:
        """Asks the API server for a right (SelfSubjectAccessReview), and fails where it is missing."""
        return self.step("auth", "can-i", verb, what, *more)

    def fields(self) -> dict[str, Any]:
        """By name, as a control has them, too."""
        return asdict(self)


def place_of(control: Control) -> Context:
    """Where a control's pods are. Raises NotAvailable where it has none."""
    control.pod_selector()
    return Context(**{name: getattr(control, name) for name in Context().fields()})


def _kubeconfig() -> str:
    """The files that kubectl reads, by whole paths: an undo from another shell, or by root, meets the same cluster."""
    named = [path for path in os.environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    return os.pathsep.join(map(os.path.abspath, named)) or str(Path("~/.kube/config").expanduser())

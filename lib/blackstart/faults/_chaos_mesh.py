"""What faults by Chaos Mesh share: the pods of a service in Kubernetes, and a resource of Chaos Mesh that breaks them.

One resource is one change. It is made for the pods that are there, by name. Its `duration` is a dead-man's switch: with
nobody left who would delete it, Chaos Mesh takes the fault back by itself.
"""

import hashlib
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from blackstart import controls
from blackstart.base.errors import Refused, StepFailed
from blackstart.controls.kubernetes_answers import JsonObject, controller, is_alive
from blackstart.controls.kubernetes_chaos import ABSENT, INJECTED, acts_on, daemons, stale
from blackstart.controls.kubernetes_context import Context, place_of
from blackstart.controls.steps.local import carry_out, run
from blackstart.faults._service import ServiceUnderTest, service_under_test
from blackstart.faults._wire import SPARE_S, Route, route_to
from blackstart.model.change import Change
from blackstart.model.expect import Condition
from blackstart.model.target import Target
from blackstart.probes.chaos_state import ChaosState

MARK = "blackstart.dev/fault"
"""The label of all that is made for a fault: what it is called."""
_KINDS = ("networkchaos", "stresschaos", "podchaos")
_API = "/apis/chaos-mesh.org/v1alpha1"
_NOT_SERVED = "(NotFound)"
_TAKEN_BACK_WITHIN_S = 15
_UNDO_WITHIN_S = 120.0
_PHASES = "{range .status.experiment.containerRecords[*]}{.phase} {.events[-1:].type}{end}"
# A resource that failed to break a pod's network is never let go of; with the pod, all that was done to it is gone.
_UNTIL_GONE = f"""
thing=$1; shift
there() {{ [ -n "$(kubectl get "$thing" --ignore-not-found -o name || echo unknown)" ]; }}
gone() {{ there || return 0; kubectl wait "$thing" --for=delete --timeout="$1" || ! there; }}
gone {_TAKEN_BACK_WITHIN_S}s && exit
case $(kubectl get "$thing" -o jsonpath={shlex.quote(_PHASES)}) in
*"Not Injected/Wait Failed"*) kubectl delete pods --ignore-not-found "$@" && gone 60s && exit ;;
esac
echo "Chaos Mesh does not take $thing back: do its controller and its daemons run?" >&2
exit 1
"""


@dataclass(frozen=True)
class Pods:
    """A service's pods, as the API server tells of them now, where they are, the daemon's pod on each node,
    and how long a change of them may live."""

    tested: ServiceUnderTest
    place: Context
    told: Sequence[JsonObject]
    daemons: Mapping[str, str]
    lease_s: float

    @property
    def home(self) -> Context:
        """Where Chaos Mesh itself is."""
        return replace(self.place, namespace=self.place.chaos_mesh)

    @property
    def name(self) -> str:
        """The service's."""
        return self.tested.service.name

    @property
    def names(self) -> tuple[str, ...]:
        """Theirs."""
        return tuple(str(pod["metadata"]["name"]) for pod in self.told)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Where they run, each once."""
        return tuple(dict.fromkeys(str(pod["spec"].get("nodeName", "")) for pod in self.told))

    def change(
        self,
        what: str,
        kind: str,
        spec: Mapping[str, Any],
        bites: tuple[Condition, ...],
        gone: tuple[Condition, ...] = (),
    ) -> Change:
        """A resource of that kind for these pods. `bites` and `gone` are what is seen of it from outside."""
        place, resource = self.place, kind.lower()
        name = self._called(kind, spec)
        uids = tuple(str(pod["metadata"]["uid"]) for pod in self.told)
        state = ChaosState(place, resource, name, self.tested.control.pod_selector(), uids, f"{self.name}_{resource}")
        thing = f"{resource}.chaos-mesh.org/{name}"
        made = self._manifest(kind, name, spec)
        typed = shlex.join(place.step("wait", thing, "--for=delete").argv)  # by a person, where all is well
        return Change(
            what=what,
            service=self.name,
            do=(place.create(made),),
            undo=(
                place.step("delete", thing, "--ignore-not-found", "--wait=false"),
                place.script(typed, _UNTIL_GONE, thing, *self.names, timeout_s=_UNDO_WITHIN_S),
            ),
            bites=(*bites, state.is_(INJECTED)),
            gone=(*gone, *self.tested.up(), state.is_(ABSENT)),
            # The last one asks all of it at once: the schema, the webhooks, and what they want of who asks.
            rights=(
                *(place.may(verb, f"{resource}.chaos-mesh.org") for verb in ("create", "get", "delete")),
                *(place.may(verb, "pods") for verb in ("list", "delete")),
                place.create(made, "--dry-run=server", "--output=name"),
            ),
            undo_is_noop=True,
            lease_s=self.lease_s,
        )

    def network(self, what: str, spec: Mapping[str, Any], bites: Condition, *gone: Condition) -> Change:
        """A NetworkChaos for them."""
        return self.change(what, "NetworkChaos", spec, (bites,), gone)

    def paused(self, what: str) -> Change:
        """Their containers run the pause image. Raises Refused where nobody could see it."""
        bites = self.tested.unheard()
        if not bites:
            raise Refused(f"whether the pods of {self.name} are down can't be seen from here: give it an address")
        return self.change(what, "PodChaos", {"action": "pod-failure"}, bites)

    def refuse_without_queue(self, target: Target, queue: str, *settings: str) -> None:
        """Raise Refused where a node's kernel has no such queue discipline: what needs one would fail, and be stuck.

        It is tried by the daemon on that node, in a network that is gone at once. `--allow` of its name takes it for
        there.
        """
        tried = ("unshare", "-n", "tc", "qdisc", "add", "dev", "lo", "root", queue, *settings)
        allow = f"if you know better, allow it by name: --allow {queue}"
        for node in self.nodes if queue not in target.allow else ():
            came = run(self.home.step("exec", self.daemons[node], "--", *tried))
            said = came.stderr.strip() or f"exit code {came.code}"
            if "qdisc kind is unknown" in said:
                raise Refused(f"the kernel of {node}, where {self.name} runs, has no {queue} ({said}); {allow}")
            if not came.ok:
                raise Refused(f"whether the kernel of {node} has {queue} can't be seen ({said}); {allow}")

    def _called(self, kind: str, spec: Mapping[str, Any]) -> str:
        drawn = hashlib.sha256(f"{self.tested.control.identity()} {kind} {spec}".encode()).hexdigest()[:12]
        return f"blackstart-{drawn}"

    def _manifest(self, kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        namespace = self.place.namespace
        pods = {"namespaces": [namespace], "pods": {namespace: list(self.names)}}
        marks = {MARK: name, "app.kubernetes.io/managed-by": "blackstart"}
        return {
            "apiVersion": "chaos-mesh.org/v1alpha1",
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace, "labels": marks},
            "spec": {"mode": "all", "selector": pods, "duration": f"{math.ceil(self.lease_s + SPARE_S)}s", **spec},
        }


def dropped(direction: str) -> dict[str, str]:
    """Packets `from` anybody to the pods are dropped, `to` anybody, or in `both` directions."""
    return {"action": "partition", "direction": direction}


def in_pods(target: Target, name: str) -> bool:
    """Whether the service is one of Kubernetes, and no packets of it are named that this machine could get at."""
    service = target.service(name)
    return (
        bool(service.control) and not service.net and controls.offers(service, lambda control: control.pod_selector())
    )


def in_unproxied_pods(target: Target, name: str) -> bool:
    """The same, and no fault proxy is named on the way to it."""
    return in_pods(target, name) and not (target.proxy and target.service(name).proxy_name)


def in_served_pods(target: Target, name: str) -> bool:
    """The same as `in_pods`, in a cluster that has Chaos Mesh. Raises Refused where that can't be seen."""
    return in_pods(target, name) and serves(place_of(controls.resolved(target.service(name))))


def pods_of(target: Target, name: str) -> Pods:
    """The service's pods. Raises Refused where Chaos Mesh can't get at them all: it is not there, nor its daemon on
    their nodes, or something of it is there already."""
    tested = service_under_test(target, name)
    place = place_of(tested.control)
    try:
        if not serves(place):
            raise Refused(
                f"{place.context} has no Chaos Mesh (its API server has no {_API}), and the pods of {name} can be "
                "broken by nothing else: install it (https://chaos-mesh.org), or put a fault proxy on the way"
            )
        api = place.api()
        found = list(filter(is_alive, api.list("pod", place.namespace, tested.control.pod_selector())))
        ready = daemons(api.list("endpointslice", place.chaos_mesh))
        others = [one for kind in _KINDS for one in api.list(kind, place.namespace)]
        networks = api.list("podnetworkchaos", place.namespace)
    except StepFailed as error:
        raise Refused(f"what Chaos Mesh can do to {name} can't be seen: {error}") from error
    pods = Pods(tested, place, found, ready, target.in_force_s)
    if lacking := sorted(set(pods.nodes) - ready.keys()):
        raise Refused(
            f"pods of {name} run on {', '.join(lacking)}, where no daemon of Chaos Mesh is ready: see kubectl "
            f"--namespace={place.chaos_mesh} get pods -l app.kubernetes.io/component=chaos-daemon. Where Chaos Mesh is "
            'in another namespace, the control says so: chaos_mesh = "…"'
        )
    if left := [str(one["metadata"]["name"]) for one in others if acts_on(one, place.namespace, pods.names)]:
        raise Refused(
            f"{name} is broken by Chaos Mesh already ({', '.join(left)}). What is left of a drill goes by chaos.heal; "
            "what is somebody else's must be over first"
        )
    if failed := stale(networks, pods.names):
        raise Refused(
            f"a fault of the network that failed is left at {', '.join(failed)}, and fails the next: delete them "
            f"(kubectl --context={place.context} --namespace={place.namespace} delete pods {' '.join(failed)}); "
            "the pods that come in their place are whole"
        )
    return pods


def network_of(target: Target, name: str) -> tuple[Pods, Route]:
    """The service's pods, and the way to them, which works now. Raises Refused where that is not so, or their network
    is their node's, or a pod is of no workload."""
    route = route_to(target, name)
    route.normal()
    pods = pods_of(target, name)
    if lone := [str(pod["metadata"]["name"]) for pod in pods.told if not controller(pod)]:
        raise Refused(
            f"nothing would bring {', '.join(lone)} back, of {name}: where Chaos Mesh fails at a pod's network, its "
            "undo deletes the pod. Have them made by a workload, such as a Deployment, or put a fault proxy on the way"
        )
    if any(pod["spec"].get("hostNetwork") for pod in pods.told):
        raise Refused(f"the pods of {name} are on their node's own network: broken, it would break the node")
    return pods, route


def serves(place: Context) -> bool:
    """Whether the cluster has Chaos Mesh. Raises Refused where that can't be seen."""
    try:
        return not carry_out(place.step("get", f"--raw={_API}", accepts=(_NOT_SERVED,))).already
    except StepFailed as error:
        raise Refused(f"whether {place.context} has Chaos Mesh can't be seen: {error}") from error

"""Services in Kubernetes: `{ deployment = "redis", namespace = "shop", context = "kind-shop" }`, or `statefulset`,
`daemonset`, or `pod = "app=redis"`, a label selector.

*Stop* is a scale to 0 (a DaemonSet is sent to nodes that do not exist), and *start* brings back the number of pods that
there were, which stands in the undo and in an annotation. *Kill* does the same, and deletes the pods, so that they have
no time to end in order. A *crash* is a signal to the main process from the machine that it runs on, after
which Kubernetes starts it again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget, NotAvailable, StepFailed
from blackstart.controls import container_process, kubernetes_places, kubernetes_workload, read_table
from blackstart.controls.kubernetes_answers import (
    NOWHERE,
    REPLICAS,
    JsonObject,
    container_ids,
    selector_of,
    state,
    state_of_pods,
)
from blackstart.controls.kubernetes_context import CHAOS_MESH, Context, place_of
from blackstart.controls.kubernetes_rivals import rivals
from blackstart.controls.kubernetes_workload import SCALED, WORKLOADS
from blackstart.model.control import Control, State
from blackstart.model.step import Command

if TYPE_CHECKING:
    from blackstart.controls.cluster.api_server import ApiServer

# Above the 30 s that a pod has to end in order unless it says otherwise; kubectl gives up before the step does.
_STOP_TIMEOUT_S, _WAITS_S = 120.0, 110
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z")
_SELECTOR = re.compile(r"[\w./-]+=[\w.-]+(,[\w./-]+=[\w.-]+)*\Z")
_NAMES = {**dict.fromkeys(WORKLOADS, _NAME), "pod": _SELECTOR}
_PLACE = ("namespace", "context", "chaos_mesh")
_FORMS = ("can't be a name in Kubernetes", 'is not labels with their values, as in pod = "app=redis,tier=cache"')
_CRASH = (
    'signal=$1; shift; for one; do pid=${one%%:*}; grep -q "${one#*:}" "/proc/$pid/cgroup" 2>/dev/null || { '
    'echo "process $pid is no more the one that was seen: somebody restarted it" >&2; exit 75; }; done; '
    'for one; do kill -s "$signal" "${one%%:*}" || sudo -n kill -s "$signal" "${one%%:*}" || exit; done'
)


@plain("control.kubernetes")
class Kubernetes(Control):
    """One workload (`resource` is deployment, statefulset or daemonset), or pods that are not all of one (`pod`).

    `resolve` finds the rest: `context` and `namespace` where they were left out, `cluster` (its uid), `server`,
    `kubectl` and `kubeconfig` (as in KUBECONFIG), the label `selector` of its pods, and how many there are (`pods`).
    """

    kind: ClassVar[str] = "kubernetes"
    resource: str
    name: str
    namespace: str = ""
    context: str = ""
    cluster: str = ""
    server: str = ""
    kubectl: str = ""
    kubeconfig: str = ""
    selector: str = ""
    pods: int = 0
    local: bool = True
    chaos_mesh: str = CHAOS_MESH

    def reach(self) -> str:
        """The API server, unless it listens on this machine's loopback. Known after `resolve`."""
        return "" if self.local else self.server

    def identity(self) -> str:
        """The cluster by its uid, whatever context leads to it, the namespace, the kind and the name."""
        return f"kubernetes:{self.cluster or self.context or '*'}:{self.namespace or '*'}/{self.resource}/{self.name}"

    def names(self) -> Mapping[str, str]:
        """The workload's, or the selector."""
        return {self.resource: self.name}

    def called(self) -> str:
        """As in "the deployment shop/redis"."""
        return f"the {self.resource} {self.namespace}/{self.name}"

    # ------------------------------------------------------------ what is there

    def resolve(self) -> Control:
        """The one workload that is meant, in the one cluster. Raises BadTarget with what is near, StepFailed."""
        known = replace(self, **self.place.resolve().fields())
        found = kubernetes_workload.meant(known._api(), known.namespace, self.resource, self.name)
        return replace(known, resource=found.resource, name=found.name, selector=found.selector, pods=found.pods)

    def read_state(self, timeout_s: float = 10.0) -> State:
        """What the API server says of the workload and its pods."""
        api = self._api(timeout_s)
        if self.resource == "pod":
            found = api.list("pod", self.namespace, self.name)
            return self._with_pid(state_of_pods(found, self.pods), found)
        workload = api.get(self.resource, self.name, self.namespace)
        found = api.list("pod", self.namespace, selector_of(workload)) if workload else []
        return self._with_pid(state(workload, found), found)

    def rivals(self) -> Mapping[str, str]:
        """An operator that owns it, GitOps, an autoscaler, a budget of disruptions."""
        api = self._api()
        workload = api.get(self.resource, self.name, self.namespace) if self.resource != "pod" else None
        if workload is None:
            return {}
        return rivals(workload, api.list("autoscaler", self.namespace), api.list("budget", self.namespace))

    def not_at(self, hosts: Sequence[str], port: int) -> str:
        """Compares with its pods, with the Services that pick them and with who listens there."""
        api = self._api()
        found = api.list("pod", self.namespace, self.selector)
        return kubernetes_places.not_at(self.called(), found, api.list("service", self.namespace), hosts, port)

    # ------------------------------------------------------------ what can be done

    def start(self) -> tuple[Command, ...]:
        """Back to the number of pods that there were, unless somebody has given it another number than 0 meanwhile."""
        if self.resource == "pod":  # whatever made them makes them anew
            return (self._wait("Ready"),)
        if self.resource == "daemonset":
            return (self._patch(f'{{"{NOWHERE}":null}}'),)
        runs = ("Expected replicas to be 0",)
        back = self._kubectl("scale", self._it, "--current-replicas=0", f"--replicas={self.pods or 1}", accepts=runs)
        return (back, self._kubectl("annotate", self._it, f"{REPLICAS}-"))

    def stop(self) -> tuple[Command, ...]:
        """To 0 pods, and until they have ended."""
        return (*self._to_none(), self._wait("delete"))

    def kill(self) -> tuple[Command, ...]:
        """To 0 pods, and those that are there deleted at once."""
        now = ("--grace-period=0", "--force", "--ignore-not-found", "--wait=false")
        return (*self._to_none(), self._kubectl("delete", "pods", f"--selector={self.selector}", *now))

    def crash(self, seen: State, signal: str) -> tuple[Command, ...]:
        """The signal to the main process of each pod, as this machine numbers it; needs root."""
        try:
            ids = container_ids(self._api().list("pod", self.namespace, self.selector))
        except StepFailed as error:
            raise NotAvailable(f"what runs of {self.called()} can't be seen: {error}") from error
        pids = {one: container_process.main_pid(one) for one in ids}
        if not pids or None in pids.values():
            raise NotAvailable(
                f"{self.called()} runs on nodes that are not this machine, and a signal from inside does not reach a "
                "container's main process: run the drill on the node, or break it with the fault kill"
            )
        return (Command(("sh", "-c", _CRASH, "crash", signal, *(f"{pid}:{one}" for one, pid in pids.items()))),)

    def pause(self) -> tuple[Command, ...]:
        """Not to be had."""
        self._refuse_pause()

    def resume(self) -> tuple[Command, ...]:
        """Not to be had."""
        self._refuse_pause()

    def rights(self) -> tuple[Command, ...]:
        """Asks the API server for each right that a stop, a kill and their undo need (SelfSubjectAccessReview)."""
        if self.resource == "pod":
            return (self._may("list", "pods"),)
        it = f"{self.resource}s.apps/{self.name}"
        scale = (self._may("update", it, "--subresource=scale"),) if self.resource in SCALED else ()
        return (self._may("patch", it), *scale, *(self._may(verb, "pods") for verb in ("watch", "delete")))

    def inside(self, argv: tuple[str, ...]) -> Command:
        """`kubectl exec`, in the first of its pods."""
        if self.resource == "pod":
            raise NotAvailable("a selector names no single pod to run a command in: name its deployment")
        return self._kubectl("exec", self._it, "--", *argv)

    def pod_selector(self) -> str:
        """Of all of them."""
        return self.selector

    def log_tail(self, lines: int, since: str = "") -> Command | None:
        """`kubectl logs` of all its pods."""
        when = (f"--since-time={since}",) if since else ()
        many = ("--prefix", f"--tail={lines}", f"--max-log-requests={max(self.pods, 1)}")
        return self._kubectl("logs", f"--selector={self.selector}", *many, *when)

    # ------------------------------------------------------------ how

    @property
    def _it(self) -> str:
        return f"{self.resource}/{self.name}"

    def _to_none(self) -> tuple[Command, ...]:
        if self.resource == "pod":
            raise NotAvailable(
                f"pods that are picked by labels ({self.name}) have no number that could be set to 0, and who ends is "
                'replaced at once: name what they are of, as in deployment = "…", or use the fault crash'
            )
        if self.resource == "daemonset":
            return (self._patch(f'{{"{NOWHERE}":"true"}}'),)
        note = self._kubectl("annotate", self._it, f"{REPLICAS}={self.pods}", "--overwrite")
        return note, self._kubectl("scale", self._it, f"--current-replicas={self.pods}", "--replicas=0")

    def _patch(self, nodes: str) -> Command:
        return self._kubectl(
            "patch", self._it, "--patch", f'{{"spec":{{"template":{{"spec":{{"nodeSelector":{nodes}}}}}}}}}'
        )

    def _wait(self, until: str) -> Command:
        what = "--for=delete" if until == "delete" else f"--for=condition={until}"
        none = ("no matching resources found",) if until == "delete" else ()
        words = ("wait", "pods", f"--selector={self.selector}", what, f"--timeout={_WAITS_S}s")
        return self._kubectl(*words, accepts=none, timeout_s=_STOP_TIMEOUT_S)

    def _may(self, verb: str, what: str, *more: str) -> Command:
        return self.place.may(verb, what, *more)

    def _kubectl(self, *words: str, **more: Any) -> Command:
        return self.place.step(*words, **more)

    def _refuse_pause(self) -> NoReturn:
        raise NotAvailable(
            "Kubernetes freezes no container, and SIGSTOP from inside has no effect on its main process. What is to be "
            "had: a limit of processor time set in place (kubectl patch pod POD --subresource=resize --patch "
            '\'{"spec":{"containers":[{"name":"…","resources":{"limits":{"cpu":"1m"}}}]}}\'), or the fault stop'
        )

    # ------------------------------------------------------------ looking

    @property
    def place(self) -> Context:
        """The namespace, in its cluster."""
        return place_of(self)

    def _api(self, timeout_s: float = 10.0) -> "ApiServer":
        return self.place.api(timeout_s)

    def _with_pid(self, seen: State, pods: Sequence[JsonObject]) -> State:
        ids = container_ids(pods)
        return replace(seen, pid=container_process.main_pid(ids[0])) if len(ids) == 1 else seen


def _read(where: str, table: Mapping[str, Any]) -> Control:
    values = read_table(where, table, dict.fromkeys((*_NAMES, *_PLACE), str))
    told = [key for key in _NAMES if key in values]
    if len(told) > 1:
        raise BadTarget(f"{where}: {' and '.join(told)} name it twice; keep one of them")
    if not _NAMES[told[0]].match(values[told[0]]):
        raise BadTarget(f'{where}: {told[0]} = "{values[told[0]]}" {_FORMS[told[0] == "pod"]}')
    return Kubernetes(told[0], values[told[0]], **{key: values[key] for key in _PLACE if key in values})


KINDS = dict.fromkeys(_NAMES, _read)

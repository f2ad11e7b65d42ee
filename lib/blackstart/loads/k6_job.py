"""The indexed Job that plays a k6 script, as `kubectl` makes it and takes it away. Pure.

k6 divides every scenario by execution segments: of N pods, number i plays the share from i/N to (i+1)/N of each. A pod
reads its own from the file `i.json` of the ConfigMap, `i` being its index in the Job.
"""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from blackstart.loads.k6 import ARGUMENTS, VARIABLES_SET
from blackstart.loads.k6_pods import K6Pods
from blackstart.model.change import Change
from blackstart.probes.cluster_things import ClusterThings

MARK = "blackstart.dev/load"
"""The label of all that is made for one load: the Job's name."""
INDEX = "batch.kubernetes.io/job-completion-index"
PORT = 6565  # k6's own for its API
FOLDER = "/blackstart"
_SCRIPTS = Path(__file__).parent / "in_pods"
_KEPT_S = 600  # after its end, where nobody is left who would take it away
_USER = 12345  # the one of k6's own image; any that is not root


def segments(pods: int) -> tuple[tuple[str, str], ...]:
    """Of each pod, its segment and the sequence of all, as k6 reads them: the union is the whole, and nothing twice."""
    ends = [str(Fraction(number, pods)) for number in range(pods + 1)]
    return tuple((f"{begin}:{end}", ",".join(ends)) for begin, end in zip(ends, ends[1:], strict=False))


def change(load: K6Pods, run: str, lease_s: float) -> Change:
    """The Job and what its pods read, as one change that a run makes and takes back. `lease_s` is how long it may be
    there, whoever dies."""
    place, name = load.place, load.job
    files = [f"--from-file={file.name}={file}" for file in sorted(_SCRIPTS.glob("*.js"))]
    files += [f"--from-file=script.js={Path(load.k6.script).absolute()}"]
    options = [
        json.dumps({"executionSegment": segment, "executionSegmentSequence": sequence})
        for segment, sequence in segments(load.pods)
    ]
    files += [f"--from-literal={index}.json={text}" for index, text in enumerate(options)]
    things = (f"job/{name}", f"configmap/{name}")
    away = ("--ignore-not-found", "--cascade=foreground", "--wait=false")
    return Change(
        what=f"play {load.name} in {load.pods} pods ({place.namespace}/{name})",
        service=load.name,
        do=(place.step("create", "configmap", name, *files), place.create(_job(load, run, lease_s))),
        undo=(place.step("delete", *things, *away),),
        bites=(),
        gone=(ClusterThings(place, name, MARK, ("job", "configmap")).is_(0),),
        rights=tuple(place.may(verb, what, *more) for verb, what, *more in _RIGHTS),
        undo_is_noop=True,
        lease_s=lease_s,
    )


_RIGHTS = (
    ("create", "configmaps"), ("get", "configmaps"), ("delete", "configmaps"),
    ("create", "jobs.batch"), ("get", "jobs.batch"), ("delete", "jobs.batch"),
    ("list", "pods"), ("get", "pods"), ("get", "pods", "--subresource=log"), ("create", "pods", "--subresource=exec"),
)  # fmt: skip


def _job(load: K6Pods, run: str, lease_s: float) -> dict[str, Any]:
    marks = {MARK: load.job, "app.kubernetes.io/managed-by": "blackstart"}
    # What does not succeed is not tried again, and the others go on: the driver ends them, and reads what they say.
    spec = {
        "completionMode": "Indexed", "completions": load.pods, "parallelism": load.pods, "backoffLimitPerIndex": 0,
        # Whoever dies, the cluster itself ends the load.
        "activeDeadlineSeconds": round(lease_s), "ttlSecondsAfterFinished": _KEPT_S,
        "template": {"metadata": {"labels": marks}, "spec": _pod(load)},
    }  # fmt: skip
    about = {"name": load.job, "labels": marks, "annotations": {"blackstart.dev/run": run}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": about, "spec": spec}


def _pod(load: K6Pods) -> dict[str, Any]:
    own = f"--config={FOLDER}/$(JOB_COMPLETION_INDEX).json"
    argv = ["run", *ARGUMENTS, f"--address=0.0.0.0:{PORT}", own, "--no-thresholds=true", *load.k6.args]
    env = [{"name": name, "value": _verbatim(value)} for name, value in {**load.k6.env, **VARIABLES_SET}.items()]
    container: dict[str, Any] = {
        "name": "k6", "image": load.image, "imagePullPolicy": "IfNotPresent", "command": [load.k6.binary],
        "args": [*argv, f"{FOLDER}/main.js"], "env": env,
        "envFrom": [{"secretRef": {"name": load.env_from}}] if load.env_from else [],
        "readinessProbe": {"httpGet": {"path": "/v1/status", "port": PORT}, "periodSeconds": 1},
        "volumeMounts": [{"name": "load", "mountPath": FOLDER, "readOnly": True}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }  # fmt: skip
    node = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    return {
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 3, "automountServiceAccountToken": False,
        "enableServiceLinks": False, "containers": [container],
        "securityContext": {"runAsNonRoot": True, "runAsUser": _USER, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": [node | {"labelSelector": {"matchLabels": {MARK: load.job}}}],
        "volumes": [{"name": "load", "configMap": {"name": load.job}}],
    }  # fmt: skip


def _verbatim(value: str) -> str:
    """Kubernetes reads `$(NAME)` in a value as another variable's."""
    return value.replace("$(", "$$(")

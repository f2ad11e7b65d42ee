"""What Chaos Mesh says of a resource of its, read. Pure.

Its conditions are not relied on: `AllRecovered` is True before anything was injected, and where that only failed. What
each pod's record says counts.
"""

from collections.abc import Collection, Iterator, Sequence

from blackstart.controls.kubernetes_answers import JsonObject

WAITING, INJECTED, FAILED, REPLACED, RECOVERED, ENDING = (
    "waiting", "injected", "failed", "replaced", "recovered", "ending"
)  # fmt: skip
ABSENT = "absent"


def stage(resource: JsonObject | None, pods: Sequence[JsonObject], uids: Collection[str]) -> tuple[str, str]:
    """How far it has come, in one of the words above, and why it is no further, where it says that: `failed` and
    `ending` have it in the word, too, as in `failed: no such queue`.

    `pods` are those that are there now, `uids` of which the fault was planned: a pod that was replaced is not injected
    again, and its record stays as it is. Each has to have a record: Chaos Mesh makes do with the pods that it finds.
    """
    if resource is None:
        return ABSENT, ""
    why = "; ".join(dict.fromkeys(_failures(resource)))
    if resource["metadata"].get("deletionTimestamp"):
        return _because(ENDING, why), why
    names = {str(pod["metadata"]["uid"]): str(pod["metadata"]["name"]) for pod in pods}
    if gone := set(uids) - names.keys():
        return REPLACED, f"{len(gone)} of {len(uids)} pods are no more the ones that it was made for"
    records = _records(resource)
    if records and all(one.get("phase") == "Injected" and one.get("injectedCount", 0) >= 1 for one in records):
        left = sorted({names[uid] for uid in uids} - {pod[-1] for pod in _pods(resource)})
        return (WAITING, f"not selected: {', '.join(left)}") if left else (INJECTED, "")
    if records and all(one.get("phase") == "Not Injected" and one.get("recoveredCount", 0) >= 1 for one in records):
        return RECOVERED, "its duration is over"
    return (_because(FAILED, why), why) if why else (WAITING, "")


def _because(word: str, why: str) -> str:
    return f"{word}: {why}" if why else word


def acts_on(resource: JsonObject, namespace: str, names: Collection[str]) -> bool:
    """Whether it breaks any of these pods now, or will."""
    wanted = (resource.get("status") or {}).get("experiment", {}).get("desiredPhase", "Run")
    if wanted == "Stop" and not any(str(one.get("phase", "")).startswith("Injected") for one in _records(resource)):
        return False
    return any((namespace, name) in _pods(resource) for name in names)


def stale(podnetwork: Sequence[JsonObject], names: Collection[str]) -> list[str]:
    """The pods whose network a fault has failed to change: what is left of it there fails the next one, too."""
    failed = [one for one in podnetwork if (one.get("status") or {}).get("failedMessage")]
    return [name for one in failed if (name := str(one["metadata"]["name"])) in names]


def daemons(slices: Sequence[JsonObject]) -> dict[str, str]:
    """The pod of the daemon that is ready on each node, looked for as Chaos Mesh itself does."""
    mine = (one for one in slices if str(one["metadata"]["name"]).startswith("chaos-daemon-"))
    ends = [end for one in mine for end in one.get("endpoints") or ()]
    ready = [end for end in ends if (end.get("conditions") or {}).get("ready") is not False]
    return {str(end.get("nodeName")): str((end.get("targetRef") or {}).get("name", "")) for end in ready}


def _records(resource: JsonObject) -> Sequence[JsonObject]:
    experiment = (resource.get("status") or {}).get("experiment") or {}
    return experiment.get("containerRecords") or ()


def _pods(resource: JsonObject) -> set[tuple[str, ...]]:
    """Namespace and name of each pod that it has a record of."""
    return {tuple(str(one.get("id", "")).split("/")[:2]) for one in _records(resource)}


def _failures(resource: JsonObject) -> Iterator[str]:
    """What went wrong last with each pod, where its last event is a failure."""
    for record in _records(resource):
        last = (record.get("events") or [{}])[-1]
        if last.get("type") == "Failed":
            yield " ".join(str(last.get("message") or f"{last.get('operation')} failed").split())

"""What a container engine prints of a container, read."""

import json
from collections.abc import Iterable

from blackstart.base.errors import StepFailed
from blackstart.model.control import State, Status, life_of

_STATUS: dict[str, Status] = {
    "created": "stopped", "running": "running", "paused": "paused", "restarting": "starting", "exited": "stopped",
    "dead": "failed", "removing": "absent", "stopped": "stopped", "stopping": "stopping",
}  # fmt: skip

# podman-compose marks all that it makes with a unit of systemd, whether there is one or not; nobody replaces these.
_UNIT, _OF_PODMAN_COMPOSE = "PODMAN_SYSTEMD_UNIT", "io.podman.compose."
# Who makes another container in the place of one that ends, or does not answer, and a mark that its containers have.
_OWNERS = {
    "com.docker.swarm.": "Docker Swarm",
    "com.docker.stack.": "Docker Swarm",
    "io.kubernetes.": "Kubernetes",
    "annotation.io.kubernetes.": "Kubernetes",
    "com.hashicorp.nomad.": "Nomad",
    "com.amazonaws.ecs.": "Amazon ECS",
    "io.rancher.container.": "Rancher",
    "MESOS_TASK_ID": "Mesos",
    "net.azure-devices.edge.owner": "Azure IoT Edge",
    "io.balena.supervised": "balena",
    "supervisor_managed": "Home Assistant",  # io.hass. is in its images, whoever runs them
    _UNIT: "systemd",
}


def owner(labels: Iterable[str]) -> str:
    """The orchestrator that owns a container with these labels, with the label that says so; empty where none does."""
    told = sorted(labels)
    nobodys = {_UNIT} if any(label.startswith(_OF_PODMAN_COMPOSE) for label in told) else set()
    found = ((mark, label) for label in told for mark in _OWNERS if label.startswith(mark) and mark not in nobodys)
    return next((f"{_OWNERS[mark]} (its label {label})" for mark, label in found), "")


def state(text: str) -> State:
    """The state in `POLICY {"Status": …}` and, in lines of their own, the labels, as the look prints them;
    `POLICY,removed` where it is removed when it ends."""
    looked, *labels = text.split("\n")
    told_of_it, _, data = looked.partition(" ")
    policy, _, removed = told_of_it.partition(",")
    try:
        told = json.loads(data)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise StepFailed(f"the engine's answer can't be read: {text[:200]!r}")
    status = _STATUS.get(str(told.get("Status", "")).lower(), "failed")
    health = (told.get("Health") or told.get("Healthcheck") or {}).get("Status", "")
    detail = f"exit code {told.get('ExitCode')}" if status in ("stopped", "failed") else health
    revives = policy.lower() in ("always", "unless-stopped", "on-failure")
    lost = "its engine removes it when it ends (--rm), with what it keeps in volumes without a name" if removed else ""
    pid = told.get("Pid") or None
    life = life_of(pid, str(told.get("StartedAt", "")))
    ended = str(told.get("FinishedAt") or "") if status in ("stopped", "failed") else ""
    return State(status, life, pid, revives, detail, lost, owner(map(str.strip, labels)), ended)


_LIMITS = ("Memory", "MemorySwap", "NanoCpus", "CpuQuota", "CpuShares", "PidsLimit")


def settings(text: str) -> dict[str, str]:
    """Image, limits and restart policy in `IMAGE HOSTCONFIG` as `docker inspect` prints them."""
    image, _, data = text.strip().partition(" ")
    try:
        told = json.loads(data)
        policy = told["RestartPolicy"]
        retries = f":{policy['MaximumRetryCount']}" if policy.get("MaximumRetryCount") else ""
        limits = {name: str(told[name]) for name in _LIMITS if told.get(name)}
        return {"image": image, "restart policy": f"{policy['Name'] or 'no'}{retries}", **limits}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StepFailed(f"the engine's answer can't be read: {text[:200]!r}") from error


def published(text: str, port: int) -> str:
    """Where a port is published, in `BINDINGS MODE` as `docker inspect` prints them."""
    data, _, mode = text.strip().rpartition(" ")
    if mode == "host":
        return f"localhost:{port}"
    try:
        bindings = (json.loads(data) or {}).get(f"{port}/tcp") or ()
        found = [(one.get("HostIp") or "", int(one["HostPort"])) for one in bindings if one["HostPort"].isdigit()]
        found = [(str(host), outside) for host, outside in found if outside]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StepFailed(f"the engine's answer can't be read: {text[:200]!r}") from error
    if not found:
        return ""
    host, outside = min(found, key=lambda one: ":" in one[0])  # IPv4 first
    return f"{'localhost' if host in ('', '0.0.0.0', '::') else host}:{outside}"


def inner_port(told: str, outside: int) -> int:
    """The container's port behind a published one, in what `inspect` tells of its ports; the same where it has none."""
    try:
        ports = json.loads(told)
    except ValueError:
        ports = None
    for inner, places in (ports if isinstance(ports, dict) else {}).items():
        number, _, protocol = str(inner).partition("/")
        outer = [place.get("HostPort") for place in places or [] if isinstance(place, dict)]
        if protocol == "tcp" and number.isdigit() and str(outside) in outer:
            return int(number)
    return outside


def not_published(told: str, name: str, host: str, port: int) -> str:
    """Empty where the container publishes that port of this machine, has that address, or has the machine's network.

    `told` is `docker inspect`'s NetworkSettings as JSON, a blank, and the network mode.
    """
    data, _, mode = told.strip().rpartition(" ")
    try:
        settings = json.loads(data)
        addresses = {network.get("IPAddress", "") for network in (settings.get("Networks") or {}).values()}
        bindings = [one for many in (settings.get("Ports") or {}).values() for one in many or ()]
        ports = {int(one["HostPort"]) for one in bindings}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"what the engine says of {name} can't be read: {error}"
    if mode == "host" or host in addresses - {""} or port in ports:
        return ""
    shown = f"ports {', '.join(map(str, sorted(ports)))}" if ports else "no port"
    return f"the container {name} publishes {shown}, so {host}:{port} is another server"

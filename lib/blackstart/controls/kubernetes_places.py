"""Where a workload's pods can be reached, as the API server and this machine's sockets show it."""

from collections.abc import Collection, Iterator, Sequence

import psutil

from blackstart.base import sockets
from blackstart.controls import container_process
from blackstart.controls.kubernetes_answers import JsonObject, container_ids


def not_at(
    called: str, pods: Sequence[JsonObject], services: Sequence[JsonObject], hosts: Sequence[str], port: int
) -> str:
    """Why what answers at that port of none of the hosts is one of these pods; empty where it is.

    Empty, too, where nodes are other machines, and this one only leads to them: by what is not seen.
    """
    places = {*_of_pods(pods), *_of_services(pods, services)}
    if any((host, port) in places for host in hosts):
        return ""
    ids = container_ids(pods)
    if not any(container_process.main_pid(one) for one in ids):
        return ""
    here = any(map(sockets.is_loopback, hosts))
    if here and ("", port) in places:
        return ""
    if here and (listening := _listening(port)):
        if any(container_process.is_in(pid, ids) for pid in listening):
            return ""
        pids = ", ".join(map(str, sorted(listening)))
        end = "; a kubectl port-forward ends with the pod that it leads to, and is no way to one that comes back"
        return f"port {port} is served by process {pids}, which is none of {called}{end}"
    shown = ", ".join(f"{host or 'any node'}:{number}" for host, number in sorted(places))
    return f"{called} is reached at {shown or 'no port'}, so {hosts[0]}:{port} is another server"


def _of_pods(pods: Sequence[JsonObject]) -> Iterator[tuple[str, int]]:
    """Addresses of their own, with the ports that they tell of; a node's port has no host."""
    for pod in pods:
        status = pod.get("status") or {}
        for one in (one for container in pod["spec"]["containers"] for one in container.get("ports") or ()):
            yield str(status.get("podIP", "")), int(one["containerPort"])
            if one.get("hostPort"):
                yield from ((host, int(one["hostPort"])) for host in ("", str(status.get("hostIP", ""))))


def _of_services(pods: Sequence[JsonObject], services: Sequence[JsonObject]) -> Iterator[tuple[str, int]]:
    for service in services:
        spec = service["spec"]
        if not any(_picked(pod, spec.get("selector")) for pod in pods):
            continue
        balancers = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        addresses = [
            *(spec.get("clusterIPs") or ()),
            *(spec.get("externalIPs") or ()),
            *(str(one.get("ip") or one.get("hostname")) for one in balancers),
        ]
        for one in spec.get("ports") or ():
            yield from ((address, int(one["port"])) for address in addresses if address != "None")
            if one.get("nodePort"):
                nodes = {str((pod.get("status") or {}).get("hostIP", "")) for pod in pods}
                yield from ((host, int(one["nodePort"])) for host in ("", *nodes))


def _picked(pod: JsonObject, selector: JsonObject | None) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in (selector or {}).items())


def _listening(port: int) -> Collection[int]:
    """The processes of this machine that listen at a port; none where they can't be seen."""
    try:
        seen = psutil.net_connections("tcp")
    except psutil.Error:
        return ()
    return {one.pid for one in seen if one.pid and one.status == psutil.CONN_LISTEN and one.laddr[1:] == (port,)}

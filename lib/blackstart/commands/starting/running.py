"""What runs on this machine and can be reached: containers, and the processes that listen, with their units."""

import json
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from blackstart.base import sockets
from blackstart.base.errors import BlackstartError
from blackstart.base.urls import kafka, postgres, redis
from blackstart.commands.starting.held_by import held_by
from blackstart.controls.docker import Docker
from blackstart.controls.steps.local import carry_out
from blackstart.model.step import Command

_ENGINE_WITHIN_S = 15.0
_LOOKED_UP_WITHIN_S = 3.0
_COMPOSE = "com.docker.compose."
_EVERYWHERE = ("", "0.0.0.0", "::")
HTTP = "http"
# What is likely to speak what. Nobody is asked in another protocol than that: who listens there may take it amiss.
_BY_PORT = {redis.PORT: "redis", postgres.PORT: "postgres", kafka.PORT: "kafka"} | dict.fromkeys(
    (8474, 9090, 3000, 5000, 8000, 8001, 8080, 8081, 8888), HTTP
)
_BY_PROGRAM = (
    (re.compile(r"(redis|valkey)-server"), "redis"), (re.compile("postgres$"), "postgres"),
    (re.compile("kafka$"), "kafka"), (re.compile("toxiproxy|prometheus|uvicorn|gunicorn"), HTTP),
)  # fmt: skip
_BY_IMAGE = {
    **dict.fromkeys(("redis", "redis-stack", "redis-stack-server", "valkey"), "redis"),
    **dict.fromkeys(("postgres", "postgresql", "postgis", "timescaledb"), "postgres"),
    **dict.fromkeys(("kafka", "cp-kafka", "kafka-native"), "kafka"),
}
_KAFKA = "kafka.Kafka"


@dataclass(frozen=True)
class Running:
    """One thing that runs. `address` is where it is reached from here ("" where it publishes nothing), and `everywhere`
    whether it is so at all addresses of this machine, `port` its own, `control` the table of a target file, `told`
    where all this is from, `names` what it is called by others, and `settings` those of its environment that are no
    secret; `open` are lines that only the operator can decide on. `likely` is what it speaks by its image, its program
    or its port; "" where these say nothing."""

    address: str
    port: int
    control: Mapping[str, str]
    told: str
    names: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    open: tuple[str, ...] = ()
    everywhere: bool = False
    likely: str = ""

    def is_at(self, hosts: Collection[str], port: int) -> bool:
        """Whether it is what answers at that port of these addresses, which are this machine's."""
        if not self.address or not hosts:
            return False
        host, own = sockets.parse_address(self.address)
        return own == port and (self.everywhere or host in hosts)


def hosts_here(host: str, port: int) -> set[str]:
    """The addresses of a host that is this machine; none where any of them is not, or none can be found."""
    try:
        found = sockets.resolve(host, port, sockets.Deadline(_LOOKED_UP_WITHIN_S))
    except sockets.NoAnswer:
        return set()
    addresses = {str(address[0]) for _, address in found}
    own = {one.address.partition("%")[0] for many in psutil.net_if_addrs().values() for one in many}
    return addresses if all(each in own or sockets.is_loopback(each) for each in addresses) else set()


def containers() -> tuple[list[Running], str]:
    """All running containers, one entry for each port; and why there are none, where the engine can't be asked."""
    engine = os.environ.get("CONTAINER_ENGINE") or "docker"
    try:
        elsewhere = Docker().with_engine().reach()
        ids = carry_out(Command((engine, "ps", "-a", "-q", "--no-trunc"), timeout_s=_ENGINE_WITHIN_S)).stdout.split()
        if not ids:
            return [], f"{engine} runs no container"
        told = carry_out(Command((engine, "inspect", "--type", "container", *ids), timeout_s=_ENGINE_WITHIN_S)).stdout
        every = json.loads(told)
        shared = _in_several_projects(every)
        runs = [each for each in every if each["State"]["Running"]]
        found = [one for each in runs for one in _of_container(each, elsewhere, shared)]
        return found, "" if runs else f"{engine} runs no container"
    except (BlackstartError, ValueError, KeyError) as error:
        return [], f"{engine} can't be asked: {str(error).splitlines()[0]}"


def _compose(told: Mapping[str, Any]) -> tuple[str, str]:
    """Service and project of a container; "" where it is none of compose's."""
    labels = told["Config"].get("Labels") or {}
    return str(labels.get(f"{_COMPOSE}service", "")), str(labels.get(f"{_COMPOSE}project", ""))


def _in_several_projects(every: Iterable[Mapping[str, Any]]) -> set[str]:
    """The compose services that can't be told without their project, containers that do not run among them."""
    services = Counter(service for service, project in {_compose(told) for told in every} if project)
    return {service for service, projects in services.items() if projects > 1}


def _of_container(told: Mapping[str, Any], elsewhere: str, shared: Collection[str]) -> Iterator[Running]:
    """`elsewhere` is where its engine is, whose published ports are not this machine's; "" for this machine. Only a
    service of `shared` is named with its project, which is called otherwise in CI."""
    name, config = str(told["Name"]).lstrip("/"), told["Config"]
    service, project = _compose(told)
    control = {"compose": service} if service and project else {"docker": name}
    if project and service in shared:
        control["project"] = project
    told_by = f"container {name}" + (f" (compose {project}/{service})" if service else "")
    environment = dict(pair.split("=", 1) for pair in config.get("Env") or () if "=" in pair)
    settings = {key: environment[key] for key in ("POSTGRES_USER", "POSTGRES_DB") if key in environment}
    ports = (told.get("NetworkSettings") or {}).get("Ports") or {}
    open_ports = {**dict.fromkeys(config.get("ExposedPorts") or ()), **ports}
    for inner, published in open_ports.items():
        port = inner.partition("/")[0]
        if not port.isdecimal() or inner.endswith("/udp"):
            continue
        ip, address = next(
            ((one["HostIp"], f"{_host(one['HostIp'])}:{one['HostPort']}") for one in published or ()), ("", "")
        )
        at = f"published at {address}" if address else "published nowhere"
        if elsewhere:
            address, at = "", f"of the engine at {elsewhere}"
        names = tuple(filter(None, (name, service)))
        everywhere = bool(address) and ip in _EVERYWHERE
        where = f"{told_by}, port {port} {at}"
        likely = _BY_PORT.get(int(port)) or _BY_IMAGE.get(_repository(config), "")
        yield Running(address, int(port), control, where, names, settings, everywhere=everywhere, likely=likely)


def _repository(config: Mapping[str, Any]) -> str:
    """The name of its image, without where that is from and which one it is: `cp-kafka`."""
    return re.split("[:@]", str(config.get("Image", "")).rpartition("/")[2])[0]


def _host(ip: str) -> str:
    return "127.0.0.1" if ip in _EVERYWHERE else f"[{ip}]" if ":" in ip else ip


def listening(known: Collection[str]) -> list[Running]:
    """The processes that listen on this machine at a port, or by a name, that such a system has; not at the addresses
    that are `known` already. Where another user's can't be seen, there are fewer (see `hidden`)."""
    every = _every()
    taken = {int(address.rpartition(":")[2]) for address in known if address}
    found: dict[int, Running] = {}
    for one in every:
        if one.laddr.port in (taken | found.keys()):
            continue
        port = int(one.laddr.port)
        program = _program(one.pid)
        likely = next((speaks for name, speaks in _BY_PROGRAM if name.match(program)), "") or _BY_PORT.get(port, "")
        if program == "docker-proxy" or not likely:
            continue
        ip = _ip(one)
        host = _host(ip)
        held = held_by(one.pid, program, f"{host}:{port}")
        found[port] = Running(
            f"{host}:{port}", port, held.control, held.told, open=held.open, everywhere=ip in _EVERYWHERE, likely=likely
        )
    return [found[port] for port in sorted(found)]


def hidden(known: Collection[str]) -> list[str]:
    """The addresses at which somebody listens of whom nothing can be seen, neither program nor port says what it
    speaks; but for those that are `known`."""
    taken = {address.rpartition(":")[2] for address in known}
    dark = {int(one.laddr.port): _ip(one) for one in _every() if not one.pid and one.laddr.port not in _BY_PORT}
    return [f"{_host(ip)}:{port}" for port, ip in sorted(dark.items()) if str(port) not in taken]


def _ip(one: Any) -> str:
    return str(one.laddr.ip).removeprefix("::ffff:")


def _every() -> list[Any]:
    """The sockets that listen; none where they can't be seen at all."""
    try:
        every = psutil.net_connections("tcp")
    except psutil.Error:
        return []
    return [one for one in every if one.status == psutil.CONN_LISTEN and one.laddr]


def _program(pid: int | None) -> str:
    """What runs, by its name; Kafka by its class, as its program is java."""
    try:
        process = psutil.Process(pid) if pid else None
        return "" if process is None else "kafka" if _KAFKA in process.cmdline() else process.name()
    except psutil.Error:
        return ""

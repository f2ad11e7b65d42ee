"""The flash sale as a lab: its APIs behind a load balancer, worker, waiting room, Redis, Kafka and PostgreSQL."""

import sys
import uuid
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from blackstart_lab import ports, programs
from blackstart_lab.flash_sale import mutants, on_kubernetes
from blackstart_lab.flash_sale.mutants import Mutant
from blackstart_lab.flash_sale.promise import AS_CODED, GROUP, HEALTHY, PRODUCT, PROMISED, TOPIC, WORKER_DOWN_S
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Layout, Program, Service
from blackstart_lab.printer import say
from blackstart_lab.servers import fault_proxy, kafka, load_balancer, postgres, redis
from blackstart_lab.workspace import Workspace

_MAX_RATE_HZ = 50
_MAX_INSTANCES = 9
_MAX_GATE_PER_S = 10_000
_DATABASE = "sale"


class FlashSaleLab:
    """Orders are accepted against a stock in Redis, kept in Kafka, and written to PostgreSQL by a worker."""

    name = "flash-sale"
    summary = "orders against a stock in Redis, kept in Kafka, written by a worker; several APIs and a load balancer"

    def mutants(self) -> dict[str, dict[str, Any]]:
        return {name: mutants.load(name).declaration() for name in mutants.names()}

    def lay_out(self, workspace: Workspace, options: Namespace) -> Layout:
        _check(options)
        mutant = mutants.load(options.mutant) if options.mutant else mutants.NONE
        if options.on:
            _check_elsewhere(options, mutant)
            head = _head(options, {"topic": TOPIC, "group": GROUP})
            return on_kubernetes.lay_out(workspace, options, mutant.sticky, head)
        # All at once, so that none is taken twice.
        direct, ways, others = _in_parts(ports.take(9 + options.brokers + options.instances), 3 + options.brokers, 2)
        proxy_port, worker_port, room_port, port, *api_ports = others
        port = ports.demand(options.port) if options.port else port
        stock = fault_proxy.proxied(redis.service(workspace, direct[0], keeps=True), ways[0])
        rows = fault_proxy.proxied(postgres.service(workspace, direct[1], _DATABASE), ways[1])
        brokers, queue = _queue(workspace, direct[3:], direct[2])
        routes = {each.name: (str(each.target["address"]), each.address) for each in (stock, rows)}
        where = {
            **{f"--{name}": queue[name] for name in ("kafka", "topic", "group")},
            "--dsn": f"postgresql://{_DATABASE}@{rows.target['address']}/{_DATABASE}",
            "--gate-per-s": options.gate_per_s,
            **({"--mutant": options.mutant} if options.mutant else {}),
            **({"--as-coded": None} if options.as_coded else {}),
        }
        room = _program(workspace, "waiting-room", room_port, {})
        worker = _program(workspace, "worker", worker_port, where)
        where |= {
            "--redis-url": f"redis://{stock.target['address']}/0",
            "--waiting-room": f"{room.target['url']}/",
        }
        apis = [_program(workspace, f"api-{number}", each, where) for number, each in enumerate(api_ports, 1)]
        balancer = load_balancer.service(workspace, port, [api.address for api in apis], mutant.sticky)
        balancer = replace(balancer, lacks=lambda: programs.lacks(f"http://127.0.0.1:{port}/health", {"status": "ok"}))
        worker = _revived(worker, mutant.revived and not options.without_restart)
        apis = [_revived(api, mutant.revived) for api in apis]
        servers = (stock, rows, fault_proxy.service(workspace, proxy_port, routes), *brokers)
        at = {"api": f"http://127.0.0.1:{port}", "proxy": f"http://127.0.0.1:{proxy_port}"}
        return Layout((*servers, room, worker, *apis, balancer), _head(options, queue) | at)


LAB = FlashSaleLab()


def _check(options: Namespace) -> None:
    if options.mutant and options.as_coded:
        raise NotStarted("--mutant and --as-coded are two different sales; choose one")
    if options.instances is None:
        options.instances = 2
    if not 1 <= options.instances <= _MAX_INSTANCES:
        raise NotStarted(f"--instances {options.instances} is out of range; choose 1 to {_MAX_INSTANCES}")
    if options.brokers not in (1, 2):
        raise NotStarted(f"--brokers {options.brokers} is out of range; choose 1 or 2")
    if not 1 <= options.gate_per_s <= _MAX_GATE_PER_S:
        raise NotStarted(f"--gate-per-s {options.gate_per_s} is out of range; choose 1 to {_MAX_GATE_PER_S}")
    if not 1 <= options.quantity < 2**31:
        raise NotStarted(f"--quantity {options.quantity} is out of range; choose 1 or more")


def _check_elsewhere(options: Namespace, mutant: Mutant) -> None:
    """What the manifests can't be told."""
    told = [name for name in ("as-coded", "without-restart", "port") if getattr(options, name.replace("-", "_"))]
    if told or options.brokers > 1:
        raise NotStarted(f"--{told[0] if told else 'brokers'} is for a lab on this machine; leave it out with --on")
    if mutant.remembers or not mutant.revived:
        why = "a new pod remembers nothing" if mutant.remembers else "Kubernetes starts again whatever ends"
        raise NotStarted(f"--mutant {options.mutant} is for a lab on this machine: {why}")


def _head(options: Namespace, queue: dict[str, str]) -> dict[str, Any]:
    """What a target says of the sale wherever it runs."""
    promise = replace(AS_CODED if options.as_coded else PROMISED, gate_per_s=options.gate_per_s)
    return {
        "name": "flash-sale",
        "kind": "flash-sale",
        "lab": True,
        **({"mutant": options.mutant} if options.mutant else {}),
        "profile": promise.name,
        "max_rate_hz": _MAX_RATE_HZ,
        "facts": {**promise.facts(), "worker_down_s": WORKER_DOWN_S[options.profile]},
        "sale": {"product": PRODUCT, "quantity": options.quantity, "init": "/init"},
        "orders": {
            "method": "POST",
            "route": "/order",
            "headers": {"x-idempotency-key": "{key}"},
            "body": {"productId": PRODUCT, "userId": "{key}"},
        },
        "kafka": {"topic": queue["topic"], "group": queue["group"]},
        **({"services": {"kafka": {"dsn": f"kafka://{queue['kafka']}"}}} if queue["topic"] != TOPIC else {}),
    }


def _queue(workspace: Workspace, at: Sequence[int], controller_port: int) -> tuple[tuple[Service, ...], dict[str, str]]:
    """The brokers to start, where they are, and how topic and group are called: in a Kafka that is there already they
    have names of their own, since others may have such, too."""
    there = kafka.elsewhere()
    if there is None:
        brokers = kafka.cluster(workspace, at, controller_port, {TOPIC: 1})
        return brokers, {"kafka": ",".join(each.address for each in brokers), "topic": TOPIC, "group": GROUP}
    if len(at) > 1:
        raise NotStarted(f"--brokers {len(at)} and KAFKA_BOOTSTRAP, whose brokers are there already; choose one")
    mark = uuid.uuid4().hex[:8]
    topic = f"blackstart-{TOPIC}-{mark}"
    kafka.make_topics(there, {topic: 1})
    say(f"the Kafka at {there} is not the lab's: it stays as it is when the lab goes, with the topic {topic}")
    return (), {"kafka": there, "topic": topic, "group": f"blackstart-{GROUP}-{mark}"}


def _revived(service: Service, revived: bool) -> Service:
    return replace(service, program=replace(service.program, revived=revived))


def _in_parts(taken: list[int], first: int, second: int) -> tuple[list[int], list[int], list[int]]:
    return taken[:first], taken[first : first + second], taken[first + second :]


def _program(workspace: Workspace, name: str, port: int, where: dict[str, Any]) -> Service:
    """One of the sale's own programs, named like its module; the number of an instance is left out."""
    events = {"--events": str(workspace.folder / f"{name}.events.jsonl")} if where else {}
    module = name.rstrip("-0123456789").replace("-", "_")
    flags = {"--port": port, **events, **where}
    words = [str(word) for pair in flags.items() for word in pair if word is not None]
    url = f"http://127.0.0.1:{port}"
    return Service(
        name=name,
        program=Program(
            (sys.executable, "-m", f"blackstart_lab.flash_sale.{module}", *words),
            workspace.folder,
            programs.environment(),
            final_exit_codes=(programs.PORT_TAKEN,),
        ),
        address=f"127.0.0.1:{port}",
        lacks=lambda: programs.lacks(f"{url}/health", {"status": "ok", **HEALTHY.get(module, {})}),
        target={"url": url, **({"events": events["--events"]} if events else {})},
    )

"""The systems under fire: the labs, a Redis in a container, in Kubernetes, behind a fault proxy, and behind iptables in
a network namespace."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.campaign.clustered import kubernetes
from benchmarks.campaign.networked import iptables, proxied
from benchmarks.campaign.observer import (
    Look,
    accepts,
    accepts_postgres,
    answers_http,
    is_empty,
    passes_all,
    pings_redis,
    says,
    stocks_agree,
)
from benchmarks.campaign.system import ROOT, Missing, System, invoke, own_experiments

SALE = (
    "worker-crash", "worker-crash --by-supervisor", "redis-latency", "kafka-down", "kafka-partition-loss",
    "database-down", "api-kill", "redis-partition", "redis-down"
)  # fmt: skip

BROKER = (
    "token-expiry", "websocket-reconnect", "websocket-reconnect --silent", "partition", "partition --requests-lost",
    "partition --redis-answers-lost", "partition --cut", "resource-stress", "resource-stress --cpu",
    "resource-stress --memory"
)  # fmt: skip
SERVICES = (
    "platform-coordination", "product-catalog", "inventory-1", "inventory-2", "order", "event-consumer"
)  # fmt: skip
SHOP = (
    "discovery-failure", "broker-partition", "connection-exhaustion", "cascading-failure", "event-storm", "split-brain",
    "memory-leak"
)  # fmt: skip


@contextlib.contextmanager
def _lab_up(state: Path, name: str, *flags: str, within_s: float = 90) -> Iterator[dict[str, Any]]:
    """A lab for as long as this lasts; gives what its target file says."""
    environment = {**os.environ, "BLACKSTART_STATE": str(state), "PYTHONPATH": str(ROOT / "lib")}
    command = [sys.executable, "-m", "blackstart_lab"]
    up = subprocess.run(
        [*command, "up", name, *flags], env=environment, capture_output=True, text=True, timeout=within_s, check=False
    )
    if up.returncode:
        raise Missing(f"the lab does not start: {up.stderr.strip()}")
    try:
        yield tomllib.loads((state / f"labs/{name}/target.toml").read_text())
    finally:
        subprocess.run([*command, "down", name], env=environment, capture_output=True, timeout=90, check=False)


def _supervisor(target: dict[str, Any]) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """The pid of a lab's supervisor, and the words that stop and start its Redis."""
    config = target["services"]["redis"]["control"]["config"]
    words = (str(Path(sys.executable).with_name("supervisorctl")), "-c", config)
    pid = int((Path(config).parent / "supervisord.pid").read_text())
    return pid, (*words, "stop", "redis"), (*words, "start", "redis")


@contextlib.contextmanager
def lab(state: Path, instances: int = 1) -> Iterator[System]:
    """The trader lab with its own experiments."""
    with _lab_up(state, "trader", "--instances", str(instances)) as target:
        ports = {name: urlsplit(f"//{table['address']}").port or 0 for name, table in target["services"].items()}
        urls = {name: table["url"] for name, table in target["services"].items() if table.get("url")}
        redis = ("127.0.0.1", ports["redis"])
        pid, stop, start = _supervisor(target)
        yield System(
            "lab" if instances == 1 else "lab-two",
            state / "labs/trader/target.toml",
            [
                Look("redis", partial(pings_redis, *redis)),
                Look("postgres", partial(accepts_postgres, "127.0.0.1", ports["postgres"], "trader"), 0.05),
                *(Look(name, partial(answers_http, f"{url}/metrics"), 0.1) for name, url in urls.items()),
            ],
            {
                "leader-lock": invoke("chaos.leader-lock"),
                "postgres-blip": invoke("chaos.postgres-blip"),
                "postgres-blip --freeze": invoke("chaos.postgres-blip", "--freeze"),
                "rate-limit-spike": invoke("chaos.rate-limit-spike"),
            }
            if instances == 1
            else {
                "leader-lock --bounce": invoke("chaos.leader-lock", "--bounce"),
                "leader-lock --freeze-leader": invoke("chaos.leader-lock", "--freeze-leader"),
            },
            {pid},
            redis,
            stop_words=stop,
            start_words=start,
        )


@contextlib.contextmanager
def lab_broker(state: Path) -> Iterator[System]:
    """The trader lab with a broker and the fault proxy: tokens refused, ways cut and silent, the app under stress."""
    with _lab_up(state, "trader", "--broker") as target:
        pid, _, _ = _supervisor(target)
        services = target["services"]
        stores = {name: urlsplit(services[name]["dsn"]) for name in ("redis", "postgres")}
        at = {name: (dsn.hostname or "", dsn.port or 0) for name, dsn in stores.items()}
        yield System(
            "lab-broker",
            state / "labs/trader/target.toml",
            [
                Look("redis", partial(pings_redis, *at["redis"]), 0.02),
                Look("postgres", partial(accepts_postgres, *at["postgres"], "trader"), 0.05),
                Look("proxy", partial(passes_all, f"{target['proxy']}/proxies"), 0.05),
                Look("broker", partial(says, f"{services['broker']['url']}/status", "refusing", False), 0.05),
                Look("api", partial(answers_http, f"{services['api']['url']}/metrics"), 0.1),
                Look("no stressor", partial(is_empty, _state_of_runs(state) / "stress"), 0.02),
            ],
            {name: invoke(*f"chaos.{name}".split()) for name in BROKER},
            {pid},
        )


def _state_of_runs(state: Path) -> Path:
    """Where the runs keep theirs, beside that of the lab."""
    return state.with_name("state")


@contextlib.contextmanager
def shop(state: Path) -> Iterator[System]:
    """The shop with its own experiments: the registry, Kafka, connections, inventories, memory; each service is ready
    again in the end."""
    with _lab_up(state, "shop", "--within-s", "120", within_s=400) as target:
        pid, _, _ = _supervisor(target)
        services = target["services"]
        kafka = urlsplit(services["kafka"]["dsn"])
        redis = urlsplit(services["redis"]["dsn"])
        yield System(
            "shop",
            state / "labs/shop/target.toml",
            [
                Look("redis", partial(pings_redis, redis.hostname or "", redis.port or 0), 0.02),
                Look("kafka", partial(accepts, kafka.hostname or "", kafka.port or 0), 0.05),
                Look("proxy", partial(passes_all, f"{target['proxy']}/proxies"), 0.05),
                *(Look(name, partial(answers_http, f"{services[name]['url']}/health/ready"), 0.1) for name in SERVICES),
            ],
            {name: invoke(f"shop.{name}") for name in SHOP},
            {pid},
            load_s=3.0,
        )


@contextlib.contextmanager
def gateway(state: Path) -> Iterator[System]:
    """The gateway lab with its own experiments: faults on the wire and under load, and a Redis that is stopped."""
    with _lab_up(state, "gateway") as target:
        pid, stop, start = _supervisor(target)
        address = urlsplit(target["services"]["redis"]["dsn"])
        redis = (address.hostname or "", address.port or 0)
        yield System(
            "gateway",
            state / "labs/gateway/target.toml",
            [
                Look("redis", partial(pings_redis, *redis)),
                Look("proxy", partial(passes_all, f"{target['proxy']}/proxies"), 0.02),
                Look("gateway", partial(answers_http, f"{target['api']}/actuator/health"), 0.1),
            ],
            {
                name: invoke(f"gateway.{name}")
                for name in ("baseline", "redis-unavailable", "redis-latency", "redis-flapping", "thundering-herd",
                             "redis-bandwidth")
            },
            {pid},
            redis,
            stop_words=stop,
            gap_s=0.05,
            undo_s=0.03,
            load_s=5.0,
            start_words=start,
        )  # fmt: skip


@contextlib.contextmanager
def sale(state: Path) -> Iterator[System]:
    """The flash sale with its own experiments: servers that are stopped, killed or paused, under a load that writes."""
    with _lab_up(state, "flash-sale", "--brokers", "2", "--within-s", "120", within_s=400) as target:
        pid, _, _ = _supervisor(target)
        services = target["services"]
        stores = {name: urlsplit(services[name]["dsn"]) for name in ("redis", "postgres", "kafka", "kafka-2")}
        at = {name: (dsn.hostname or "", dsn.port or 0) for name, dsn in stores.items()}
        healths = ("worker", "api-1", "api-2", "balancer")
        yield System(
            "sale",
            state / "labs/flash-sale/target.toml",
            [
                Look("redis", partial(pings_redis, *at["redis"]), 0.02),
                Look("postgres", partial(accepts_postgres, *at["postgres"], "sale"), 0.05),
                *(Look(name, partial(accepts, *at[name]), 0.05) for name in ("kafka", "kafka-2")),
                Look("proxy", partial(passes_all, f"{target['proxy']}/proxies"), 0.05),
                *(Look(name, partial(answers_http, f"{services[name]['url']}/health"), 0.1) for name in healths),
            ],
            {name: invoke(*f"flash-sale.{name}".split()) for name in SALE},
            {pid},
            agrees=partial(stocks_agree, at["redis"], services["postgres"]["dsn"], ("iphone-15", "iphone-15-last")),
        )


@contextlib.contextmanager
def docker(state: Path) -> Iterator[System]:
    """A Redis in a container, stopped by an experiment of the user's own."""
    if subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False).returncode:
        raise Missing("no Docker engine answers")
    sys.path.insert(0, str(ROOT))
    from tests.docker_engine import redis_container  # noqa: PLC0415  (makes an image of this machine's redis-server)

    with contextlib.ExitStack() as stack:
        try:
            name, port = stack.enter_context(redis_container(f"campaign-{uuid.uuid4().hex[:8]}"))
        except AssertionError as error:
            raise Missing(f"no Redis comes up in a container: {error}") from error
        target = state / "docker.toml"
        target.write_text(
            f'name = "docker"\n[services.redis]\naddress = "127.0.0.1:{port}"\ncontrol = {{ docker = "{name}" }}\n'
        )
        yield System(
            "docker",
            target,
            [Look("redis", partial(pings_redis, "127.0.0.1", port))],
            own_experiments("stop_redis", "kill_redis", "pause_redis", "crash_redis", "bounce_redis"),
            set(),
            ("127.0.0.1", port),
            assume_link="1",
            stop_words=("docker", "stop", name),
            start_words=("docker", "start", name),
            pid=partial(_pid_of, name),
        )


def _pid_of(container: str) -> int:
    words = ("docker", "inspect", "--format={{.State.Pid}}", container)
    return int(subprocess.run(words, capture_output=True, text=True, timeout=10, check=True).stdout)


SYSTEMS = {
    "lab": lab, "lab-two": partial(lab, instances=2), "lab-broker": lab_broker, "gateway": gateway, "docker": docker,
    "iptables": iptables, "kubernetes": kubernetes, "proxied": proxied, "sale": sale, "shop": shop,
}  # fmt: skip
# Five of them are one backend, whose shots they share.
SHARES = {
    "lab": 0.3, "lab-two": 0.15, "lab-broker": 0.2, "gateway": 0.2, "proxied": 0.15, "docker": 1.0, "iptables": 1.0,
    "kubernetes": 1.0, "sale": 1.0, "shop": 1.0,
}  # fmt: skip
BACKENDS = {
    "lab": "lab",
    "lab-two": "lab",
    "lab-broker": "lab",
    "gateway": "lab",
    "proxied": "lab",
    "docker": "docker",
    "iptables": "iptables",
    "kubernetes": "kubernetes",
    "sale": "sale",
    "shop": "shop",
}
# Experiments that break nothing: no instant of a fault ever comes in them.
FAULTLESS = ("rate-limit-spike", "baseline", "event-storm", "memory-leak")

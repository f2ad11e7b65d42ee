"""The systems under fire: both labs, a Redis in a container, a Redis in a network namespace behind iptables."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.campaign.observer import Look, accepts_postgres, answers_http, now_s, passes_all, pings_redis, redis_pid

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


class Missing(Exception):
    """This machine can't offer the system; the message says what is missing."""


@dataclass
class System:
    """A running system. `runs` are the argument lists of the experiments to kill, by name.

    `prefix` is what every command must have in front of it, to be run where the system is.
    """

    name: str
    target: Path
    looks: list[Look]
    runs: dict[str, list[str]]
    elders: set[int] = field(default_factory=set)
    redis: tuple[str, int] | None = None
    assume_link: str = ""
    prefix: list[str] = field(default_factory=list)
    gap_s: float = 0.08  # about so long after the ledger's entry the fault takes effect
    undo_s: float = 0.15  # and so long its undo takes
    start_s: float = 0.0
    stop_words: tuple[str, ...] = ()
    start_words: tuple[str, ...] = ()

    def measure_start(self, times: int = 5) -> None:
        """How long the service itself takes to start: from asking, by its own command, until it answers."""
        taken = []
        for _ in range(times if self.stop_words else 0):
            subprocess.run(self.stop_words, capture_output=True, timeout=60, check=True)
            asked_s = now_s()
            subprocess.run(self.start_words, capture_output=True, timeout=60, check=True)
            while not (self.redis and pings_redis(*self.redis)):
                if now_s() - asked_s > 30:
                    raise Missing("the service does not start by its own command")
            taken.append(now_s() - asked_s)
        self.start_s = sorted(taken)[len(taken) // 2] if taken else 0.0

    def freeze(self) -> int:
        """Stop Redis's process; returns its pid."""
        if not self.redis:
            return 0
        pid = redis_pid(*self.redis)
        os.kill(pid, 19)
        return pid


def invoke(*words: str) -> list[str]:
    """The command line of a task."""
    return [sys.executable, "-m", "invoke", "--search-root", str(ROOT), *words]


@contextlib.contextmanager
def _lab_up(state: Path, name: str, *flags: str) -> Iterator[dict[str, Any]]:
    """A lab for as long as this lasts; gives what its target file says."""
    environment = {**os.environ, "BLACKSTART_STATE": str(state), "PYTHONPATH": str(ROOT / "lib")}
    command = [sys.executable, "-m", "blackstart_lab"]
    up = subprocess.run(
        [*command, "up", name, *flags], env=environment, capture_output=True, text=True, timeout=90, check=False
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
            start_words=start,
        )  # fmt: skip


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
            own_experiments("stop_redis", "kill_redis", "pause_redis"),
            set(),
            ("127.0.0.1", port),
            assume_link="1",
            stop_words=("docker", "stop", name),
            start_words=("docker", "start", name),
        )


@contextlib.contextmanager
def iptables(state: Path) -> Iterator[System]:
    """A Redis in a network namespace of its own; rules drop or reject what goes to it."""
    if os.geteuid() or not shutil.which("ip") or not shutil.which("iptables"):
        raise Missing("needs root, ip and iptables")
    name = f"campaign{uuid.uuid4().hex[:6]}"
    with contextlib.ExitStack() as stack:
        run("ip", "netns", "add", name)
        stack.callback(run, "ip", "netns", "del", name)
        run("ip", "netns", "exec", name, "ip", "link", "set", "lo", "up")
        inside = ["ip", "netns", "exec", name]
        server = subprocess.Popen(
            [*inside, "redis-server", "--port", "6379", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        stack.callback(server.wait, 10)
        stack.callback(server.kill)
        target = state / "iptables.toml"
        target.write_text(
            'name = "iptables"\n[services.redis]\naddress = "127.0.0.1:6379"\n'
            'control = { process = "redis-server *:6379", start = ["redis-server", "--port", "6379"] }\n'
        )
        within_s = now_s() + 10
        while not _in_namespace(name, pings_redis, "127.0.0.1", 6379):
            if now_s() > within_s:
                raise Missing("no Redis comes up in the namespace")
        runs = own_experiments("drop_redis", "reject_redis")
        yield System(
            "iptables",
            target,
            [
                Look("redis", partial(_in_namespace, name, pings_redis, "127.0.0.1", 6379), 0.02),
                Look("rules", partial(_has_no_rule, name), 0.2),
            ],
            runs,
            {server.pid},
            assume_link="1",
            prefix=inside,
            gap_s=0.012,
            undo_s=0.02,
        )


def own_experiments(*names: str) -> dict[str, list[str]]:
    """The experiments in this folder's `experiments`."""
    return {name: invoke("chaos.run", str(HERE / "experiments" / f"{name}.py")) for name in names}


def run(*words: str) -> None:
    """A command that has to succeed."""
    subprocess.run(words, capture_output=True, timeout=30, check=True)


def _has_no_rule(name: str) -> bool:
    seen = subprocess.run(
        ["ip", "netns", "exec", name, "iptables-save"], capture_output=True, text=True, timeout=10, check=False
    )
    return "blackstart" not in seen.stdout


def _in_namespace(name: str, ask: object, *more: object) -> bool:
    """Asked by a thread that has moved into the namespace: sockets made there are in it."""
    import ctypes  # noqa: PLC0415

    handle = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(handle)
    assert callable(ask)
    return bool(ask(*more))


SYSTEMS = {
    "lab": lab, "lab-two": partial(lab, instances=2), "gateway": gateway, "docker": docker, "iptables": iptables,
}  # fmt: skip
# Three of them are one backend, whose shots they share.
SHARES = {"lab": 0.5, "lab-two": 0.2, "gateway": 0.3, "docker": 1.0, "iptables": 1.0}
BACKENDS = {"lab": "lab", "lab-two": "lab", "gateway": "lab", "docker": "docker", "iptables": "iptables"}
# Experiments that break nothing: no instant of a fault ever comes in them.
FAULTLESS = ("rate-limit-spike", "baseline")

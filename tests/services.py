"""Real services for tests: a Redis on a port of its own, run by a supervisord of its own."""

import contextlib
import getpass
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from supervisor.options import ClientOptions
from supervisor.supervisorctl import Controller

from blackstart.controls.steps.local import carry_out as carried_out
from blackstart.controls.steps.shell import to_shell
from blackstart.model.expect import Condition
from blackstart.model.step import Step
from blackstart.model.target import Service, Target
from blackstart.probes.read import read_once
from blackstart.safety.heal import heal_script
from blackstart_lab import ports
from blackstart_lab.servers import redis as redis_of_labs

_ONCE = Retry(NoBackoff(), 0)


def redis_server() -> str:
    """The real redis-server: the system's, or the one that the labs have of a wheel."""
    return redis_of_labs.find()


def supervisorctl(config: Path, *words: str) -> str:
    """What supervisorctl prints, in this process: one of its own takes a quarter of a second to start."""
    options = ClientOptions()
    options.realize(["-c", str(config), *words], doc="")
    controller = Controller(options, stdout=io.StringIO())
    controller.onecmd(" ".join(words))
    return controller.stdout.getvalue()


def free_port() -> int:
    """A port that nobody listens on now, and that is lent to no client while its server is down."""
    return ports.take(1)[0]


def pings(port: int, timeout_s: float = 1.0) -> bool:
    """Whether a Redis answers there. Asked through the redis library, not through our own probes."""
    try:
        with redis.Redis(
            host="127.0.0.1", port=port, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=_ONCE
        ) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def connects(port: int) -> bool:
    """Whether anybody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def eventually(fact: Callable[[], bool], within_s: float = 20.0) -> bool:
    """Wait until something is so; False at the deadline."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if fact():
            return True
        time.sleep(0.02)
    return fact()


def carry_out(steps: Iterable[Step]) -> None:
    """Carry out steps as the engine does; a failure is raised."""
    for step in steps:
        carried_out(step)


def by_shell(steps: Iterable[Step]) -> None:
    """Carry out steps as HEAL.sh does: their lines alone, in plain sh, with nothing of ours on PATH."""
    lines = "\n".join([heal_script.CURL.read_text(), "set -e", *(to_shell(step) for step in steps)])
    env = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": os.environ.get("HOME", "/")}
    ran = subprocess.run(["/bin/sh", "-c", lines], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"


def so(conditions: Iterable[Condition], within_s: float = 2.0) -> bool:
    """Whether all conditions are true, each read once and afresh, in so many seconds at most."""
    return all(condition.matches(read_once(condition.probe, within_s)) for condition in conditions)


@dataclass(frozen=True)
class Supervised:
    """A supervisord with a program `redis` on `port`, and `mute`, which starts and is no Redis."""

    folder: Path
    config: Path
    port: int

    def service(self, **more: str) -> Service:
        """The service as a target describes it."""
        control = {"supervisor": "redis", "config": str(self.config), **more}
        return Service("redis", address=f"127.0.0.1:{self.port}", control=control)

    def target(self, **more: str) -> Target:
        """A target with that service."""
        return Target("test", services={"redis": self.service(**more)})

    def ctl(self, *words: str) -> str:
        """supervisorctl, asked by the test itself."""
        return supervisorctl(self.config, *words)

    def pid(self) -> int:
        """Redis's pid as Redis itself states it."""
        with redis.Redis(host="127.0.0.1", port=self.port, socket_timeout=1) as client:
            return int(client.info("server")["process_id"])


@contextlib.contextmanager
def supervised_redis(folder: Path) -> Iterator[Supervised]:
    """A supervisord that runs a Redis, both ended at exit."""
    port, config = free_port(), folder / "supervisord.conf"
    config.write_text(f"""[supervisord]
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
childlogdir={folder}
nodaemon=true
user={getpass.getuser()}
[unix_http_server]
file={folder}/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/s.sock
[program:redis]
command={redis_server()} --port {port} --save "" --appendonly no --set-proc-title no
startsecs=0
autorestart=true
[program:once]
command=/bin/sleep 3600
autorestart=false
startsecs=0
[program:broken]
command=/bin/false
autostart=false
startretries=1
""")
    argv = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
    with (folder / "out").open("wb") as out:
        daemon = subprocess.Popen(argv, stdout=out, stderr=out, start_new_session=True)
    try:
        if not eventually(lambda: pings(port), 20):
            raise AssertionError(f"Redis did not come up: {(folder / 'out').read_text()}")
        yield Supervised(folder, config, port)
    finally:
        daemon.terminate()
        daemon.wait(timeout=30)

"""Network namespaces for tests: firewalls and queues of their own, which nobody misses when they are gone."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from tests.services import eventually, free_port, pings, redis_server

_numbers = count(1)


def sh(*argv: str, check: bool = True) -> str:
    """What a command prints."""
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert ran.returncode == 0 or not check, f"{' '.join(argv)}: {ran.stderr}"
    return ran.stdout


@dataclass(frozen=True)
class Netns:
    """A namespace with a Redis at `port` of all its addresses. A cable leads to it: `outer` and `ours` are its end
    here, `inner` and `theirs` that in it."""

    name: str
    ours: str
    theirs: str
    outer: str
    inner: str
    port: int

    def inside(self, *argv: str, check: bool = True) -> str:
        """What a command prints that is run in it."""
        return sh("ip", "netns", "exec", self.name, *argv, check=check)

    def rules(self) -> list[str]:
        """Every rule of both families that is no policy."""
        both = self.inside("iptables", "-S") + self.inside("ip6tables", "-S")
        return [line for line in both.splitlines() if line.startswith("-A")]

    def queues(self, device: str = "") -> str:
        """The queues of a device."""
        return self.inside("tc", "qdisc", "show", "dev", device or self.inner).strip()


@contextlib.contextmanager
def netns() -> Iterator[Netns]:
    """A namespace with a real Redis in it; both are gone at exit."""
    number = next(_numbers)
    name, outer = f"bs-{os.getpid()}-{number}", f"bo{os.getpid() % 100000}x{number}"
    third, fourth = os.getpid() % 250 + 1, (number % 60) * 4
    made = Netns(name, f"10.213.{third}.{fourth + 1}", f"10.213.{third}.{fourth + 2}", outer, "eth0", free_port())
    sh("ip", "netns", "add", name)
    server = None
    try:
        sh("ip", "link", "add", outer, "type", "veth", "peer", "name", made.inner, "netns", name)
        sh("ip", "addr", "add", f"{made.ours}/30", "dev", outer)
        sh("ip", "link", "set", outer, "up")
        for words in (("addr", "add", f"{made.theirs}/30", "dev", made.inner), ("link", "set", made.inner, "up")):
            made.inside("ip", *words)
        made.inside("ip", "link", "set", "lo", "up")
        argv = [redis_server(), "--port", str(made.port), "--bind", "*", "--protected-mode", "no", "--save", ""]
        server = subprocess.Popen(["ip", "netns", "exec", name, *argv], stdout=subprocess.DEVNULL)
        assert eventually(lambda: answers(made), 20)
        yield made
    finally:
        if server is not None:
            server.kill()
            server.wait(timeout=10)
        sh("ip", "link", "del", outer, check=False)
        sh("ip", "netns", "del", name, check=False)


def answers(made: Netns) -> bool:
    """Whether its Redis answers from outside, asked by the redis library."""
    import redis  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    try:
        with redis.Redis(
            made.theirs, made.port, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        ) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


__all__ = ["Netns", "answers", "netns", "pings", "sh"]

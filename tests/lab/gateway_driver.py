"""Drives the lab gateway from outside: its routes, its operations side, its fault proxy, its supervisor."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.lab.lab_driver import LabDriver, eventually

KEY = {"X-API-Key": "lab-key"}


class GatewayDriver(LabDriver):
    """One state folder and the gateway in it."""

    def up(self, *flags: str, **environment: str) -> "GatewayDriver":
        result = self.command("up", "gateway", "--within-s", "90", *flags, **environment)
        assert result.returncode == 0, result.stdout + result.stderr
        return self

    @property
    def folder(self) -> Path:
        return self.state / "labs" / "gateway"

    def url(self, path: str, service: str = "gateway") -> str:
        return super().url(path, service)

    def status(self, path: str, service: str = "gateway") -> int | None:
        return super().status(path, service)

    def ask(self, path: str = "/api/v1/users/1", key: str = "lab-key") -> requests.Response:
        return requests.get(self.url(path), headers={"X-API-Key": key}, timeout=10)

    def proxy(self, path: str, body: object) -> None:
        answer = requests.post(self.target["proxy"] + path, json=body, timeout=5)
        assert answer.ok, answer.text

    def cut(self) -> None:
        self.proxy("/proxies/redis", {"enabled": False})

    def join(self) -> None:
        self.proxy("/proxies/redis", {"enabled": True})

    def toxic(self, kind: str, stream: str = "downstream", **attributes: int) -> None:
        self.proxy("/proxies/redis/toxics", {"type": kind, "stream": stream, "attributes": attributes})

    def heal(self) -> None:
        self.proxy("/reset", None)

    def breaker(self) -> dict[str, Any]:
        (found,) = requests.get(self.url("/actuator/circuitbreakers"), timeout=5).json()["circuitBreakers"].values()
        return dict(found)

    def state_of_redis(self) -> str:
        answer = requests.get(self.url("/actuator/health"), timeout=5)
        return str(answer.json()["components"]["redis"]["status"])

    def value(self, line_start: str) -> float:
        """The one sample of /actuator/prometheus whose line begins so."""
        page = requests.get(self.url("/actuator/prometheus"), timeout=5).text
        (line,) = [line for line in page.splitlines() if line.startswith(line_start)]
        return float(line.rpartition(" ")[2])

    def events(self, kind: str, service: str = "gateway") -> list[dict[str, Any]]:
        return super().events(kind, service)

    def states(self) -> list[str]:
        """The breaker's states since the start, in their order."""
        return [event["to"] for event in self.events("breaker")]

    def log(self) -> str:
        return (self.folder / "gateway.log").read_text()

    def left_broken(self) -> str:
        told = requests.get(f"{self.target['proxy']}/proxies/redis", timeout=5).json()
        touched = not told["enabled"] or bool(told["toxics"])
        return f"its proxy: {told}" if touched else super().left_broken()


@dataclass
class Traffic:
    """Requests at a steady rate from a few threads, each with a key of its own, until the block ends."""

    lab: GatewayDriver
    rate_per_s: float = 60.0
    threads: int = 6
    rows: list[tuple[float, float, str]] = field(default_factory=list)
    """Monotonic time of sending, latency in ms, and status with what the upstream was told of the limit."""

    def __enter__(self) -> "Traffic":
        self._ended = threading.Event()
        self._url = self.lab.url("/api/v1/users/1")
        self._pool = [threading.Thread(target=self._send, args=(number,)) for number in range(self.threads)]
        for thread in self._pool:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._pool:
            thread.join(20)

    def _send(self, number: int) -> None:
        every_s = self.threads / self.rate_per_s
        due = time.monotonic() + every_s * number / self.threads
        with requests.Session() as session:
            while not self._ended.wait(max(0.0, due - time.monotonic())):
                self.rows.append(self._one(session, f"lab-key-{number}-{due}"))
                due = max(due + every_s, time.monotonic() - 1)

    def _one(self, session: requests.Session, key: str) -> tuple[float, float, str]:
        sent = time.monotonic()
        try:
            answer = session.get(self._url, headers={"X-API-Key": key}, timeout=10)
            said = f"{answer.status_code} {answer.json().get('limiter', 'nothing')}"
        except (requests.RequestException, ValueError) as error:
            said = type(error).__name__
        return sent, (time.monotonic() - sent) * 1000, said

    def outcomes(self, since: float = 0.0, until: float = float("inf")) -> Counter[str]:
        return Counter(said for sent, _, said in self.rows if since <= sent < until)

    def latency_ms(self, percent: float, since: float = 0.0, until: float = float("inf")) -> float:
        found = sorted(latency for sent, latency, _ in self.rows if since <= sent < until)
        return found[min(len(found) - 1, int(len(found) * percent / 100))]


Up = Callable[..., GatewayDriver]
"""Brings the lab up, with flags."""


def opened(lab: GatewayDriver) -> None:
    eventually(lambda: "OPEN" in lab.states(), within_s=10)


def closed_again(lab: GatewayDriver, within_s: float = 15) -> None:
    eventually(lambda: lab.states()[-1:] == ["CLOSED"], within_s)

"""Drives the lab flash sale from outside: its orders, its servers, its supervisor."""

import signal
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.lab.lab_driver import LabDriver


class SaleDriver(LabDriver):
    """One state folder and the flash sale in it."""

    def up(self, *flags: str, **environment: str) -> "SaleDriver":
        result = self.command("up", "flash-sale", "--within-s", "120", *flags, within_s=400, **environment)
        assert result.returncode == 0, result.stdout + result.stderr
        return self

    @property
    def folder(self) -> Path:
        return self.state / "labs" / "flash-sale"

    def url(self, path: str, service: str = "balancer") -> str:
        return super().url(path, service)

    def init(self, quantity: int, product: str = "iphone-15") -> "SaleDriver":
        answer = requests.post(self.url("/init"), json={"productId": product, "quantity": quantity}, timeout=10)
        assert (answer.status_code, answer.json()["status"]) == (200, "ok"), answer.text
        return self

    def place(self, key: str, within_s: float = 15) -> requests.Response:
        body = {"productId": "iphone-15", "userId": key}
        headers = {"x-idempotency-key": key}
        url = self.url("/order")
        return requests.post(url, json=body, headers=headers, timeout=within_s, allow_redirects=False)

    def rows(self) -> list[str]:
        """The users of the orders that are written; a user is named like the key."""
        return [row[0] for row in self.sql("SELECT user_id FROM orders WHERE product_id = 'iphone-15'")]

    def units(self) -> tuple[int, int]:
        """The stock in Redis and in the database."""
        (row,) = self.sql("SELECT stock FROM products WHERE id = 'iphone-15'")
        with self.redis() as client:
            return int(client.get("product:iphone-15:stock")), row[0]

    def kill(self, service: str) -> int:
        pid = self.pid(service)
        self.tree(service)[0].send_signal(signal.SIGKILL)
        return pid

    def health(self, service: str) -> dict[str, Any]:
        try:
            return dict(requests.get(self.url("/health", service), timeout=2).json())
        except (requests.RequestException, ValueError):
            return {}


@dataclass
class Buyers:
    """Orders at a steady rate from a few threads, each with a key of its own, until the block ends."""

    lab: SaleDriver
    rate_per_s: float = 30.0
    threads: int = 8
    answers: dict[str, str] = field(default_factory=dict)
    """Key to status and what the body says, or to the error."""

    def __enter__(self) -> "Buyers":
        self._ended = threading.Event()
        self._url = self.lab.url("/order")
        self._pool = ThreadPoolExecutor(self.threads)
        self._jobs = [self._pool.submit(self._buy, number) for number in range(self.threads)]
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._pool.shutdown()
        for job in self._jobs:
            job.result()

    def _buy(self, number: int) -> None:
        every_s = self.threads / self.rate_per_s
        due = time.monotonic() + every_s * number / self.threads
        with requests.Session() as session:
            while not self._ended.wait(max(0.0, due - time.monotonic())):
                key = str(uuid.uuid4())
                self.answers[key] = self._one(session, key)
                due = max(due + every_s, time.monotonic() - 1)

    def _one(self, session: requests.Session, key: str) -> str:
        body, headers = {"productId": "iphone-15", "userId": key}, {"x-idempotency-key": key}
        try:
            answer = session.post(self._url, json=body, headers=headers, timeout=15, allow_redirects=False)
            return f"{answer.status_code} {answer.json()['status'] if answer.content else 'redirected'}"
        except (requests.RequestException, ValueError) as error:
            return type(error).__name__

    def outcomes(self) -> Counter[str]:
        return Counter(list(self.answers.values()))

    def refused(self) -> Counter[str]:
        """All outcomes but those of a sale in which nothing is broken: a thread that catches up may meet the gate."""
        fine = ("200 success", "302 redirected")
        return Counter({said: count for said, count in self.outcomes().items() if said not in fine})

    def accepted(self) -> set[str]:
        return {key for key, said in list(self.answers.items()) if said == "200 success"}

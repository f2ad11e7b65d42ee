"""Drives the lab checkout from outside: its sessions, its books, its supervisor."""

import uuid
from pathlib import Path
from typing import Any

import requests

from tests.lab.lab_driver import LabDriver

ROUTE = "/checkout/sessions"


class CheckoutDriver(LabDriver):
    """One state folder and the checkout in it."""

    def up(self, *flags: str, **environment: str) -> "CheckoutDriver":
        # It has no profiles; campaigns name one to each lab.
        own = [word for word in flags if word not in ("--profile", "quick", "real")]
        result = self.command("up", "checkout", "--within-s", "90", *own, **environment)
        assert result.returncode == 0, result.stdout + result.stderr
        return self

    @property
    def folder(self) -> Path:
        return self.state / "labs" / "checkout"

    def open(self, key: str = "", sku: str = "A-1", **headers: str) -> tuple[int, Any]:
        """Status and body, as a client gets them through the proxy."""
        told = {"Idempotency-Key": key or str(uuid.uuid4()), **headers}
        body = {"customer": "c", "items": [{"sku": sku, "quantity": 2, "unit_cents": 1250}]}
        answer = requests.post(self.target["api"] + ROUTE, json=body, headers=told, timeout=15)
        return answer.status_code, answer.json()

    def books(self, key: str) -> tuple[int, int]:
        """How many sessions and charges there are of a key."""
        ((sessions,),) = self.sql("SELECT count(*) FROM checkout_sessions WHERE idempotency_key = %s", key)
        ((charges,),) = self.sql("SELECT count(*) FROM payment_charges WHERE reference = %s", key)
        return sessions, charges

    def unfinished(self) -> int:
        """Keys that are on their way, or were left."""
        return int(self.sql("SELECT count(*) FROM idempotency_keys WHERE answer IS NULL")[0][0])

    def proxied(self, name: str, enabled: bool) -> None:
        """Whether the fault proxy lets anybody through to a service."""
        answer = requests.post(f"{self.target['proxy']}/proxies/{name}", json={"enabled": enabled}, timeout=5)
        assert answer.ok, answer.text

    def left_broken(self) -> str:
        """Also a way that is cut, or that has a toxic."""
        ways = requests.get(f"{self.target['proxy']}/proxies", timeout=5).json()
        left = {name: way for name, way in ways.items() if not way["enabled"] or way["toxics"]}
        return super().left_broken() or (f"on the proxy: {left}" if left else "")

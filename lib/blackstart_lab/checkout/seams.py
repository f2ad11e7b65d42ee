"""The checkout put together from its parts. A mutant replaces some of them."""

from collections.abc import Mapping
from typing import Any

from blackstart_lab.checkout import mutants
from blackstart_lab.checkout.checkouts import Checkouts
from blackstart_lab.checkout.payment_client import PaymentClient
from blackstart_lab.checkout.request_limit import SlidingLog
from blackstart_lab.checkout.session_store import SessionStore

HEALTHY: dict[str, type[Any]] = {
    "store": SessionStore,
    "payments": PaymentClient,
    "limiter": SlidingLog,
    "checkouts": Checkouts,
}
"""Part name to class: the seams at which a mutant may put its own."""


def kinds(mutant: str | None) -> Mapping[str, type[Any]]:
    """The class of each part."""
    return {**HEALTHY, **mutants.load(mutant).parts} if mutant else HEALTHY

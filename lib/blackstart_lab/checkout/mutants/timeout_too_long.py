"""A payment gateway that does not answer is waited for as long as it takes."""

from dataclasses import replace
from typing import Any

from blackstart_lab.checkout.checkouts import Checkouts
from blackstart_lab.checkout.mutants import Mutant
from blackstart_lab.checkout.payment_client import PaymentClient
from blackstart_lab.checkout.promise import Promise

_LONG_S = 60.0


class WaitsForPayments(PaymentClient):
    """A minute, as a client that was never told otherwise."""

    def __init__(self, url: str, promise: Promise) -> None:
        super().__init__(url, replace(promise, payment_timeout_s=_LONG_S))


class WaitsForAll(Checkouts):
    """Nor is there a limit for all of it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.promise = replace(self.promise, answer_timeout_s=_LONG_S)


MUTANT = Mutant(
    summary="a payment gateway that does not answer is waited for until clients have given up",
    experiment="latency-spike",
    must_fail=("response_within",),
    may_fail=("no_timeout_errors",),  # a client has a limit of its own
    parts={"payments": WaitsForPayments, "checkouts": WaitsForAll},
)
